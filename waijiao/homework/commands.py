"""The `waijiao homework` commands: a class's recordings by the folder, until every spoken answer is at home."""

import click

from waijiao.homework.fetch import erase, fetch
from waijiao.homework.rerun import rerun
from waijiao.homework.review import review
from waijiao.homework.status import show, status
from waijiao.homework.submit import submit
from waijiao.homework.watch import watch


@click.group()
def homework() -> None:
    """Homework of a whole class: hand in by the folder, watch, review, fetch.

    An assignment is described by a small YAML file; docs/homework.md shows the whole way.
    """


for each in (submit, watch, status, review, rerun, fetch, show, erase):
    homework.add_command(each)
