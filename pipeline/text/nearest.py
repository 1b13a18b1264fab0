"""Names that were probably mistyped."""

from collections.abc import Iterable
from difflib import get_close_matches


def find_nearest(name: str, names: Iterable[str]) -> str:
    """The one of `names` that is spelt most like `name`, whatever its case; "" if none is like it."""
    by_lower_case = {each.lower(): each for each in names}
    nearest = get_close_matches(name.lower(), by_lower_case, n=1)
    return by_lower_case[nearest[0]] if nearest else ""


def suggest(name: str, names: Iterable[str]) -> str:
    """The end of a message about an unknown name: `; perhaps x is meant`, or ""."""
    nearest = find_nearest(name, names)
    return f"; perhaps `{nearest}` is meant" if nearest else ""
