"""The `waijiao` command. Exit codes: 0 done, 1 a job or a step failed, 2 wrong usage, 3 no server answers."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.table import Column, Table

from pipeline.settings import Settings
from waijiao import fetching, running
from waijiao.asking import Job, Refused, Server
from waijiao.keys import key
from waijiao.plainly import FAILED, err, out_console, said_plainly
from waijiao.progress import follow, tell

STAGE_NAMES = {"asr": "speech to text", "llm": "language model", "tts": "text to speech"}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="waijiao")
def main() -> None:
    """Waijiao (外教): a spoken-language teacher on your own machine.

    Leave a recording, fetch the teacher's spoken answer. `waijiao up` runs everything here; `waijiao ask` sends
    recordings to it. Every setting is an environment variable WAIJIAO_NAME; the README lists them.
    """


main.add_command(key)


@main.command()
@click.option("--host", help="Address to listen on.  [default: WAIJIAO_HOST or 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="TCP port.  [default: WAIJIAO_PORT or 8000]")
@click.option("--asr", default=1, show_default=True, type=click.IntRange(1, 64), help="Speech-to-text workers.")
@click.option("--llm", default=1, show_default=True, type=click.IntRange(1, 64), help="Language-model workers.")
@click.option("--tts", default=1, show_default=True, type=click.IntRange(1, 64), help="Text-to-speech workers.")
@said_plainly
def up(host: str | None, port: int | None, asr: int, llm: int, tts: int) -> None:
    """Run everything on this machine until Ctrl-C: API, workers, and Redis unless WAIJIAO_REDIS_URL names one.

    A process that dies is started again. Data lies in WAIJIAO_HOME; so do the logs, in its folder logs.
    """
    given: dict[str, Any] = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    running.up(Settings(**given), {"asr": asr, "llm": llm, "tts": tts})


@main.command()
@click.argument("audio", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", default="answer.wav", show_default=True, type=click.Path(path_type=Path))
@said_plainly
def demo(audio: Path | None, out: Path) -> None:
    """Start everything, ask the teacher one question (AUDIO, or a learner's recording), stop everything."""
    running.demo(Settings(), audio, out)


@main.command()
@click.argument("audio", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--text", help="Typed words; they are added to what is heard, or answered alone without AUDIO.")
@click.option("--session", help="Name of the conversation; the teacher remembers what was said in it.")
@click.option("--persona", help="Which teacher answers.")
@click.option("--language", help="What is spoken, as an ISO 639-1 code; detected when not given.")
@click.option("--voice", help="Voice of the answer.")
@click.option("--speed", help="Pace of the answer: 0.5 slow, 1 normal, 2 fast.")
@click.option("--format", "format_", default="wav", show_default=True, help="wav, mp3, ogg, opus, flac, aac or pcm.")
@click.option("--out", type=click.Path(path_type=Path), help="File for the answer; a folder for several.")
@click.option("--json", "as_json", is_flag=True, help="Print the jobs' records as JSON lines.")
@click.option("--url", help="The server.  [default: WAIJIAO_URL or http://127.0.0.1:8000]")
@said_plainly
def ask(audio: tuple[Path, ...], out: Path | None, as_json: bool, url: str | None, format_: str, **fields: str) -> None:
    """Send recordings to the teacher, wait, save the spoken answers.

    Several recordings are sent at once and answered in their order. Ends with status 1 when any of them fails.
    """
    if not audio and not fields.get("text"):
        raise click.UsageError("Give at least one recording, or --text.")
    given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None} | {"format": format_}
    server = server_at(url)
    places = answers_of(audio, out, format_)
    failed = 0
    for job, place in follow(server, list(audio) or [None], given, places, err):
        failed += job["state"] != "succeeded"
        if as_json:
            print(json.dumps(job, ensure_ascii=False), flush=True)
        else:
            tell(job, place, out_console)
    if failed:
        sys.exit(FAILED)


def server_at(url: str | None) -> Server:
    """The server that was named, or the one that the settings name; with our key, if we have one."""
    chosen = Settings()
    return Server(url or chosen.url, chosen.key)


def answers_of(audio: tuple[Path, ...], out: Path | None, format_: str) -> list[Path]:
    """Where each answer is written: beside nothing else, named after its recording."""
    if len(audio) <= 1:
        return [out or Path(f"answer.{format_}")]
    folder = out or Path()
    folder.mkdir(parents=True, exist_ok=True)
    return [folder / f"{each.stem}-answer.{format_}" for each in audio]


@main.group()
def models() -> None:
    """The model files: what there is, fetch them, check them."""


@models.command("list")
@said_plainly
def list_models() -> None:
    """Every model of the catalogue: its stage, size, licence, and whether it is here."""
    fetching.show(Settings().models_folder, out_console)


@models.command()
@click.argument("name", nargs=-1)
@click.option("--from", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Copy from here.")
@said_plainly
def fetch(name: tuple[str, ...], folder: Path | None) -> None:
    """Fetch and verify the models NAME…; without a name, the default ones. What is here already is not fetched."""
    chosen = Settings()
    fetching.fetch(name, chosen.models_folder, folder or chosen.models_from, err)


@models.command()
@said_plainly
def verify() -> None:
    """Compare every fetched file with the catalogue's sha256."""
    fetching.verify(Settings().models_folder, out_console)


@main.command()
@click.option("--dead", is_flag=True, help="List the jobs that failed through no fault of their own.")
@click.option("--url", help="The server.  [default: WAIJIAO_URL or http://127.0.0.1:8000]")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@said_plainly
def status(dead: bool, url: str | None, as_json: bool) -> None:
    """Queues, workers and models of a running server. Ends with status 1 when a model has no ready worker.

    With --dead: the jobs whose workers died, were too slow, ran out of memory or failed as often as a job may be
    tried, newest first. `waijiao retry ID` has one answered after all.
    """
    server = server_at(url)
    if dead:
        show_dead(server.dead(), as_json)
    else:
        show_status(server.readiness(), as_json)


def show_status(found: Job, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found))
    elif "models" not in found:
        err.print(str(found.get("detail", found)), style="red", markup=False)
    else:
        table = Table("queue", "model", "ready workers", "loading", "jobs waiting")
        for stage, model in found["models"].items():
            row = (stage, STAGE_NAMES[stage], model["ready"], model["loading"], model["waiting"])
            table.add_row(*(str(cell) for cell in row))
        out_console.print(table)
    if not found.get("ready"):
        sys.exit(FAILED)


def show_dead(jobs: list[Job], as_json: bool) -> None:
    if as_json:
        print(json.dumps(jobs, ensure_ascii=False))
    elif not jobs:
        out_console.print("No job is dead.")
    else:
        columns = Column("id", no_wrap=True), Column("failed at", overflow="fold"), Column("why", overflow="fold")
        table = Table(*columns, "stage", "tries")  # an id or a code that is cut off is of no use
        for job in jobs:
            stage = job["error"]["stage"]
            tried = str(job["attempts"].get(stage, 0))
            table.add_row(job["id"], job["updated_at"], job["error"]["code"], stage, tried)
        out_console.print(table)


@main.command()
@click.argument("job_id", metavar="ID", nargs=-1, required=True)
@click.option("--url", help="The server.  [default: WAIJIAO_URL or http://127.0.0.1:8000]")
@said_plainly
def retry(job_id: tuple[str, ...], url: str | None) -> None:
    """Have dead jobs answered after all, each from the stage that failed; `waijiao status --dead` lists them."""
    server, refused = server_at(url), 0
    for each in job_id:
        try:
            out_console.print(f"{each} is tried again as {server.retry(each)['id']}", markup=False)
        except Refused as error:
            refused += 1
            err.print(f"{each}: {error.detail}", style="red", markup=False)
    if refused:
        sys.exit(FAILED)
