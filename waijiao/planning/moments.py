"""A time that somebody types: 20:00 is the next one, today or tomorrow; or a whole date, in ISO 8601."""

from datetime import datetime, time, timedelta
from typing import Any

import click


class Moment(click.ParamType[datetime]):
    """A time with its offset from UTC; without one it is this machine's."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return moment(str(value), datetime.now().astimezone())
        except ValueError:
            self.fail(f"{value!r} is no time: expected one such as 20:00, or 2026-12-01 20:00", param, ctx)


def moment(text: str, now: datetime) -> datetime:
    """The time that is meant at the time `now`. Raises ValueError."""
    try:
        clock = time.fromisoformat(text.strip()) if ":" in text[:5] else None
    except ValueError:
        clock = None
    if clock is None or clock.tzinfo is not None:
        return datetime.fromisoformat(text.strip()).astimezone()
    today = datetime.combine(now.date(), clock).astimezone()
    return today if today > now else datetime.combine(now.date() + timedelta(days=1), clock).astimezone()
