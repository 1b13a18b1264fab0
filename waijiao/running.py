"""`waijiao up` and `waijiao demo`: the house run here, for as long as it is wanted."""

import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from pipeline.errors import ConfigurationError
from pipeline.gpu import fractions
from pipeline.jobs.job import MODEL_STAGES
from pipeline.settings import Settings
from pipeline.worker.engine_loader import model_of
from waijiao.client import Client
from waijiao.house import House
from waijiao.plainly import out_console as out
from waijiao.reporting import Places, Report
from waijiao.teachers import NOISE, TEACHERS, TINY

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "learners" / "010270268.wav"
SENTENCE = "Yesterday I go to the library and I read two book."
ONE_EACH = dict.fromkeys(MODEL_STAGES, 1)
KEYS = "Every request must show a key: `waijiao key create` makes one."
NO_KEYS = "No key is needed, so it listens on this machine only; WAIJIAO_KEYS=true asks for keys."


def up(settings: Settings, counts: dict[str, int]) -> None:
    """Run until told to stop by SIGINT or SIGTERM."""
    prepare(settings, counts)
    begun = time.monotonic()
    try:
        with House(settings, counts) as house:
            out.print("Starting; the models are loading …")
            house.wait_until_ready()
            took = time.monotonic() - begun
            out.print(f"Waijiao listens on {house.url} (ready after {took:.1f} s). Ctrl-C stops it.")
            out.print(KEYS if settings.keys else NO_KEYS)
            house.watch()
    except KeyboardInterrupt:
        out.print("Stopped.")


def demo(settings: Settings, audio: Path | None, place: Path, teachers: str = "") -> None:
    """Everything once, in a folder of its own, so that it disturbs nothing that runs here already.

    `teachers` names those of TEACHERS that are asked instead of those of the settings.
    """
    home = Path(tempfile.mkdtemp(prefix="waijiao-demo-"))
    apart = {
        "home": home,
        "models": settings.models_folder,
        "blobs": None,
        "redis_url": "",
        "host": "127.0.0.1",
        "keys": False,
        "port": free_port(),
    }
    chosen = settings.model_copy(update=apart)
    recording = audio or EXAMPLE
    try:
        if teachers:
            chosen = TEACHERS[teachers](chosen, home)
        prepare(chosen, ONE_EACH)
        begun = time.monotonic()
        with House(chosen, ONE_EACH) as house:
            out.print("Starting Redis, the API and one worker for each model …")
            house.wait_until_ready()
            out.print(f"Ready after {time.monotonic() - begun:.1f} s.")
            with Client(house.url, "") as client:
                ask(client, "a learner's recording", recording, place.resolve())
                typed = place.with_stem(f"{place.stem}-to-text").resolve()
                ask(client, "a typed sentence", None, typed)
        out.print("\nStopped everything that was started.")
        if teachers in TINY:
            out.print(f"\n{NOISE}")
    except KeyboardInterrupt:
        out.print("Stopped.")
        sys.exit(130)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def ask(client: Client, what: str, recording: Path | None, place: Path) -> None:
    out.print(f"\nAsking: {what}")
    name, text = (recording.name, None) if recording else ("text", SENTENCE)
    report = Report([name], Places([name], place), bars=out)
    report.of(lambda told: client.ask_all([recording], session="demo", text=text, on_change=told))


def prepare(settings: Settings, counts: dict[str, int]) -> None:
    """Say what is missing before anything is started; let SIGTERM stop us as Ctrl-C does."""
    fractions.refuse_crowds(settings, counts)
    for stage in MODEL_STAGES:
        model_of(stage, settings)
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            place = f"Port {settings.port} of {settings.host}"
            raise ConfigurationError(f"{place} cannot be used ({error.strerror}); choose another.") from error
    signal.signal(signal.SIGTERM, as_ctrl_c)


def as_ctrl_c(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
