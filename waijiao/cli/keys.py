"""The `waijiao key` commands: create, list and revoke API keys.

They talk to Redis directly, so that the first key can be created without a key.
"""

import csv
import sys
from pathlib import Path

import click
from rich.table import Column, Table

from pipeline.api_keys import ROLES, Key, Keys, Limits, check_fields
from pipeline.homework.roster import read_roster
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from pipeline.text.characters import prevent_formula
from pipeline.text.enumeration import pluralize
from pipeline.timestamps import format_iso
from waijiao.cli.console import handle_errors, stderr, stdout

CREATED_MESSAGE = """{text}

This is {name}'s key; it is shown only now. Send it as the header  Authorization: Bearer {text}
or let the command send it:  export WAIJIAO_KEY={text}"""
CLASS_MESSAGE = """\
{count} made. They are shown only now: keep them where only you can read them, and give each student only their own."""
LEARNER = ROLES[0]
ROSTER = click.Path(exists=True, dir_okay=False, path_type=Path)
LIMIT_TYPE = click.IntRange(min=0)


def open_keys(settings: Settings) -> Keys:
    return Keys(connect(settings))


@click.group()
def key() -> None:
    """Create, list and revoke API keys. Requests need one when WAIJIAO_KEYS=true.

    Needs Redis, so `waijiao up` or the containers must be running.
    """


@key.command()
@click.option("--role", type=click.Choice(ROLES), help="Learners see only their own sessions; not with --class.")
@click.option("--name", help="Whose key it is.")
@click.option(
    "--class", "roster", type=ROSTER, metavar="FILE", help="A learner's key for each student of a CSV roster."
)
@click.option("--tenant", default="default", show_default=True, help="The school; it sees nothing of other schools.")
@click.option("--per-minute", type=LIMIT_TYPE, help="Jobs per minute; 0: no limit.  [default: WAIJIAO_KEY_PER_MINUTE]")
@click.option(
    "--minutes-a-day",
    type=LIMIT_TYPE,
    help="Audio, minutes per day; 0: no limit.  [default: WAIJIAO_KEY_MINUTES_A_DAY]",
)
@handle_errors
def create(
    role: str | None,
    name: str | None,
    roster: Path | None,
    tenant: str,
    per_minute: int | None,
    minutes_a_day: int | None,
) -> None:
    """Create a key, and print it this once.

    With --class, a learner's key for each student of a roster as the homework page takes it. They are printed as CSV
    with the columns name, student_id, key_id and key; `> keys.csv` keeps them in a file.
    """
    settings = Settings()
    limits = Limits(
        settings.key_per_minute if per_minute is None else per_minute,
        settings.key_minutes_a_day if minutes_a_day is None else minutes_a_day,
    )
    if roster is not None:
        if role not in (None, LEARNER) or name is not None:
            raise click.UsageError(
                "--class makes learners' keys with the names in its file: leave out --role and --name."
            )
        create_for_class(open_keys(settings), roster, tenant, limits)
    elif role is None or name is None:
        raise click.UsageError("A key needs --role and --name; or name a roster with --class.")
    else:
        _, text = open_keys(settings).create(tenant, role, name, limits)
        stdout.print(CREATED_MESSAGE.format(text=text, name=name), markup=False)


def create_for_class(keys: Keys, roster: Path, tenant: str, limits: Limits) -> None:
    """Create a key for each student, and print all as CSV. When one cannot be made, none is: BadRoster, BadRequest."""
    students = read_roster(roster.read_bytes())
    for student in students:
        check_fields(tenant, LEARNER, student.name, limits)
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(("name", "student_id", "key_id", "key"))
    for student in students:
        key, text = keys.create(tenant, LEARNER, student.name, limits)
        table.writerow((prevent_formula(student.name), prevent_formula(student.id), key.id, text))
    stderr.print(CLASS_MESSAGE.format(count=pluralize(len(students), "key")), markup=False)


@key.command("list")
@click.option("--tenant", help="Only the keys of this tenant.")
@handle_errors
def list_keys(tenant: str | None) -> None:
    """List the keys: owner, role, limits, and whether each was revoked. The keys themselves are not stored."""
    keys = open_keys(Settings()).list(tenant)
    columns = (Column(name, overflow="fold") for name in ("name", "tenant", "role", "created", "limits", "revoked"))
    table = Table(Column("id", no_wrap=True), *columns)
    for each in keys:
        revoked_on = "" if each.revoked_at is None else format_iso(each.revoked_at)[:10]
        created_on = format_iso(each.created_at)[:10]
        table.add_row(each.id, each.name, each.tenant, each.role, created_on, format_limits(each), revoked_on)
    stdout.print(table if keys else "No keys yet. `waijiao key create` makes one.")


def format_limits(key: Key) -> str:
    """The key's limits in a few words."""
    limits = []
    if key.limits.per_minute:
        limits.append(f"{pluralize(key.limits.per_minute, 'job')} a minute")
    if key.limits.minutes_a_day:
        limits.append(f"{pluralize(key.limits.minutes_a_day, 'minute')} a day")
    return ", ".join(limits) or "none"


@key.command()
@click.argument("key_id", metavar="ID")
@handle_errors
def revoke(key_id: str) -> None:
    """Revoke a key: from now on it is refused. The jobs that were sent with it stay."""
    key = open_keys(Settings()).revoke(key_id)
    stdout.print(f"Revoked {key.id}, the key of {key.name}.", markup=False)
