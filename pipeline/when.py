"""Times as people and programs read them."""

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """Unix seconds as ISO 8601 in UTC with milliseconds, such as 2026-11-23T10:01:02.345Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
