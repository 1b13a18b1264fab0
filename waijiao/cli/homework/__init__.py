"""The `waijiao homework` commands: a whole class's recordings, from the folder to the spoken answers."""

import click

from waijiao.cli.homework import fetch, review, status, submit, watch


@click.group()
def homework() -> None:
    """Homework of a whole class: submit a folder, watch, review, fetch.

    An assignment is described by a small YAML file; docs/homework.md explains all steps.
    """


for command in (
    submit.submit,
    watch.watch,
    status.status,
    review.review,
    review.rerun,
    fetch.fetch,
    status.list_assignments,
    fetch.erase,
):
    homework.add_command(command)
