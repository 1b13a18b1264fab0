"""Every link of every document leads somewhere; every file and function that docs/architecture.md names exists."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "deploy/README.md", ROOT / "examples/README.md"]
)
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
FILE = re.compile(r"`((?:\w+/)+[\w.-]*|\w+\.(?:py|yml))`")
MAX_FILES = 10  # to read for accepting an upload
MAX_CALLS = 6

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@cache
def prose(document: Path) -> str:
    """The document without its examples."""
    return FENCED.sub("", document.read_text(encoding="utf-8"))


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = [re.sub(r"[`*]", "", heading).lower() for heading in HEADING.findall(prose(document))]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


@each_document
def test_every_link_leads_to_a_file_and_a_heading(document):
    broken = []
    for link in LINK.findall(prose(document)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def upload_files() -> list[str]:
    section = ARCHITECTURE.partition("## 1. ")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def test_every_file_of_the_architecture_exists():
    named = set(FILE.findall(prose(ROOT / "docs" / "architecture.md")))
    assert len(named) > 40
    bare = {"engine.py", "engine_loader.py", "routes.py", "run_job.py", "tasks.py"}  # named together with their folder
    assert not [name for name in named - bare if not (ROOT / name).exists()]


def test_accepting_an_upload_takes_few_files_and_calls():
    assert 5 < len(upload_files()) <= MAX_FILES
    (chain,) = re.findall(r"calls from the view to Redis:((?:\s*(?:→\s*)?`[\w.]+`)+)", ARCHITECTURE)
    calls = re.findall(r"`([\w.]+)`", chain)
    assert len(calls) <= MAX_CALLS
    source = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in upload_files() if name.endswith(".py"))
    for call in calls[:-1]:
        assert re.search(rf"^\s*def {call.split('.')[-1]}\(", source, re.MULTILINE), call
    assert [name for name in upload_files() if name.endswith(f"/{calls[-1]}")]


@pytest.mark.parametrize("name", [name for name in upload_files() if name.endswith(".py")])
def test_the_names_that_a_row_of_the_upload_gives_are_in_its_file(name):
    (row,) = re.findall(rf"^\| `{re.escape(name)}` \| (.*) \|$", ARCHITECTURE, re.MULTILINE)
    text = (ROOT / name).read_text(encoding="utf-8")
    named = re.findall(r"`([A-Za-z_]+(?:\.[a-z_]+)?)`", row)
    assert not [each for each in named if not re.search(rf"\b{each.split('.')[-1]}\b", text)]
