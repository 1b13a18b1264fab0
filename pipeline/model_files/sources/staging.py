"""A source's downloader, run in a child process, and the folder in which it works.

Wheels are downloaded by the user's own pip, packages of npm by npm, and hub files by the hub's client: they read their
own settings (index, mirror, proxy, certificates), and what they import does not enter this process.
"""

import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from pipeline.model_files.sources.files import SourceError

POLL_S = 0.2  # seconds between two measurements of a growing download
STALL_TIMEOUT_S = 300  # seconds without a new byte after which a download is given up
MAX_REASON_CHARS = 240  # characters of a failed source's reason that are shown
OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")  # set for workers; a fetch must be online

# A child process ends when its parent does, however the parent died: the pipe that it reads is closed then.
EXIT_WITH_PARENT = """
import os, sys, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
"""
SHORT_ERRORS = f"""{EXIT_WITH_PARENT}
def explain(kind, error, trace):
    cause = error.__cause__ or error.__context__ or error
    print("ERROR:", type(cause).__name__, *str(cause).split(), file=sys.stderr)

sys.excepthook = explain
"""


@dataclass(frozen=True)
class Staging:
    """Where one source works: `folder` is its empty folder, `lock` the descriptor that excludes other fetches."""

    folder: Path
    lock: int
    on_progress: Callable[[int], None]  # gets the bytes done so far

    def subfolder(self, name: str) -> Path:
        """The folder with this name in the staging folder; created when it does not exist."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path

    def run(self, program: str, arguments: list[str], suffix: str = "") -> None:
        """Run a downloader, and report the bytes of the files in the folder whose names have this suffix.

        Raises SourceError with the downloader's error, or when no byte comes for STALL_TIMEOUT_S seconds.
        """
        environment = {name: value for name, value in os.environ.items() if name not in OFFLINE_VARIABLES}
        environment |= {"TMPDIR": str(self.subfolder("temporary")), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        with (
            tempfile.TemporaryFile() as output,
            subprocess.Popen(
                [sys.executable, "-P", "-c", program, *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=[self.lock],  # a child that outlives us for a moment still excludes others
            ) as child,
        ):
            try:
                self._wait(child, suffix)
            finally:
                child.kill()
            if child.returncode:
                output.seek(0)
                raise SourceError(_failure_reason(output.read().decode(errors="replace")))

    def _wait(self, child: subprocess.Popen[bytes], suffix: str) -> None:
        byte_count, changed_at = 0, monotonic()
        while child.poll() is None:
            if monotonic() - changed_at > STALL_TIMEOUT_S:
                raise SourceError(f"nothing came for {STALL_TIMEOUT_S} seconds")
            with suppress(subprocess.TimeoutExpired):
                child.wait(POLL_S)
            size = _size_of_files(self.folder, suffix)
            if size > byte_count:
                byte_count, changed_at = size, monotonic()
                self.on_progress(byte_count)


def _size_of_files(folder: Path, suffix: str) -> int:
    """Bytes of the files with this suffix; pip has a wheel twice for a moment, which counts once."""
    sizes: dict[str, int] = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(suffix):
                with suppress(FileNotFoundError):  # a downloader moves its files when they are complete
                    sizes[name] = max(sizes.get(name, 0), os.stat(os.path.join(parent, name)).st_size)
    return sum(sizes.values())


def _failure_reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it ended without a message"]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return textwrap.shorten(errors[0] if errors else lines[-1], MAX_REASON_CHARS, placeholder=" …")
