"""Both READMEs say what is so: every setting and default, every link, command and folder they name."""

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
FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SETTING_ROW = re.compile(r"^\| `WAIJIAO_(\w+)` \|([^|]*)\|([^|]*)\|$", re.MULTILINE)
COLUMNS = re.compile(r"\s{2,}")  # what parts a name or a usage from its explanation
PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]*|\.\w+)", re.ASCII)
SOMEBODY_S_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home|Users)/")

each_readme = pytest.mark.parametrize("readme", READMES)


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


def shown(name: str, default: object) -> str:
    """A default as the table writes it: nothing for what is derived or empty, else in code."""
    if default in (None, ""):
        return ""
    if name == "home":
        return "`~/.local/share/waijiao`"
    if isinstance(default, Path) and default.is_relative_to(ROOT):
        return f"`{default.relative_to(ROOT)}/`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


@each_readme
def test_every_setting_has_its_row_with_its_default(readme):
    rows = {name: default.strip() for name, default, _ in SETTING_ROW.findall(text(readme))}
    assert rows == {name.upper(): shown(name, field.default) for name, field in Settings.model_fields.items()}


@each_readme
def test_every_setting_is_explained(readme):
    assert not [name for name, _, explanation in SETTING_ROW.findall(text(readme)) if not explanation.strip()]


@each_readme
def test_every_setting_that_is_mentioned_exists(readme):
    mentioned = set(re.findall(r"\bWAIJIAO_([A-Z_]+)\b", text(readme)))
    assert mentioned <= {name.upper() for name in Settings.model_fields}


@each_readme
def test_every_relative_link_leads_to_a_file(readme):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text(readme))
    relative = [link for link in links if not re.match(r"\w+:", link)]
    assert relative
    assert not [link for link in relative if not (ROOT / link).is_file()]


def test_the_readmes_lead_to_each_other():
    assert "(README.zh-CN.md)" in text("README.md")
    assert "(README.md)" in text("README.zh-CN.md").splitlines()[0]


@each_readme
def test_every_make_target_exists(readme):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {used[1] for line in code(readme) if (used := re.match(r"make ([\w-]+)", line))}
    assert {"demo", "test"} <= named <= targets


@each_readme
def test_everything_in_the_tree_exists(readme):
    named = tree(readme)
    assert {"pipeline/", "worker_llm/", "worker_tts/engine.py", "examples/"} <= set(named)
    assert not [path for path in named if not list(ROOT.glob(path.rstrip("/")))]
    assert all((ROOT / path).is_dir() for path in named if path.endswith("/"))


@each_readme
def test_every_command_and_option_exists(readme):
    used = usages(readme)
    assert {"up", "ask", "models list", "models fetch", "models verify", "status", "demo"} <= {name for name, _ in used}
    for name, options in used:
        known = {option for parameter in command_named(name).params for option in parameter.opts} | {"--help"}
        assert set(options) <= known, f"waijiao {name}"


@each_readme
def test_every_command_is_shown(readme):
    assert set(main.commands) <= {name.split()[0] for name, _ in usages(readme)}


def test_both_readmes_give_the_same_commands():
    assert shell("README.md")
    assert shell("README.md") == shell("README.zh-CN.md")
    assert usages("README.md") == usages("README.zh-CN.md")
    assert tree("README.md") == tree("README.zh-CN.md")


def test_both_readmes_show_the_same_output():
    outputs = [[block for block in FENCED.findall(text(readme)) if "Ready after" in block] for readme in READMES]
    assert outputs[0]
    assert outputs[0] == outputs[1]


def test_both_readmes_have_the_same_sections():
    sections = [re.findall(r"^#+ ", FENCED.sub("", text(readme)), re.MULTILINE) for readme in READMES]
    assert sections[0] == sections[1]


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
                if SOMEBODY_S_PATH.search(line)
            ]
    assert not found
