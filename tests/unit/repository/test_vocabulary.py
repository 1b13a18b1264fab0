"""Words that the glossary replaced do not come back as names: of modules, definitions, parameters or variables."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

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
PARTICIPLES = {  # a function, a class, a parameter or a local variable is not called just this; an error may be
    *("accepted", "added", "allowed", "answered", "arrived", "asked", "begun", "blocked", "built", "canceled"),
    *("changed", "checked", "chosen", "claimed", "computed", "configured", "counted", "created", "derived", "done"),
    *("drawn", "ended", "erased", "excluded", "expanded", "expected", "failed", "fitting", "followed", "found"),
    *("fresh", "generated", "given", "grouped", "held", "joined", "judged", "kept", "known", "leased"),
    *("linked", "listed", "loaded", "made", "matched", "measured", "missed", "moved", "named", "needed", "opened"),
    *("parsed", "placed", "predicted", "preferred", "published", "quoted", "received", "recognised", "refused"),
    *("registered", "released", "repeated", "replaced", "reported", "said", "saved", "scanned", "selected", "sent"),
    *("served", "shown", "skipped", "spoken", "started", "stopped", "submitted", "succeeded", "supported", "taken"),
    *("taught", "timed", "told", "tried", "trimmed", "trusted", "typed", "unchanged", "undone", "unfinished"),
    *("updated", "uploaded", "used", "verified", "wanted", "whose", "wrapped", "written", "zipped"),
}


def product_files() -> list[Path]:
    return sorted(path for pattern in FOLDERS for folder in ROOT.glob(pattern) for path in folder.rglob("*.py"))


def names(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Each name that the file defines, its line, and whether PARTICIPLES may not be its only word.

    They may where the name is a field, whose class says of what, or a constant: JSON has `accepted` and `refused`.
    """
    yield 1, path.stem, False
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.name, True
            yield from ((each.lineno, each.id, True) for each in ast.walk(node) if is_assigned(each))
        elif isinstance(node, ast.ClassDef):
            yield node.lineno, node.name, path.stem != "errors"
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg, True
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.lineno, node.name, True
        elif is_assigned(node):
            yield node.lineno, node.id, False
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr, False


def is_assigned(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def faults(path: Path) -> set[str]:
    found = set()
    for line, name, is_lone_participle_a_fault in names(path):
        words = name.lower().strip("_").split("_")
        is_lone_participle = len(words) == 1 and words[0] in PARTICIPLES
        if set(words) & GIVEN_UP.keys() or (is_lone_participle and is_lone_participle_a_fault):
            found.add(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name}:{line} {name}")
    return found


def test_no_name_has_a_word_that_was_replaced():
    assert [fault for path in product_files() for fault in sorted(faults(path))] == []


@pytest.mark.parametrize(
    "source",
    [
        "def ring(job): ...",
        "class House: ...",
        "def next(bells): ...",
        "def told(): ...",
        "def kept(): ...",
        "def read(job, given): ...",
        "ROADS = 3",
        "class Server:\n    door: int",
        "def start(self):\n    self.house = 1",
        "def read(path):\n    bells = path.read_text()",
        "def read(path):\n    found = path.read_text()",
        "def read(path):\n    return [kept for kept in path]",
        "def read(path):\n    with path.open() as opened: ...",
        "def read(path):\n    try: ...\n    except OSError as failed: ...",
    ],
)
def test_such_a_name_is_found(tmp_path, source):
    path = tmp_path / "example.py"
    path.write_text(source)
    assert len(faults(path)) == 1


@pytest.mark.parametrize(
    "source",
    ["class Result:\n    refused: list[str]", "HELD = 'held'", "def read(job):\n    job.refused = refused_jobs"],
)
def test_a_field_and_a_constant_may_be_a_participle(tmp_path, source):
    path = tmp_path / "example.py"
    path.write_text(source)
    assert faults(path) == set()


def test_words_of_the_glossary_are_let_through(tmp_path):
    path = tmp_path / "example.py"
    path.write_text("def enqueue(ready_jobs): ...\nclass Waveform: ...\ndef find_students(names): ...\n")
    assert faults(path) == set()
