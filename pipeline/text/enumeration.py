"""Lists of names in messages: the first few of them, and how many more there are."""

from collections.abc import Sequence


def join_some(names: Sequence[str], limit: int) -> str:
    """The first `limit` names with commas between them, such as "Ann, Ben and 3 more"."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
