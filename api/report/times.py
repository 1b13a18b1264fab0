"""Times as a teacher reads them: by the server's own clock, with its distance from UTC."""

from datetime import datetime


def iso(seconds: float | None) -> str | None:
    """Unix seconds as ISO 8601 with the offset, such as 2026-12-01T19:58:03+08:00."""
    return None if seconds is None else _local(seconds).isoformat(timespec="seconds")


def clock(seconds: float) -> str:
    """Unix seconds as in 2026-12-01 19:58 (UTC+08:00)."""
    text = _local(seconds).isoformat(" ", "minutes")
    return f"{text[:16]} (UTC{text[16:]})"


def _local(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds).astimezone()
