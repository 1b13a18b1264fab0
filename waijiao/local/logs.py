"""The logs of the processes that `waijiao up` runs: of each the last 10 MB or so, and those before."""

import os
import shutil
from pathlib import Path

MAX_LOG_BYTES = 10_000_000  # size at which a log is rotated
CHECK_S = 1.0  # seconds between two looks at the sizes


def rotate(log: Path) -> bool:
    """Move what a log of more than MAX_LOG_BYTES contains to NAME.log.1, in place of what that had; False if not.

    The log is copied and emptied, as its process has it open and goes on writing at its end. What is written between
    both is lost. On a full disk the log stays as it is.
    """
    try:
        with log.open("r+b") as source:
            if os.fstat(source.fileno()).st_size <= MAX_LOG_BYTES:
                return False
            with log.with_suffix(".log.1").open("wb") as target:
                shutil.copyfileobj(source, target)
            source.truncate(0)
    except OSError:  # somebody has removed it, or the disk is full
        return False
    return True
