"""Gives way to the models: somebody waits for these, while a lesson has time."""

import logging
import os
from pathlib import Path

log = logging.getLogger("waijiao")
NICE = 10  # of 19: beside one busy worker on one core, a tenth of it instead of half
AUTOGROUP = Path("/proc/self/autogroup")  # where Linux shares cores among sessions first, `nice` alone does nothing


def take(**_: object) -> None:
    """Lower the priority of this process, a worker's child, and of the session that its worker leads."""
    os.nice(NICE)
    if os.getsid(0) != os.getppid() or not AUTOGROUP.exists():  # else others that were started with it would pay
        return
    try:
        AUTOGROUP.write_text(str(NICE))
    except OSError as error:  # such as a kernel's that lets it be changed ten times a second only
        log.warning("this worker competes with the models as one of them: %s", error.strerror)
