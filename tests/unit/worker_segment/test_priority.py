"""The worker that segments lessons runs at a lower priority than the models, and lowers only its own."""

import subprocess
import sys
from pathlib import Path

AUTOGROUP = Path("/proc/self/autogroup")
NICENESS = "10"
CHILD = """
import os
from worker_segment.tasks import AUTOGROUP, lower_priority
lower_priority()
print(os.nice(0), *AUTOGROUP.read_text().split()[-1:] if AUTOGROUP.exists() else "")
"""
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}], check=True)"


def read_child_niceness(leads: bool) -> list[str]:
    """The niceness of a worker's child and of their session, which the worker leads or not, once the child gave way."""
    command = [sys.executable, "-c", PARENT]
    return subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=leads).stdout.split()


def test_a_session_leader_lowers_the_priority_of_its_session():
    assert read_child_niceness(leads=True) == [NICENESS, *[NICENESS] * AUTOGROUP.exists()]


def test_a_worker_in_a_shared_session_lowers_only_its_own_priority():
    mine = AUTOGROUP.read_text().split()[-1:] if AUTOGROUP.exists() else []  # also [] where there is no session

    assert read_child_niceness(leads=False) == [NICENESS, *mine]
