"""The commands `waijiao homework review` and `rerun`: a teacher reads, changes, releases and repeats answers."""

import sys
from collections.abc import Mapping
from typing import TypedDict, Unpack, cast

import click
import yaml

from pipeline.errors import BadRequest, NotHeld, WaijiaoError
from pipeline.jobs.job import MODEL_STAGES
from pipeline.schemas.homework import BulkResult, RefusedJob
from pipeline.schemas.jobs import Job
from waijiao.cli.console import EXIT_FAILED, handle_errors, print_error, stderr, stdout, url_option
from waijiao.cli.homework.assignment_file import parse_yaml
from waijiao.cli.homework.selection import assignment_argument, find_submission, select_assignment, sort_by_class
from waijiao.cli.verdicts import describe_edits, describe_verdict
from waijiao.client import Client
from waijiao.client.fields import FeedbackChanges, FirstStage, Overrides
from waijiao.errors import Unreachable

EDITABLE_FIELDS = ("corrected", "explanation", "reply", "spoken")
EDITOR_HEADER = """\
# {student} was heard to say:
#     {transcript}
# Change what you like, save, and close. As long as `spoken` stays as it is, what is spoken follows the other changes.
"""
student_option = click.option(
    "--student", "names", metavar="NAME", multiple=True, help="Only this student's; may be given several times."
)


@click.command()
@assignment_argument
@student_option
@click.option("--json", "as_json", is_flag=True, help="Print the jobs as JSON lines.")
@click.option("--edit", metavar="NAME", help="Change this student's answer in your editor, which $EDITOR names.")
@click.option("--release", metavar="NAME", multiple=True, help="Have this student's answer spoken.")
@click.option("--release-all", is_flag=True, help="Have all answers spoken that await review.")
@url_option
@handle_errors
def review(
    assignment: str,
    names: tuple[str, ...],
    as_json: bool,
    edit: str | None,
    release: tuple[str, ...],
    release_all: bool,
    url: str | None,
) -> None:
    """Read the answers that await your review, change them, have them spoken.

    If an assignment says `hold: true`, its answers are not spoken before their teacher releases them. Without an
    option, those answers are listed: what was heard, the corrections, and what is to be spoken.
    """
    id_ = select_assignment(assignment).id
    with Client(url) as client:
        if edit:
            edit_answer(client, *find_reviewable_job(client, id_, edit))
        for name in release:
            student, job = find_reviewable_job(client, id_, name)
            client.release(job)
            stdout.print(f"{student}: released", markup=False)
        if release_all:
            report_result(client.release_all(id_), "released")
        if not (edit or release or release_all):
            for student, job in list_reviewable_jobs(client, id_, names).items():
                print(job.model_dump_json(by_alias=True)) if as_json else print_answer(student, job)


def list_reviewable_jobs(client: Client, id_: str, names: tuple[str, ...] = ()) -> Mapping[str, Job]:
    """The jobs that await review, by student, first those that need an adult; of `names` only, if any are given."""
    view = client.assignment(id_)
    submissions = [find_submission(view, name) for name in names] or sort_by_class(view)
    to_review = [each for each in submissions if each.state == "held"]
    to_review.sort(key=lambda each: each.verdict != "needs_an_adult")
    return {each.student: client.job(each.job) for each in to_review}


def find_reviewable_job(client: Client, id_: str, name: str) -> tuple[str, Job]:
    """The student with this name or id, and their job. Raises UnknownStudent, or NotHeld if it awaits no review."""
    jobs = list_reviewable_jobs(client, id_, (name,))
    if not jobs:
        raise NotHeld(f"{name}: {NotHeld.meaning()}")
    return next(iter(jobs.items()))


def edit_answer(client: Client, student: str, job: Job) -> None:
    """Open the answer in the teacher's editor, again if the server refuses the changes."""
    before = job.feedback.model_dump(include=set(EDITABLE_FIELDS)) if job.feedback else {}
    text = answer_as_yaml(student, job)
    while new_text := click.edit(text, extension=".yaml"):
        try:
            changes = {name: value for name, value in parse_answer(new_text).items() if value != before[name]}
            after = client.change_feedback(job, **cast(FeedbackChanges, changes)) if changes else job
            print_answer(student, after)
            return
        except BadRequest as error:
            print_error(str(error))
            if not click.confirm("Edit it again?", default=True, err=True):
                return
            text = new_text
    stderr.print(f"{student}: not changed", markup=False)


