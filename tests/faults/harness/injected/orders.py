"""Orders from a test to the processes it breaks: small files in one folder, each obeyed once by whoever meets it first.

An order's file is `WHO.PLACE.NUMBER.order`: WHO is a process (asr1) or its kind (asr, llm, tts, api), PLACE an
utterance (canary7) or a crash point (faulty/points.py), and its text is one of the words below.
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

FOLDER = Path(os.environ["FAULTY_FOLDER"])
NAME = os.environ["FAULTY_NAME"]  # this process's, such as asr1
KIND = NAME.rstrip("0123456789")
LOOK_S = 0.02  # seconds between two looks for the end of `wait`


def always() -> bool:
    return True


def obey(place: str, wanted: Callable[[], bool] = always) -> str:
    """Carry out the next order for this process at `place`. Answers its word: `lie` and the like are the caller's."""
    for file in sorted(FOLDER.glob(f"*.{place}.*.order")):
        taken = file.with_suffix(".taken")
        if file.name.split(".")[0] in (NAME, KIND):
            try:
                file.rename(taken)
            except FileNotFoundError:
                continue
            word, _, seconds = taken.read_text().partition(" ")
            if word == "wait":
                wait(taken, wanted)
            else:
                carry_out(word, float(seconds or 0))
            return word
    return ""


def wait(order: Path, wanted: Callable[[], bool]) -> None:
    """Until the test withdraws the order, or the engine learns that its answer is no longer wanted."""
    while order.exists() and wanted():
        time.sleep(LOOK_S)


def carry_out(word: str, seconds: float) -> None:
    """die, die_all, stop, hang, hang_in_c, hang_with_gil, slow SECONDS, fail, memory, full."""
    if word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif word == "die_all":  # the parent too
        os.killpg(os.getpgrp(), signal.SIGKILL)
    elif word == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif word == "hang":
        while True:
            time.sleep(1)
    elif word == "hang_in_c":  # other threads run on, but this one's signal handlers do not
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
    elif word == "hang_with_gil":  # nothing of this process runs on
        sum(itertools.repeat(0))
    elif word == "slow":
        time.sleep(seconds)
    else:
        misbehave(word)


def misbehave(word: str) -> None:
    if word == "fail":
        raise RuntimeError("the engine was told to fail")
    if word == "memory":
        raise MemoryError
    if word == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def note(what: str, **details: object) -> None:
    """Write down what this process does; a line is written whole."""
    entry = {"what": what, "name": NAME, "pid": os.getpid(), "leader": os.getpgrp(), "at": time.time(), **details}
    with (FOLDER / "ledger").open("ab", buffering=0) as ledger:
        ledger.write(json.dumps(entry).encode() + b"\n")
