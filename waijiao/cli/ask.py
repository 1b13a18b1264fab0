"""The `waijiao ask` command: sends recordings, or text, to the teacher and saves the spoken answers."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import click

from pipeline.errors import WaijiaoError
from waijiao.cli.console import EXIT_FAILED, handle_errors, print_error, url_option
from waijiao.cli.job_report import AnswerFiles, JobReport, job_as_json
from waijiao.client import Client
from waijiao.client.concurrent import DEFAULT_AT_ONCE
from waijiao.client.fields import JobFields
from waijiao.client.results import job_error
from waijiao.errors import Unreachable

FORMAT_NAMES = "wav, mp3, ogg, opus, flac, aac or pcm"
INPUT_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("audio", nargs=-1, type=INPUT_FILE)
@click.option("--text", help="Typed text; it is added to the transcript, or answered alone without AUDIO.")
@click.option("--instead-of", metavar="ID", help="Answer this turn again: --text is what was really said in it.")
@click.option("--again", metavar="ID", help="AUDIO is a try to say the better sentence of this turn again.")
@click.option("--session", help="Name of the conversation; the teacher remembers what was said in it.")
@click.option("--persona", help="Which teacher answers.")
@click.option("--language", help="The language of the recording, as an ISO 639-1 code; detected if not given.")
@click.option("--hint", help="Words that may occur in it, such as names or a lesson's vocabulary.")
@click.option("--voice", help="Voice of the answer.")
@click.option("--speed", type=float, help="Pace of the answer: 0.5 slow, 1 normal, 2 fast.")
@click.option("--format", "format_", default="wav", show_default=True, help=f"{FORMAT_NAMES}.")
@click.option("--lane", type=click.Choice(["interactive", "bulk"]), help="bulk waits while anything interactive does.")
@click.option("--card", is_flag=True, help="Make and save a lesson card too: your words, then the better ones.")
@click.option("--out", type=click.Path(path_type=Path), help="File for the answer; a folder for several.")
@click.option(
    "--at-once", type=click.IntRange(1), default=DEFAULT_AT_ONCE, show_default=True, help="Jobs that run at a time."
)
@click.option("--later", is_flag=True, help="Send them, print the jobs' ids, and end: `waijiao watch` waits for them.")
@click.option("--json", "as_json", is_flag=True, help="Print the jobs' records as JSON lines.")
@url_option
@handle_errors
def ask(
    audio: tuple[Path, ...],
    text: str | None,
    instead_of: str | None,
    again: str | None,
    session: str | None,
    persona: str | None,
    language: str | None,
    hint: str | None,
    voice: str | None,
    speed: float | None,
    format_: str,
    lane: Literal["interactive", "bulk"] | None,
    card: bool,
    out: Path | None,
    at_once: int,
    later: bool,
    as_json: bool,
    url: str | None,
) -> None:
    """Send recordings to the teacher, wait, save the spoken answers.

    Several recordings are sent, answered and reported in their order. Ends with status 1 when any of them fails.
    """
    if not audio and not text:
        raise click.UsageError("Give at least one recording, or --text.")
    if instead_of is not None and (audio or any((session, persona, language, hint, voice, speed, lane, card))):
        raise click.UsageError("--instead-of goes with --text, which is answered as the earlier turn was.")
    if again is not None and (len(audio) != 1 or any((text, instead_of, session, persona, hint, voice, speed, out))):
        raise click.UsageError("--again goes with one recording, which is compared with what was said before.")
    fields: JobFields = {
        "text": text,
        "session": session,
        "persona": persona,
        "language": language,
        "hint": hint,
        "voice": voice,
        "speed": speed,
        "format": format_,
        "lane": lane,
        "card": card or None,
    }
    recordings: list[Path | None] = list(audio) or [None]
    with Client(url) as client:
        if again is not None:
            say_again(client, again, audio[0], later, as_json)
        elif instead_of is not None:
            answer_again(client, instead_of, text or "", out, later, as_json)
        elif later:
            submit_all(client, recordings, fields, as_json)
        else:
            stems = [each.stem if each else "text" for each in recordings]
            names = [each.name if each else "text" for each in recordings]
            report = JobReport(names, AnswerFiles(stems, out), as_json)
            report.follow(lambda on_change: client.ask_all(recordings, at_once, on_change=on_change, **fields))


def answer_again(client: Client, job_id: str, text: str, out: Path | None, later: bool, as_json: bool) -> None:
    """Have a turn answered on what was really said; save the answer, or print the new job's id or record."""
    job = client.answer_said(job_id, text)
    if later:
        print(job_as_json(job) if as_json else job.id, flush=True)
    else:
        report = JobReport(["text"], AnswerFiles(["text"], out), as_json)
        report.follow(lambda on_change: client.wait_all([job], on_change=on_change))


def say_again(client: Client, job_id: str, recording: Path, later: bool, as_json: bool) -> None:
    """Send a try to say the better sentence of a turn again; print how it compares, or the try's id or record."""
    job = client.say_again(job_id, recording)
    if later:
        print(job_as_json(job) if as_json else job.id, flush=True)
        return
    for current in client.progress(job):
        job = current
    if error := job_error(job):
        raise error
    tries = client.tries(job_id)
    if as_json:
        print(tries.model_dump_json(), flush=True)
        return
    this_try = next(each for each in tries.tries if each.job == job.id)
    print(f"{this_try.heard}\n{this_try.praise['en']}")
    if words := [each.word for each in this_try.words if each.state in {"not_clear", "misread", "left_out"}]:
        print(f"Listen to these words again: {', '.join(words)}")


def submit_all(client: Client, recordings: Iterable[Path | None], fields: JobFields, as_json: bool) -> None:
    """Submit each recording and print its job's id, or its record; the others are sent even if one is refused."""
    has_failed = False
    for recording in recordings:
        try:
            job = client.submit(recording, **fields)
            print(job_as_json(job) if as_json else job.id, flush=True)
        except Unreachable:
            raise
        except WaijiaoError as error:
            has_failed = True
            print_error(f"{recording}: {error} ({error.code})")
    if has_failed:
        sys.exit(EXIT_FAILED)
