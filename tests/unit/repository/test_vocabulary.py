"""Words that the glossary replaced do not come back as names of functions, classes, modules or parameters."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("api", "benchmarks", "deploy", "examples", "pipeline", "waijiao", "worker_*")
GIVEN_UP = {  # a word -> what the glossary says instead
    "bell": "ready job", "bells": "ready jobs", "ring": "enqueue", "ringing": "enqueue", "rung": "enqueued",
    "road": "stages", "roads": "stages", "house": "server, supervisor or cluster", "door": "API",
    "cut": "segment", "cuts": "segments", "chores": "maintenance", "beginnings": "prefix cache", "dice": "sampler",
    "sight": "snapshot", "telling": "publishing", "reckoning": "model", "plainly": "", "anew": "again",
    "beside": "in the folder of",
}  # fmt: skip
PARTICIPLES = {  # a function or class is not called just this
    *("arrived", "asked", "begun", "checked", "chosen", "drawn", "fitting", "found", "fresh", "given", "grouped"),
    *("held", "joined", "judged", "kept", "known", "leased", "made", "matched", "moved", "named", "placed", "shown"),
    *("taken", "told", "wanted", "whose", "wrapped", "written", "claimed", "computed", "followed", "loaded"),
    *("measured", "opened", "served", "started", "stopped", "taught", "timed", "typed", "undone", "uploaded", "zipped"),
}


def product_files() -> list[Path]:
    return sorted(path for pattern in FOLDERS for folder in ROOT.glob(pattern) for path in folder.rglob("*.py"))


def names(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Each name that the file defines, its line, and whether it is a function's or a class's."""
    yield 1, path.stem, False
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.lineno, node.name, True
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg, False


def faults(path: Path) -> list[str]:
    found = []
    for line, name, is_definition in names(path):
        words = name.lower().strip("_").split("_")
        if set(words) & GIVEN_UP.keys() or (is_definition and len(words) == 1 and words[0] in PARTICIPLES):
            found.append(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name}:{line} {name}")
    return found


def test_no_name_has_a_word_that_was_replaced():
    assert [fault for path in product_files() for fault in faults(path)] == []


@pytest.mark.parametrize(
    "source", ["def ring(job): ...", "class House: ...", "def next(bells): ...", "def told(): ...", "def kept(): ..."]
)
def test_such_a_name_is_found(tmp_path, source):
    path = tmp_path / "example.py"
    path.write_text(source)
    assert len(faults(path)) == 1


def test_words_of_the_glossary_are_let_through(tmp_path):
    path = tmp_path / "example.py"
    path.write_text("def enqueue(ready_jobs): ...\nclass Waveform: ...\ndef find_students(names): ...\n")
    assert faults(path) == []
