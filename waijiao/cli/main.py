"""The `waijiao` command.

Exit codes: 0 success, 1 a job or a step failed, 2 wrong usage, 3 no server answers, 130 interrupted by Ctrl-C.
"""

from pathlib import Path
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
PEM_FILE = click.Path(path_type=Path)


GROUPS = {  # the commands as `waijiao --help` lists them
    "Run it": ("up", "demo", "models", "key", "status", "watch", "retry"),
    "Send recordings": ("ask", "homework", "class", "lesson", "learner"),
    "Plan": ("plan", "fit"),
}


class GroupedCommands(click.Group):
    """Lists its commands in GROUPS instead of in one list by the alphabet."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        longest = max(map(len, self.commands))
        limit = formatter.width - longest - 6
        for heading, names in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [(f"{name:{longest}}", self.commands[name].get_short_help_str(limit)) for name in names]
                )


@click.group(cls=GroupedCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
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
@click.option(
    "--lan", is_flag=True, help="Serve phones in the local network by https, with a certificate that is made here."
)
@click.option(
    "--certificate", type=PEM_FILE, help="Your own certificate for --lan, PEM.  [default: WAIJIAO_TLS_CERTIFICATE]"
)
@click.option("--key", "key_file", type=PEM_FILE, help="Its private key, PEM.  [default: WAIJIAO_TLS_KEY]")
@handle_errors
def up(
    host: str | None,
    port: int | None,
    asr: int,
    llm: int,
    tts: int,
    lan: bool,
    certificate: Path | None,
    key_file: Path | None,
) -> None:
    """Run everything on this machine until Ctrl-C: API, workers, and Redis unless WAIJIAO_REDIS_URL names one.

    A process that dies is started again. Data is in WAIJIAO_HOME; so are the logs, in its folder logs.

    With --lan it prints the address for phones, with a QR code, and what a phone asks; it needs WAIJIAO_KEYS=true.
    This machine itself goes on using http. docs/school.md shows the whole way.
    """
    if not lan and (certificate or key_file):
        raise click.UsageError("--certificate and --key are for --lan.")
    if key_file and not certificate:
        raise click.UsageError("--key is the private key of a certificate: name that with --certificate.")
    options = {"host": host, "port": port, "tls_certificate": certificate, "tls_key": key_file}
    settings: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    workers = {"asr": asr, "llm": llm, "tts": tts}
    if lan:
        from waijiao.local.lan import set_up  # whose libraries no container has: nothing but this needs them

        network = set_up(settings)
        run_until_stopped(network.settings, workers, network)
    else:
        run_until_stopped(Settings(**settings), workers)


for command in (ask, watch, status, retry, key, fit, plan, homework, school_class, lesson, learner, demo, models):
    main.add_command(command)
