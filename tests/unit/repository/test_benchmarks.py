"""Whatever names a benchmark names a file that exists, and each benchmark says the command that runs it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("api", "benchmarks", "docs", "examples", "pipeline", "waijiao", "worker_*")
BENCHMARK = re.compile(r"\bbenchmarks(?:[./]\w+)+")  # a module or a path
COMMAND = re.compile(r"python -m\s+(benchmarks[\w.]+)")
SCRIPTS = [path for path in sorted(ROOT.glob("benchmarks/**/*.py")) if "__main__" in path.read_text(encoding="utf-8")]


def naming_files() -> list[Path]:
    folders = [folder for pattern in FOLDERS for folder in ROOT.glob(pattern)]
    in_folders = [path for folder in folders for path in folder.rglob("*") if path.suffix in {".md", ".py"}]
    return sorted([*ROOT.glob("*.md"), *in_folders])


def names_a_file(name: str) -> bool:
    path = ROOT / name
    module = ROOT / name.removesuffix(".py").replace(".", "/")
    return path.exists() or module.is_dir() or module.with_suffix(".py").is_file()


def test_every_benchmark_that_is_named_exists():
    named = [
        (str(path.relative_to(ROOT)), name)
        for path in naming_files()
        for name in BENCHMARK.findall(path.read_text(encoding="utf-8"))
    ]
    assert {"docs/performance.md", "docs/performance.zh-CN.md", "docs/engines.md"} <= {path for path, _ in named}
    assert [each for each in named if not names_a_file(each[1])] == []


@pytest.mark.parametrize("name", ["benchmarks.server.absent", "benchmarks/absent.py", "benchmarks/server/eta.accuracy"])
def test_a_benchmark_that_does_not_exist_is_noticed(name):
    assert not names_a_file(name)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_benchmark_says_the_command_that_runs_it(script):
    own_name = ".".join(script.relative_to(ROOT).with_suffix("").parts)
    docstring = script.read_text(encoding="utf-8").split('"""')[1]
    assert own_name in COMMAND.findall(docstring)
