"""A Lua script reads just the arguments that Python gives it: a name that one of them misspells would be nil."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
SCRIPTS = ROOT / "pipeline" / "jobs" / "scripts"


def script_calls() -> Iterator[tuple[str, set[str]]]:
    """The script and the names of the arguments of every `run("script", name=…)` in the product."""
    for folder in ("pipeline", "api", *(path.name for path in ROOT.glob("worker_*"))):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(func=ast.Attribute(attr="run"), args=[ast.Constant(value=str(script))]):
                        yield script, {keyword.arg or "**" for keyword in node.keywords}


CALLS = sorted(script_calls())


def test_every_script_has_one_caller():
    assert [script for script, _ in CALLS] == sorted(path.stem for path in SCRIPTS.glob("*.lua"))


@pytest.mark.parametrize(("script", "arguments"), CALLS, ids=[script for script, _ in CALLS])
def test_a_script_reads_what_it_is_given(script, arguments):
    text = (SCRIPTS / f"{script}.lua").read_text(encoding="utf-8")
    code = "\n".join(line.partition("--")[0] for line in text.splitlines())
    assert set(re.findall(r"\bargs\.(\w+)", code)) == arguments
    assert "ARGV" not in code
