"""The `waijiao homework` commands: a class's recordings by the folder, until every spoken answer is at home."""

import click

from waijiao.homework_fetch import erase, fetch
from waijiao.homework_status import show, status
from waijiao.homework_submit import submit


@click.group()
def homework() -> None:
    """Homework of a whole class: hand in by the folder, watch, review, fetch.

    An assignment is described by a small YAML file; docs/homework.md shows the whole way.
    """


for each in (submit, status, fetch, show, erase):
    homework.add_command(each)
