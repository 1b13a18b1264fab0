"""The examples of a documentation page, and the output that the page shows for each."""

import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)


@dataclass
class Example:
    language: str
    code: str
    expected_output: str | None


def read_examples(page: Path) -> list[Example]:
    return [Example(*found.groups()) for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def matches(expected_output: str, output: str) -> bool:
    """Whether the output is what the page shows, where each `…` of the page stands for any text."""
    pattern = ".*".join(re.escape(piece) for piece in expected_output.strip().split("…"))
    return re.fullmatch(pattern, output.strip(), re.DOTALL) is not None
