"""Runs everything on this machine until it is stopped, as `waijiao up` does."""

import os
import signal
import socket
import sys
import time
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

from pipeline import personas
from pipeline.api_keys import Keys
from pipeline.errors import ConfigurationError, UnknownPersona
from pipeline.gpu import fractions
from pipeline.jobs.job import MODEL_STAGES
from pipeline.model_files.needed import check_models
from pipeline.settings import Settings, find_unknown_variables
from waijiao.local.console import report
from waijiao.local.redis_server import find_server
from waijiao.local.supervisor import Supervisor

if TYPE_CHECKING:
    from waijiao.local.lan import Lan

ONE_WORKER_EACH = dict.fromkeys(MODEL_STAGES, 1)
NO_KEY_YET = (
    "There is no key yet, so nobody can log in. In another terminal: `waijiao key create --role admin --name NAME`."
)
KEYS_NOTE = "Every request must send a key: `waijiao key create` makes one."
NO_KEYS_NOTE = "No key is needed, so it listens on this machine only; WAIJIAO_KEYS=true makes keys mandatory."


def run_until_stopped(settings: Settings, workers: dict[str, int], lan: "Lan | None" = None) -> None:
    """Run `workers[stage]` workers of each model and everything they need until SIGINT or SIGTERM.

    With `lan`, whose settings they have, phones of the local network are served too. Raises ConfigurationError if
    something that they need is missing.
    """
    prepare(settings, workers)
    certificate = lan.prepare() if lan else None
    started_at = time.monotonic()
    try:
        watch = partial(lan.keep_current, sys.stdout) if lan else lambda: None
        with Supervisor(settings, workers, watch) as supervisor:
            report("Starting; the models are loading …", sys.stdout)
            supervisor.wait_until_ready()
            seconds = time.monotonic() - started_at
            report(f"Waijiao listens on {supervisor.url} (ready after {seconds:.1f} s). Ctrl-C stops it.", sys.stdout)
            if not settings.redis_url:
                report(f"The records are kept by {find_server()}.", sys.stdout)
            report(KEYS_NOTE if settings.keys else NO_KEYS_NOTE, sys.stdout)
            if lan and certificate:
                report(lan.describe(certificate, sys.stdout), sys.stdout)
                if all(key.revoked_at for key in Keys(supervisor.redis_connection).list()):
                    report(NO_KEY_YET, sys.stdout)
            supervisor.restart_dead_processes()
    except KeyboardInterrupt:
        report("Stopped.", sys.stdout)


def prepare(settings: Settings, workers: dict[str, int]) -> None:
    """Raise ConfigurationError or ModelMissing for what is missing, before anything is started.

    Also makes SIGTERM stop this process as Ctrl-C does.
    """
    for name, similar in find_unknown_variables(os.environ).items():
        hint = f"; perhaps {similar} is meant" if similar else ""
        report(f"{name} is not a setting and has no effect{hint}.", sys.stderr)
    fractions.check_fraction_sums(settings, workers)
    check_models(settings)
    load_default_persona(settings)
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise ConfigurationError(
                f"Port {settings.port} of {settings.host} cannot be used ({error.strerror}). Choose another one with "
                "--port, or with WAIJIAO_PORT."
            ) from error
    signal.signal(signal.SIGTERM, raise_keyboard_interrupt)


def load_default_persona(settings: Settings) -> None:
    """Load the persona of jobs that name none. Raises ConfigurationError."""
    try:
        personas.load(settings.persona, settings.personas)
    except UnknownPersona as error:
        raise ConfigurationError(f"WAIJIAO_PERSONA: {error}.") from error


def raise_keyboard_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def free_port() -> int:
    """A TCP port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
