"""The `waijiao` command. Exit codes: 0 done, 1 a job or a step failed, 2 wrong usage, 3 no server answers."""

from pathlib import Path
from typing import Any

import click

from pipeline.settings import Settings
from waijiao import fetching, running
from waijiao.asking import ask
from waijiao.fit import fit
from waijiao.homework.commands import homework
from waijiao.keys import key
from waijiao.lessons.command import lesson
from waijiao.plainly import err, out_console, said_plainly
from waijiao.planning.command import plan
from waijiao.status import retry, status
from waijiao.teachers import TEACHERS
from waijiao.watch import watch


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="waijiao")
def main() -> None:
    """Waijiao (外教): a spoken-language teacher on your own machine.

    Leave a recording, fetch the teacher's spoken answer. `waijiao up` runs everything here; `waijiao ask` sends
    recordings to it. Every setting is an environment variable WAIJIAO_NAME; the README lists them.
    """


for each in (ask, watch, status, retry, key, fit, plan, homework, lesson):
    main.add_command(each)


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
@click.option(
    "--teachers",
    type=click.Choice(sorted(TEACHERS)),
    help="GLM or ChatGLM-6B, and Bark, instead of what the settings name: tiny with random weights, or real on a GPU.",
)
@said_plainly
def demo(audio: Path | None, out: Path, teachers: str | None) -> None:
    """Start everything, ask the teacher one question (AUDIO, or a learner's recording), stop everything."""
    running.demo(Settings(), audio, out, teachers or "")


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
    """Fetch and verify the models NAME…; without a name, the default ones. What is here already is not fetched.

    `large` stands for the large teachers: Whisper large-v3, GLM-4-9B-chat, Bark and its voices, 26 GB, from a model
    hub (HF_ENDPOINT names a mirror). Each is pinned to a commit of its repository; of GLM and of Bark's tokenizer
    only that is known beforehand, so their files' sizes and sha256 are taken from the hub's own record of the commit,
    and kept beside the model. What came whole before a break is not downloaded again.
    """
    chosen = Settings()
    fetching.fetch(name, chosen.models_folder, folder or chosen.models_from, err)


@models.command()
@said_plainly
def verify() -> None:
    """Compare every fetched file with the sha256 of the catalogue, or of the lock beside the model."""
    fetching.verify(Settings().models_folder, out_console)
