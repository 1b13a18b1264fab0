"""`waijiao key`: make, list and revoke keys. It speaks to Redis itself, so that the first key needs no key."""

import click
from rich.table import Column, Table

from pipeline.api_keys import ROLES, Key, Keys, Limits
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from pipeline.timestamps import iso
from waijiao.plainly import out_console, said_plainly

USE = """{text}

This is {name}'s key, and it is shown only now. Send it as the header  Authorization: Bearer {text}
or let the command do so:  export WAIJIAO_KEY={text}"""
limit = click.IntRange(min=0)


def keys(settings: Settings) -> Keys:
    return Keys(connect(settings))


@click.group()
def key() -> None:
    """Keys to the server: make, list and revoke them. They are asked for when WAIJIAO_KEYS=true.

    Needs Redis, so `waijiao up` or the containers must be running.
    """


@key.command()
@click.option("--role", type=click.Choice(ROLES), required=True, help="Learners see only their own sessions.")
@click.option("--name", required=True, help="Whose key it is.")
@click.option("--tenant", default="default", show_default=True, help="School, class, …: it sees nothing of the others.")
@click.option("--per-minute", type=limit, help="Jobs a minute; 0: no limit.  [default: WAIJIAO_KEY_PER_MINUTE]")
@click.option(
    "--minutes-a-day", type=limit, help="Recordings, minutes a day; 0: no limit.  [default: WAIJIAO_KEY_MINUTES_A_DAY]"
)
@said_plainly
def create(role: str, name: str, tenant: str, per_minute: int | None, minutes_a_day: int | None) -> None:
    """Make a key, and print it this once."""
    chosen = Settings()
    limits = Limits(
        chosen.key_per_minute if per_minute is None else per_minute,
        chosen.key_minutes_a_day if minutes_a_day is None else minutes_a_day,
    )
    _, text = keys(chosen).create(tenant, role, name, limits)
    out_console.print(USE.format(text=text, name=name), markup=False)


@key.command("list")
@click.option("--tenant", help="Only the keys of this tenant.")
@said_plainly
def show(tenant: str | None) -> None:
    """Every key: whose it is, what it may do, whether it was revoked. The keys themselves are kept nowhere."""
    found = keys(Settings()).list(tenant)
    columns = (Column(name, overflow="fold") for name in ("name", "tenant", "role", "made", "limits", "revoked"))
    table = Table(Column("id", no_wrap=True), *columns)
    for each in found:
        revoked = "" if each.revoked_at is None else iso(each.revoked_at)[:10]
        table.add_row(each.id, each.name, each.tenant, each.role, iso(each.created_at)[:10], limits_of(each), revoked)
    out_console.print(table if found else "There is no key.")


def limits_of(shown: Key) -> str:
    """Its limits in few words."""
    per_minute, minutes = shown.limits.per_minute, shown.limits.minutes_a_day
    said = [f"{per_minute} jobs a minute"] * bool(per_minute) + [f"{minutes} minutes a day"] * bool(minutes)
    return ", ".join(said) or "none"


@key.command()
@click.argument("key_id", metavar="ID")
@said_plainly
def revoke(key_id: str) -> None:
    """From now on the key with this id opens nothing; the jobs that were asked for with it stay."""
    revoked = keys(Settings()).revoke(key_id)
    out_console.print(f"{revoked.id}, the key of {revoked.name}, is revoked.", markup=False)
