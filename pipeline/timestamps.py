"""Times as people and programs read them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

# Dates lie in these years; all of them can be shown in any time zone.
MIN_TIME_S, MAX_TIME_S = datetime(2000, 1, 1, tzinfo=UTC).timestamp(), datetime(2200, 1, 1, tzinfo=UTC).timestamp()


def check_year(time: datetime) -> datetime:
    """The time, which names its time zone. Raises ValueError when it is not between the years 2000 and 2200."""
    if MIN_TIME_S <= time.timestamp() < MAX_TIME_S:
        return time
    raise ValueError("it is not between the years 2000 and 2200")


def local_time(text: str) -> datetime:
    """The time of an ISO 8601 text, in this machine's time zone if it names none. Raises ValueError."""
    time = datetime.fromisoformat(text)
    try:
        return time.astimezone()
    except (OverflowError, OSError):  # the first and the last days that there are
        raise ValueError("it is not between the years 2000 and 2200") from None


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


class Interval(Protocol):
    """Seconds from the start of a recording, or of a part of it."""

    @property
    def start(self) -> float: ...

    @property
    def end(self) -> float: ...


def format_intervals(intervals: Iterable[Interval], offset_s: float = 0.0) -> str:
    """Intervals, `offset_s` seconds later, such as 0:00:03–0:00:05, 0:07:31."""
    pairs = ((format_elapsed(each.start + offset_s), format_elapsed(each.end + offset_s)) for each in intervals)
    return ", ".join("–".join(dict.fromkeys(pair)) for pair in pairs)
