"""Processes of tests that are forks behave as processes that were started anew."""

import os
import signal
import subprocess
import sys

import pytest

from tests.support.fork_server import ForkedProcess
from tests.support.process import Process
from tests.support.wait import wait_for

MODULE = """
import os, sys, time
print(sys.argv[1:], os.environ.get("COLOUR"), sorted(name for name in os.environ if name.startswith("WAIJIAO")))
print("pipeline" in sys.modules, os.getsid(0) == os.getpid(), __name__, file=sys.stderr)
if sys.argv[1:] == ["wait"]:
    time.sleep(60)
sys.exit(7)
"""


@pytest.fixture
def start(tmp_path):
    """Starts `python -m module_of_test …` and returns the process; at the end it is killed."""
    (tmp_path / "module_of_test.py").write_text(MODULE, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "COLOUR": "red"}
    processes = []

    def start_process(*arguments: str, **more: str) -> Process:
        command = [sys.executable, "-m", "module_of_test", *arguments]
        processes.append(Process("module", command, {**environment, **more}, tmp_path / "log"))
        processes[-1].start()
        return processes[-1]

    yield start_process
    for each in processes:
        each.kill()


@pytest.mark.parametrize("more", [{}, {"PYTHONHASHSEED": "1"}], ids=["forked", "started"])
def test_a_process_has_its_arguments_environment_log_session_and_exit_status(start, more):
    process = start("a", "b c", **more)
    assert process.wait_for_exit(20) == process.status == 7
    assert isinstance(process.runs[-1], subprocess.Popen if more else ForkedProcess)
    lines = sorted(process.output().splitlines())
    assert lines == ["False True __main__", "['a', 'b c'] red []"]


def test_a_fork_is_killed_at_once_and_stopped_by_a_signal(start):
    killed, stopped = start("wait"), start("wait")
    killed.kill()
    assert killed.status == -signal.SIGKILL
    wait_for(lambda: "wait" in stopped.output())
    assert stopped.alive
    stopped.stop()
    assert stopped.wait_for_exit(20) == -signal.SIGTERM
    assert not stopped.alive


def test_waiting_for_a_fork_has_a_limit(start):
    process = start("wait")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait_for_exit(0.1)
    assert process.alive
