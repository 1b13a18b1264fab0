"""`waijiao homework review`: a teacher reads, changes and releases answers before they are spoken."""

from collections.abc import Mapping
from typing import Any, cast

import click
import yaml

from pipeline.errors import BadRequest, NotHeld
from pipeline.schemas.jobs import Job
from waijiao.client import Client
from waijiao.client.fields import FeedbackChanges
from waijiao.homework import plain_yaml
from waijiao.homework.choosing import chosen, in_order, of_student, the_assignment
from waijiao.homework.rerun import tell_of
from waijiao.plainly import err, out_console, said_plainly, the_url

FIELDS = ("corrected", "explanation", "reply", "spoken")  # that a teacher may change
HEAD = """\
# {student} was heard to say:
#     {heard}
# Change what you like, save, and close. As long as `spoken` stays as it is, what is spoken follows the other changes.
"""


@click.command()
@the_assignment
@click.option("--student", "names", metavar="NAME", multiple=True, help="Only this student's; may come several times.")
@click.option("--json", "as_json", is_flag=True, help="Print the jobs as JSON lines.")
@click.option("--edit", metavar="NAME", help="Change this student's answer in your editor, which $EDITOR names.")
@click.option("--release", "go", metavar="NAME", multiple=True, help="Have this student's answer spoken.")
@click.option("--release-all", "all_go", is_flag=True, help="Have every answer spoken that is held.")
@the_url
@said_plainly
def review(which: str, names: tuple[str, ...], as_json: bool, url: str | None, **done: Any) -> None:
    """Read the answers that are held for you, change them, have them spoken.

    An assignment that says `hold: true` has its answers wait for their teacher before they are spoken. Without an
    option, those that wait are listed: what was heard, the corrections, and what is to be spoken.
    """
    with Client(url) as client:
        if any(done.values()):
            act(client, chosen(which).id, **done)
        else:
            for student, job in held(client, chosen(which).id, names).items():
                print(job.model_dump_json(by_alias=True)) if as_json else tell(student, job)


def held(client: Client, id_: str, names: tuple[str, ...] = ()) -> Mapping[str, Job]:
    """The jobs that are held of these students, or of all."""
    view = client.assignment(id_)
    wanted = [of_student(view, name) for name in names] or in_order(view)
    return {each.student: client.job(each.job) for each in wanted if each.state == "held"}


def act(client: Client, id_: str, edit: str | None, go: tuple[str, ...], all_go: bool) -> None:
    """Change one, then release some or all."""
    if edit:
        change(client, *held_one(client, id_, edit))
    for name in go:
        student, job = held_one(client, id_, name)
        client.release(job)
        out_console.print(f"{student}: released", markup=False)
    if all_go:
        tell_of(client.release_all(id_), "released")


def held_one(client: Client, id_: str, name: str) -> tuple[str, Job]:
    found = held(client, id_, (name,))
    if not found:
        raise NotHeld(f"{name}: {NotHeld.meaning()}")
    return next(iter(found.items()))


def change(client: Client, student: str, job: Job) -> None:
    """Have the teacher edit an answer until it can be taken, or is left alone."""
    before = job.feedback.model_dump(include=set(FIELDS)) if job.feedback else {}
    text = written(student, job)
    while edited := click.edit(text, extension=".yaml"):
        try:
            changes = {name: value for name, value in read(edited).items() if value != before[name]}
            after = client.change_feedback(job, **cast(FeedbackChanges, changes)) if changes else job
            tell(student, after)
            return
        except BadRequest as error:
            err.print(f"{error}", style="red", markup=False)
            if not click.confirm("Edit it again?", default=True, err=True):
                return
            text = edited
    err.print(f"{student}: left as it was", markup=False)


def written(student: str, job: Job) -> str:
    """The answer as a teacher edits it."""
    feedback = job.feedback.model_dump() if job.feedback else {}
    heard = " ".join(str(feedback.get("heard", "")).split())
    fields = {name: feedback.get(name, "") for name in FIELDS}
    return HEAD.format(student=student, heard=heard) + yaml.safe_dump(fields, allow_unicode=True, sort_keys=False)


def read(edited: str) -> dict[str, str]:
    """What a teacher made of it. BadRequest."""
    fields = plain_yaml.said("The answer", edited)
    if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
        raise BadRequest("The answer must have a text for each name, such as `reply: Well done!`")
    if unknown := fields.keys() - set(FIELDS):
        raise BadRequest(f"There is no `{min(unknown)}`: an answer has {', '.join(FIELDS)}.")
    return fields


def tell(student: str, job: Job) -> None:
    """What was heard, and the answer."""
    out_console.print(student, style="bold", markup=False)
    for name in ("heard", *FIELDS):
        if words := getattr(job.feedback, name, ""):
            out_console.print(f"  {name + ':':<13}{words}", markup=False)
