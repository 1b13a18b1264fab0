"""Times as people and programs read them."""

from datetime import UTC, datetime


def to_utc(seconds: float) -> datetime:
    """Unix seconds as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def format_iso(seconds: float) -> str:
    """Unix seconds as ISO 8601 in UTC with milliseconds, such as 2026-11-23T10:01:02.345Z."""
    return format_utc(to_utc(seconds))


def format_utc(time: datetime) -> str:
    """A time as ISO 8601 in UTC with milliseconds."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_elapsed(seconds: float) -> str:
    """Seconds from a recording's start as hours, minutes and seconds, such as 0:07:31."""
    minutes, seconds_of_minute = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds_of_minute:02}"
