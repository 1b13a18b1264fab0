"""Orders from a test to the processes it breaks: small files in one folder, each obeyed once by whoever meets it first.

An order's file is `PROCESS.POINT.NUMBER.order`: PROCESS is its name (asr1) or kind (asr, llm, tts, api), POINT
an utterance (canary7) or a crash point (crash_points.py), and the file's text is one of the actions below.
"""

import errno
import hashlib
import itertools
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(os.environ["FAULTS_FOLDER"])
NAME = os.environ["FAULTS_NAME"]  # this process's, such as asr1
KIND = NAME.rstrip("0123456789")
POLL_S = 0.02  # seconds between two looks for the end of `wait`


def always_wanted() -> bool:
    return True


def obey(point: str, wanted: Callable[[], bool] = always_wanted) -> str:
    """Carry out the next order for this process at `point`; its action. `leak` and the like are the caller's."""
    for file in sorted(FOLDER.glob(f"*.{point}.*.order")):
        taken = file.with_suffix(".taken")
        if file.name.split(".")[0] in (NAME, KIND):
            try:
                file.rename(taken)
            except FileNotFoundError:
                continue
            action, _, seconds = taken.read_text().partition(" ")
            if action == "wait":
                wait(taken, wanted)
            else:
                carry_out(action, float(seconds or 0))
            return action
    return ""


def wait(order: Path, wanted: Callable[[], bool]) -> None:
    """Until the test withdraws the order, or the engine learns that its answer is no longer wanted."""
    while order.exists() and wanted():
        time.sleep(POLL_S)


def carry_out(action: str, seconds: float) -> None:
    """die, die_all, stop, hang, hang_in_c, hang_with_gil, slow SECONDS, fail, memory, full."""
    if action == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "die_all":  # the parent too
        os.killpg(os.getpgrp(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif action == "hang":
        while True:
            time.sleep(1)
    elif action == "hang_in_c":  # other threads run on, but this one's signal handlers do not
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
    elif action == "hang_with_gil":  # nothing of this process runs on
        sum(itertools.repeat(0))
    elif action == "slow":
        time.sleep(seconds)
    else:
        misbehave(action)


def misbehave(action: str) -> None:
    if action == "fail":
        raise RuntimeError("the engine was told to fail")
    if action == "memory":
        raise MemoryError
    if action == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def log_event(what: str, **details: object) -> None:
    """Append to the ledger what this process does; a line is written whole."""
    entry = {"what": what, "name": NAME, "pid": os.getpid(), "leader": os.getpgrp(), "at": time.time(), **details}
    with (FOLDER / "ledger").open("ab", buffering=0) as ledger:
        ledger.write(json.dumps(entry).encode() + b"\n")
