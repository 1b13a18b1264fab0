"""The READMEs and the pages of the command agree with the code: settings, links, commands, folders, and each other."""

import re
import subprocess
from functools import cache
from pathlib import Path

import click
import pytest

from pipeline.settings import Settings
from waijiao.cli.main import main

ROOT = Path(__file__).resolve().parents[3]
READMES = ["README.md", "README.zh-CN.md"]
COMMAND_PAGES = ["docs/commands.md", "docs/commands.zh-CN.md"]
TRANSLATED = [
    "README",
    "docs/commands",
    "docs/homework",
    "docs/lessons",
    "docs/performance",
    "docs/school",
    "docs/settings",
]
MAX_LINES = 200
FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COLUMNS = re.compile(r"\s{2,}")  # what parts a name or a usage from its explanation
PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]*|\.\w+)", re.ASCII)
HOME_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home|Users)/")

each_readme = pytest.mark.parametrize("readme", READMES)
each_page = pytest.mark.parametrize("readme", READMES + COMMAND_PAGES)


@cache
def text(readme: str) -> str:
    return (ROOT / readme).read_text(encoding="utf-8")


def code(readme: str) -> list[str]:
    """Every line of the fenced blocks, and every piece of inline code."""
    fenced = [line for block in FENCED.findall(text(readme)) for line in block.splitlines()]
    return fenced + re.findall(r"`([^`\n]+)`", FENCED.sub("", text(readme)))


def shell(readme: str) -> list[str]:
    """The command lines of the sh blocks, without their comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text(readme), re.DOTALL | re.MULTILINE)
    lines = [re.sub(r"(^|\s+)#.*", "", line) for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def tree(readme: str) -> list[str]:
    """Every path that the annotated tree names, as a pattern relative to the repository."""
    (block,) = [block for block in FENCED.findall(text(readme)) if block.startswith("celeryconfig.py")]
    found, folders = [], [""]
    for line in block.splitlines():
        names = [piece for piece in COLUMNS.split(line.strip()) if PATH.fullmatch(piece)]
        if line.startswith(" "):
            found += [folder + name for folder in folders for name in names]
        else:
            found += names
            folders = names
    return found


def usages(readme: str) -> list[tuple[str, list[str]]]:
    """Every use of the `waijiao` command: its subcommand, such as "models fetch", and its long options."""
    found = []
    for line in code(readme):
        if not (used := re.match(r"(?:\.venv/bin/)?waijiao ([a-z].*)", line)):
            continue
        name, _, rest = COLUMNS.split(used[1])[0].partition(" ")
        if isinstance(main.commands.get(name), click.Group):
            uses = [f"{name} {each.strip()}" for each in rest.split("|")]
            found += [(" ".join(use.split()[:2]), re.findall(r"--[\w-]+", use)) for use in uses]
        else:
            found.append((name, re.findall(r"--[\w-]+", rest)))
    return found


def command_named(name: str) -> click.Command:
    command: click.Command = main
    for word in name.split():
        assert isinstance(command, click.Group)
        assert word in command.commands, f"waijiao {name}: expected one of {', '.join(sorted(command.commands))}"
        command = command.commands[word]
    return command


@each_readme
def test_a_readme_is_short(readme):
    assert len(text(readme).splitlines()) <= MAX_LINES


@each_page
def test_every_setting_that_is_mentioned_exists(readme):
    mentioned = set(re.findall(r"\bWAIJIAO_([A-Z_]+)\b", text(readme)))
    assert mentioned <= {name.upper() for name in Settings.model_fields}


@each_page
def test_every_relative_link_leads_to_a_file(readme):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text(readme))
    relative = [link for link in links if not re.match(r"\w+:", link)]
    assert relative
    assert not [link for link in relative if not (ROOT / readme).parent.joinpath(link).is_file()]


@pytest.mark.parametrize("page", TRANSLATED)
def test_both_languages_of_a_page_lead_to_each_other_and_have_the_same_sections(page):
    name = Path(page).name
    english, chinese = text(f"{page}.md"), text(f"{page}.zh-CN.md")
    assert f"({name}.zh-CN.md)" in english.partition("\n## ")[0]
    assert f"({name}.md)" in chinese.partition("\n## ")[0]
    sections = [re.findall(r"^#+ ", FENCED.sub("", each), re.MULTILINE) for each in (english, chinese)]
    assert sections[0] == sections[1]


@pytest.mark.parametrize("page", ["docs/homework", "docs/lessons"])
def test_both_languages_of_a_page_have_the_same_examples(page):
    """Those of the English page are run by tests."""
    assert FENCED.findall(text(f"{page}.md")) == FENCED.findall(text(f"{page}.zh-CN.md"))


@each_readme
def test_every_make_target_exists(readme):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {used[1] for line in code(readme) if (used := re.match(r"make ([\w-]+)", line))}
    assert {"demo", "run", "test", "test-all", "check"} <= named <= targets


@each_readme
def test_everything_in_the_tree_exists(readme):
    named = tree(readme)
    assert {"pipeline/", "worker_llm/", "worker_tts/engine.py", "pipeline/jobs/", "examples/"} <= set(named)
    assert not [path for path in named if not list(ROOT.glob(path.rstrip("/")))]
    assert all((ROOT / path).is_dir() for path in named if path.endswith("/"))


@each_page
def test_every_command_and_option_exists(readme):
    used = usages(readme)
    assert used
    for name, options in used:
        known = {option for parameter in command_named(name).params for option in parameter.opts} | {"--help"}
        assert set(options) <= known, f"waijiao {name}"


@pytest.mark.parametrize("page", COMMAND_PAGES)
def test_the_page_of_the_command_shows_every_command(page):
    assert set(main.commands) <= {name.split()[0] for name, _ in usages(page)}
    assert {"models list", "models fetch", "models verify"} <= {name for name, _ in usages(page)}


def test_both_readmes_give_the_same_commands():
    assert shell("README.md")
    assert shell("README.md") == shell("README.zh-CN.md")
    assert usages("README.md") == usages("README.zh-CN.md")
    assert usages("docs/commands.md") == usages("docs/commands.zh-CN.md")
    assert tree("README.md") == tree("README.zh-CN.md")


def test_both_readmes_show_the_same_output():
    outputs = [[block for block in FENCED.findall(text(readme)) if "Ready after" in block] for readme in READMES]
    assert outputs[0]
    assert outputs[0] == outputs[1]


def test_no_file_holds_a_path_of_somebody_s_machine():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" not in content:
            found += [
                f"{name}:{number}"
                for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1)
                if HOME_PATH.search(line)
            ]
    assert not found
