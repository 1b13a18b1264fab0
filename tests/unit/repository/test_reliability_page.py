"""docs/reliability.md names tests as proofs: they must exist."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[3]
PAGE = (PROJECT / "docs" / "reliability.md").read_text()


def test_every_test_that_is_named_exists():
    named = set(re.findall(r"`(?:tests/[\w/]+/)?(test_\w+\.py)`", PAGE))
    assert len(named) > 10
    assert named <= {path.name for path in PROJECT.glob("tests/**/test_*.py")}


def test_every_fault_test_is_named():
    assert {path.name for path in PROJECT.glob("tests/faults/*/test_*.py")} <= set(re.findall(r"test_\w+\.py", PAGE))
