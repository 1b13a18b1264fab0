"""Processes of tests that are forks behave as processes that were started anew, whichever server forked them."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.support.fork_server import COMMANDS, MODULES, fork_server
from tests.support.process import Process
from tests.support.wait import wait_for

ROOT = Path(__file__).parents[3]
MODULE = """
import os, sys, time
from pipeline.settings import settings
print(sys.argv[1:], os.getcwd(), flush=True)
print(os.environ.get("COLOUR"), sorted(name for name in os.environ if name.startswith("WAIJIAO")))
print(settings().port, os.getsid(0) == os.getpid(), __name__, file=sys.stderr)
if sys.argv[1:] == ["wait"]:
    time.sleep(60)
sys.exit(7)
"""


@pytest.fixture
def start(tmp_path):
    """Starts `python -m module_of_test …` and returns the process; at the end it is killed."""
    (tmp_path / "module_of_test.py").write_text(MODULE, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "COLOUR": "red", "WAIJIAO_PORT": "1234"}
    processes = []

    def start_process(*arguments: str, **more: str) -> Process:
        command = [sys.executable, "-m", "module_of_test", *arguments]
        processes.append(Process("module", command, {**environment, **more}, tmp_path / "log"))
        processes[-1].start()
        return processes[-1]

    yield start_process
    for each in processes:
        each.kill()


@pytest.mark.parametrize("more", [{}, {"PYTHONHASHSEED": "1"}], ids=[MODULES, COMMANDS])
def test_a_process_has_its_arguments_environment_folder_log_session_and_exit_status(start, more, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    process = start("a", "b c", **more)
    assert process.wait_for_exit(20) == process.status == 7
    assert process.runs[-1].server is fork_server(COMMANDS if more else MODULES)
    lines = sorted(process.output().splitlines())
    assert lines == ["1234 True __main__", f"['a', 'b c'] {tmp_path}", "red ['WAIJIAO_PORT']"]


@pytest.mark.parametrize("more", [{}, {"PYTHONHASHSEED": "1"}], ids=[MODULES, COMMANDS])
def test_a_fork_is_killed_at_once_and_stopped_by_a_signal(start, more):
    killed, stopped = start("wait", **more), start("wait", **more)
    killed.kill()
    assert killed.status == -signal.SIGKILL
    wait_for(lambda: "wait" in stopped.output())
    assert stopped.alive
    stopped.stop()
    assert stopped.wait_for_exit(20) == -signal.SIGTERM
    assert not stopped.alive


@pytest.mark.parametrize("more", [{}, {"PYTHONHASHSEED": "1"}], ids=[MODULES, COMMANDS])
def test_waiting_for_a_fork_has_a_limit(start, more):
    process = start("wait", **more)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait_for_exit(0.1)
    assert process.alive


def test_a_command_that_is_not_there_says_so_in_its_log(tmp_path):
    missing = Process("missing", [str(tmp_path / "missing")], dict(os.environ), tmp_path / "log")
    missing.start()
    assert missing.wait_for_exit(20)
    assert "FileNotFoundError" in missing.output()


def test_a_process_dies_with_the_tests_and_heeds_an_interrupt_that_they_ignore(tmp_path):
    program = f"""
import os, signal, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tests.support.process import Process
signal.signal(signal.SIGINT, signal.SIG_IGN)
for name in ("interrupted", "orphaned"):
    process = Process(name, ["sleep", "60"], dict(os.environ), Path({str(tmp_path)!r}) / name)
    process.start()
    if name == "interrupted":
        program_name = Path(f"/proc/{{process.pid}}/comm")
        while program_name.read_text().strip() != "sleep":
            pass
        process.signal_parent(signal.SIGINT)
        print(process.wait_for_exit(20))
print(process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    status, pid = map(int, done.stdout.split())
    assert status == -signal.SIGINT, done.stderr
    wait_for(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("more", [{}, {"PYTHONHASHSEED": "1"}], ids=[MODULES, COMMANDS])
def test_threads_may_ask_for_the_same_process(start, more):
    for _ in range(5):
        process = start("wait", **more)
        with ThreadPoolExecutor(8) as pool:
            statuses = [pool.submit(process.wait_for_exit, 20) for _ in range(8)]
            process.signal(signal.SIGKILL)
            assert {each.result() for each in statuses} == {-signal.SIGKILL}
