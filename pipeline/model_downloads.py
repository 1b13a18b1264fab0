"""The downloaders: the user's own pip and the model hub's client, each run as a child that is watched.

They read their own settings (index, mirror, proxy, certificates), and what they import never comes here.
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

LOOK_S = 0.2  # seconds between two looks at a growing download
SILENCE_S = 300  # seconds without a new byte after which a download is given up
REASON_CHARS = 240  # characters of a failed source's reason that are shown
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")  # set for workers; a fetch is the moment to be online

# A child ends when its parent does, however that died: the pipe that it reads is then closed.
LEASH = """
import os, sys, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
"""
PIP = f"""{LEASH}
import runpy
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
EXPLAINED = f"""{LEASH}
def explain(kind, error, trace):
    cause = error.__cause__ or error.__context__ or error
    print("ERROR:", type(cause).__name__, *str(cause).split(), file=sys.stderr)

sys.excepthook = explain
"""
HUB = f"""{EXPLAINED}
from huggingface_hub import hf_hub_download
repository, revision, target, *names = sys.argv[1:]
for name in names:
    hf_hub_download(repository, name, revision=revision, local_dir=target)
"""
RECORD = f"""{EXPLAINED}
import json
from huggingface_hub import HfApi
repository, revision, target = sys.argv[1:]
info = HfApi().model_info(repository, revision=revision, files_metadata=True)
files = [
    {{"name": each.rfilename, "size": each.size, "sha256": each.lfs.sha256 if each.lfs else "", "blob": each.blob_id}}
    for each in info.siblings
]
with open(target, "w", encoding="utf-8") as record:
    json.dump({{"revision": info.sha, "files": files}}, record)
"""


class SourceError(Exception):
    """Raised when one source cannot give a model, with a reason of one line. The next source is tried."""


@dataclass(frozen=True)
class Bench:
    """Where one source works: `room` is its empty folder, `lock` the descriptor that keeps others out."""

    room: Path
    lock: int
    tell: Callable[[int], None]  # bytes done so far

    def folder(self, name: str) -> Path:
        path = self.room / name
        path.mkdir(exist_ok=True)
        return path

    def run(self, program: str, arguments: list[str], ending: str = "") -> None:
        """Run a downloader, telling the bytes of the files in the room whose names have this ending.

        Raises SourceError with what it said, or when no byte comes for SILENCE_S seconds.
        """
        environment = {name: value for name, value in os.environ.items() if name not in OFFLINE}
        environment |= {"TMPDIR": str(self.folder("temporary")), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(
                [sys.executable, "-P", "-c", program, *arguments],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=[self.lock],  # a child that outlives us for a moment still keeps others out
            ) as child,
        ):
            try:
                self._wait(child, ending)
            finally:
                child.kill()
            if child.returncode:
                said.seek(0)
                raise SourceError(_reason(said.read().decode(errors="replace")))

    def _wait(self, child: subprocess.Popen[bytes], ending: str) -> None:
        seen, since = 0, monotonic()
        while child.poll() is None:
            if monotonic() - since > SILENCE_S:
                raise SourceError(f"nothing came for {SILENCE_S} seconds")
            with suppress(subprocess.TimeoutExpired):
                child.wait(LOOK_S)
            there = _bytes_in(self.room, ending)
            if there > seen:
                seen, since = there, monotonic()
                self.tell(seen)


def _bytes_in(folder: Path, ending: str) -> int:
    """Bytes of the files with this ending; pip has a wheel twice for a moment, which counts once."""
    sizes: dict[str, int] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(ending):
                with suppress(FileNotFoundError):  # a downloader moves its files when they are whole
                    sizes[name] = max(sizes.get(name, 0), os.stat(os.path.join(place, name)).st_size)
    return sum(sizes.values())


def _reason(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it ended without a word"]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return textwrap.shorten(errors[0] if errors else lines[-1], REASON_CHARS, placeholder=" …")
