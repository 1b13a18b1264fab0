"""The examples of a page of the documentation, to be run as they stand, and what the page says that they print."""

import re
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)


@dataclass
class Example:
    language: str
    code: str
    shown: str | None


def examples_of(page: Path) -> list[Example]:
    return [Example(*found.groups()) for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def matches(shown: str, said: str) -> bool:
    """Whether the page's `…` can stand for something so that both are the same."""
    pattern = ".*".join(re.escape(piece) for piece in shown.strip().split("…"))
    return re.fullmatch(pattern, said.strip(), re.DOTALL) is not None