def answer_as_yaml(student: str, job: Job) -> str:
    """The text that the teacher edits."""
    feedback = job.feedback.model_dump() if job.feedback else {}
    transcript = " ".join(str(feedback.get("heard", "")).split())
    fields = {name: feedback.get(name, "") for name in EDITABLE_FIELDS}
    header = EDITOR_HEADER.format(student=student, transcript=transcript)
    return header + yaml.safe_dump(fields, allow_unicode=True, sort_keys=False)


def parse_answer(text: str) -> dict[str, str]:
    """The fields of an edited answer. Raises BadRequest."""
    fields = parse_yaml("The answer", text)
    if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
        raise BadRequest("The answer must have a text for each name, such as `reply: Well done!`")
    if unknown := fields.keys() - set(EDITABLE_FIELDS):
        raise BadRequest(f"`{min(unknown)}` is unknown; an answer has {', '.join(EDITABLE_FIELDS)}.")
    return fields


def print_answer(student: str, job: Job) -> None:
    """Print what was heard, the verdict with each correction, and the answer."""
    stdout.print(student, style="bold", markup=False)
    for label, text in answer_lines(job):
        if text:
            stdout.print(f"  {label + ':':<13}{text}", markup=False)


def answer_lines(job: Job) -> list[tuple[str, str]]:
    """The lines that are printed for a job, each a label and a text, which may be empty."""
    feedback = job.feedback
    if feedback is None:
        return []
    mended = job.question.said
    return [
        ("heard", job.transcript.text if mended and job.transcript else feedback.heard),
        ("said", mended or ""),
        ("verdict", describe_verdict(feedback)),
        *(("edit", line) for line in describe_edits(feedback)),
        *((name, getattr(feedback, name)) for name in EDITABLE_FIELDS),
    ]


class RerunOptions(TypedDict):
    """The options of `waijiao homework rerun`."""

    assignment: str
    from_: FirstStage
    names: tuple[str, ...]
    persona: str | None
    voice: str | None
    speed: float | None
    transcript: str | None
    url: str | None


@click.command()
@assignment_argument
@click.option(
    "--from",
    "from_",
    type=click.Choice(MODEL_STAGES),
    required=True,
    help="asr: transcribe again; llm: answer again; tts: speak again.",
)
@student_option
@click.option("--persona", help="Another teacher, from llm on.")
@click.option("--voice", help="Another voice.")
@click.option("--speed", type=float, help="Another pace: 0.5 slow, 1 normal, 2 fast.")
@click.option("--transcript", help="What one --student really said, from llm on.")
@url_option
@handle_errors
def rerun(**options: Unpack[RerunOptions]) -> None:
    """Answer homework again: all of it, or some students'.

    The stages before --from are not repeated, and each new answer replaces the previous one. Ends with status 1 when
    an answer could not be repeated; the others are.
    """
    names = options["names"]
    if options["transcript"] is not None and len(names) != 1:
        raise click.UsageError("--transcript is what one student said: name the student with --student.")
    id_ = select_assignment(options["assignment"]).id
    overrides: Overrides = {
        "persona": options["persona"],
        "voice": options["voice"],
        "speed": options["speed"],
        "transcript": options["transcript"],
    }
    with Client(options["url"]) as client:
        if names:
            result = rerun_students(client, id_, names, options["from_"], overrides)
        else:
            result = client.rerun_all(id_, options["from_"], **overrides)
    report_result(result, "started again")


def rerun_students(
    client: Client, id_: str, names: tuple[str, ...], from_: FirstStage, overrides: Overrides
) -> BulkResult:
    """Repeat the answers of some students, with the same result as the server has for all of them."""
    view, result = client.assignment(id_), BulkResult(jobs=[], refused=[])
    for each in [find_submission(view, name) for name in names]:
        try:
            result.jobs.append(client.rerun(each.job, from_, **overrides).id)
        except Unreachable:
            raise
        except WaijiaoError as error:
            result.refused.append(RefusedJob(job=each.job, student=each.student, code=error.code, detail=str(error)))
    return result


def report_result(result: BulkResult, action: str) -> None:
    """Print how many jobs were changed, and which were refused and why; the latter end the command with status 1."""
    stdout.print(f"{action}: {len(result.jobs)}")
    for each in result.refused:
        print_error(f"{each.student or each.job}: {each.detail} ({each.code})")
    if result.refused:
        sys.exit(EXIT_FAILED)
