"""Lists of names in messages, the first few of them and how many more there are; and things with their number."""

import re
from collections.abc import Sequence

SEPARATOR = re.compile(r"[,;，、；]|(?<!\S)and(?!\S)", re.IGNORECASE)


def join_some(names: Sequence[str], limit: int) -> str:
    """The first `limit` names with commas between them, such as "Ann, Ben and 3 more"."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def quote_separators(names: Sequence[str]) -> list[str]:
    """The names, with quotes around those that an enumeration would seem to split, such as “O'Neil, Mary”."""
    return [f"“{name}”" if SEPARATOR.search(name) else name for name in names]


def pluralize(number: int, noun: str) -> str:
    """A number of things whose plural ends with -s, such as "1 turn" or "2 turns"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
