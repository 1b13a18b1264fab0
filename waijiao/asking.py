"""The `waijiao ask` command: recordings, or text, to the teacher; the spoken answers into files."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from pipeline.errors import WaijiaoError
from waijiao.client import Client
from waijiao.client.concurrent import DEFAULT_AT_ONCE
from waijiao.errors import Unreachable
from waijiao.plainly import FAILED, err, said_plainly, the_url
from waijiao.reporting import Places, Report, shown

FORMATS = "wav, mp3, ogg, opus, flac, aac or pcm"
A_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("audio", nargs=-1, type=A_FILE)
@click.option("--text", help="Typed words; they are added to what is heard, or answered alone without AUDIO.")
@click.option("--session", help="Name of the conversation; the teacher remembers what was said in it.")
@click.option("--persona", help="Which teacher answers.")
@click.option("--language", help="What is spoken, as an ISO 639-1 code; detected when not given.")
@click.option("--hint", help="Words that may be heard, such as names or a lesson's vocabulary.")
@click.option("--voice", help="Voice of the answer.")
@click.option("--speed", type=float, help="Pace of the answer: 0.5 slow, 1 normal, 2 fast.")
@click.option("--format", default="wav", show_default=True, help=f"{FORMATS}.")
@click.option("--lane", type=click.Choice(["interactive", "bulk"]), help="bulk waits while anything interactive does.")
@click.option("--out", type=click.Path(path_type=Path), help="File for the answer; a folder for several.")
@click.option(
    "--at-once", type=click.IntRange(1), default=DEFAULT_AT_ONCE, show_default=True, help="Recordings on their way."
)
@click.option("--later", is_flag=True, help="Leave them, print the jobs' ids, and end: `waijiao watch` waits for them.")
@click.option("--json", "as_json", is_flag=True, help="Print the jobs' records as JSON lines.")
@the_url
@said_plainly
def ask(audio: tuple[Path, ...], at_once: int, later: bool, url: str | None, **given: Any) -> None:
    """Send recordings to the teacher, wait, save the spoken answers.

    Several recordings are left, answered and told in their order. Ends with status 1 when any of them fails.
    """
    if not audio and not given["text"]:
        raise click.UsageError("Give at least one recording, or --text.")
    out, as_json = given.pop("out"), given.pop("as_json")
    recordings: list[Path | None] = list(audio) or [None]
    with Client(url) as client:
        if later:
            leave(client, recordings, given, as_json)
        else:
            stems = [each.stem if each else "text" for each in recordings]
            names = [each.name if each else "text" for each in recordings]
            report = Report(names, Places(stems, out), as_json)
            report.of(lambda told: client.ask_all(recordings, at_once, on_change=told, **given))


def leave(client: Client, recordings: Iterable[Path | None], fields: dict[str, Any], as_json: bool) -> None:
    """Submit each, and say what its job is called; one that is refused stops no other."""
    failed = False
    for each in recordings:
        try:
            job = client.submit(each, **fields)
            print(shown(job) if as_json else job.id, flush=True)
        except Unreachable:
            raise
        except WaijiaoError as error:
            failed = True
            err.print(f"{each}: {error} ({error.code})", style="red", markup=False)
    if failed:
        sys.exit(FAILED)
