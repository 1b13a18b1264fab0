"""The `waijiao` command.

Exit codes: 0 success, 1 a job or a step failed, 2 wrong usage, 3 no server answers, 130 interrupted by Ctrl-C.
"""

from typing import Any

import click

from pipeline.settings import Settings
from waijiao.cli.ask import ask
from waijiao.cli.classes import school_class
from waijiao.cli.console import handle_errors
from waijiao.cli.demo import demo
from waijiao.cli.homework import homework
from waijiao.cli.keys import key
from waijiao.cli.learner import learner
from waijiao.cli.lesson import lesson
from waijiao.cli.models import models
from waijiao.cli.planning.fit import fit
from waijiao.cli.planning.plan import plan
from waijiao.cli.status import retry, status, watch
from waijiao.local.up import run_until_stopped

WORKER_COUNT = click.IntRange(1, 64)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="waijiao")
def main() -> None:
    """Waijiao (外教): a spoken-language teacher on your own machine.

    Send a recording, fetch the teacher's spoken answer. `waijiao up` runs everything here; `waijiao ask` sends
    recordings to it. Every setting is an environment variable WAIJIAO_NAME; docs/settings.md lists them.
    """


@main.command()
@click.option("--host", help="Address to listen on.  [default: WAIJIAO_HOST or 127.0.0.1]")
@click.option("--port", type=click.IntRange(1, 65535), help="TCP port.  [default: WAIJIAO_PORT or 8000]")
@click.option("--asr", default=1, show_default=True, type=WORKER_COUNT, help="Speech-to-text workers.")
@click.option("--llm", default=1, show_default=True, type=WORKER_COUNT, help="Language-model workers.")
@click.option("--tts", default=1, show_default=True, type=WORKER_COUNT, help="Text-to-speech workers.")
@handle_errors
def up(host: str | None, port: int | None, asr: int, llm: int, tts: int) -> None:
    """Run everything on this machine until Ctrl-C: API, workers, and Redis unless WAIJIAO_REDIS_URL names one.

    A process that dies is started again. Data is in WAIJIAO_HOME; so are the logs, in its folder logs.
    """
    options: dict[str, Any] = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    run_until_stopped(Settings(**options), {"asr": asr, "llm": llm, "tts": tts})


for command in (ask, watch, status, retry, key, fit, plan, homework, school_class, lesson, learner, demo, models):
    main.add_command(command)
