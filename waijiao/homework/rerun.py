"""`waijiao homework rerun`: answers made anew, by another teacher or voice, or from what was really said."""

import sys
from typing import Any

import click

from pipeline.errors import WaijiaoError
from pipeline.jobs.job import MODEL_STAGES
from pipeline.schemas.homework import Done, JobRefused
from waijiao.client import Client
from waijiao.client.fields import FirstStage
from waijiao.errors import Unreachable
from waijiao.homework.choosing import chosen, of_student, the_assignment
from waijiao.plainly import FAILED, err, out_console, said_plainly, the_url

STAGES = click.Choice(MODEL_STAGES)


@click.command()
@the_assignment
@click.option(
    "--from", "from_", type=STAGES, required=True, help="asr: hear again; llm: answer again; tts: speak again."
)
@click.option("--student", "names", metavar="NAME", multiple=True, help="Only this student's; may come several times.")
@click.option("--persona", help="Another teacher, from llm on.")
@click.option("--voice", help="Another voice.")
@click.option("--speed", type=float, help="Another pace: 0.5 slow, 1 normal, 2 fast.")
@click.option("--transcript", help="What one --student really said, from llm on.")
@the_url
@said_plainly
def rerun(which: str, from_: FirstStage, names: tuple[str, ...], url: str | None, **otherwise: Any) -> None:
    """Answer homework anew: all of it, or some students'.

    What came before that stage is not done again, and each new answer takes the place of the one before. Ends with
    status 1 when one could not be; that stops no other.
    """
    if otherwise["transcript"] is not None and len(names) != 1:
        raise click.UsageError("--transcript says what one student said: name whom, with --student.")
    id_ = chosen(which).id
    with Client(url) as client:
        done = some(client, id_, from_, names, otherwise) if names else client.rerun_all(id_, from_, **otherwise)
    tell_of(done, "begun anew")


def some(client: Client, id_: str, from_: FirstStage, names: tuple[str, ...], otherwise: dict[str, Any]) -> Done:
    """The same for some students as the server does for all."""
    view, done = client.assignment(id_), Done(jobs=[], refused=[])
    for each in [of_student(view, name) for name in names]:
        try:
            done.jobs.append(client.rerun(each.job, from_, **otherwise).id)
        except Unreachable:
            raise
        except WaijiaoError as error:
            done.refused.append(JobRefused(job=each.job, student=each.student, code=error.code, detail=str(error)))
    return done


def tell_of(done: Done, what: str) -> None:
    """How many, and which could not be and why; those end the command with status 1."""
    out_console.print(f"{what}: {len(done.jobs)}")
    for each in done.refused:
        err.print(f"{each.student or each.job}: {each.detail} ({each.code})", style="red", markup=False)
    if done.refused:
        sys.exit(FAILED)
