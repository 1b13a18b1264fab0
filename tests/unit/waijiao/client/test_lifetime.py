"""The edges of a client's life: Ctrl-C, fork, several threads, garbage collection, exit without close."""

import asyncio
import gc
import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.process import LAUNCH
from waijiao import AsyncClient, Client
from waijiao.client.concurrent import EventLoopThread

ROOT = Path(__file__).parents[4]
IMPORTS = "import os, sys, threading, warnings\nfrom waijiao import AsyncClient, Client\n"


class SlowFile(io.BytesIO):
    """A file of a slow disk: it can be read once `ready` is set."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.ready = threading.Event()

    def read(self, size: int | None = -1, /) -> bytes:
        self.ready.wait(60)
        return super().read(size)


def start_program(server, code: str) -> "subprocess.Popen[str]":
    """A Python program in which `client` is one of the server and every warning is an error."""
    program = f"{IMPORTS}client = Client({server.url!r}, '')\n{textwrap.dedent(code)}"
    command = [*LAUNCH, sys.executable, "-W", "error", "-c", program]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, **pipes, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


def run_program(server, code: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a program that has to end by itself."""
    with start_program(server, code) as program:
        try:
            stdout, stderr = program.communicate(timeout=60)
        finally:
            program.kill()
    return program.returncode, stdout, stderr


@pytest.mark.parametrize("call", ["client.readiness()", "client.ask(b'RIFF')", "list(client.ask_all([b'RIFF'] * 9))"])
def test_ctrl_c_interrupts_a_call_and_the_client_can_be_used_again(server, call):
    code = f"""
        print(client.readiness().ready, input())
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted", threading.active_count(), flush=True)
        print(client.readiness().ready, flush=True)
    """
    with start_program(server, code) as program:
        assert server.received.wait(60)
        server.received.clear()
        server.hang = True
        program.stdin.write("now\n")
        program.stdin.flush()
        assert server.received.wait(60)
        program.send_signal(signal.SIGINT)
        assert [program.stdout.readline() for _ in range(2)] == ["True now\n", "interrupted 1\n"]
        server.released.set()
        assert program.communicate(timeout=60) == ("True\n", "")
    assert program.returncode == 0


def test_a_forked_child_has_connections_of_its_own(server):
    code = """
        client.readiness()
        child = os.fork()
        if child == 0:
            sys.exit(not client.readiness().ready)
        print(os.waitpid(child, 0)[1], client.readiness().ready)
    """
    assert run_program(server, code) == (0, "0 True\n", "")
    parent, child, parent_again = server.client_ports
    assert parent == parent_again != child


def test_a_child_forked_amid_many_recordings_ends_and_may_start_others(server):
    code = """
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork while threads run
        outcomes = client.ask_all([b"RIFF"] * 9, at_once=1)
        next(outcomes)
        child = os.fork()
        if child == 0:
            try:
                next(outcomes)
            except RuntimeError:
                sys.exit(len(list(client.ask_all([b"RIFF"] * 2))))
        print(os.waitpid(child, 0)[1] >> 8, len(list(outcomes)))
    """
    assert run_program(server, code) == (0, "2 8\n", "")


def test_a_recording_that_one_thread_reads_slowly_delays_no_other_thread(server):
    slow_file = SlowFile(b"RIFF")
    with Client(server.url, "") as client, ThreadPoolExecutor() as pool:
        slow = pool.submit(client.submit, slow_file)
        assert all(readiness.ready for readiness in pool.map(lambda _: client.readiness(), range(20)))
        assert not slow.done()
        slow_file.ready.set()
        assert slow.result(60).state == "succeeded"


@pytest.mark.parametrize("many", [False, True])
def test_a_callback_may_use_the_client(server, many):
    seen = []
    with Client(server.url, "") as client:

        def on_change(*_: object) -> None:
            seen.append(client.readiness().ready)

        if many:
            list(client.ask_all([b"RIFF"], on_change=on_change))
        else:
            client.ask(b"RIFF", on_change=on_change)
    assert set(seen) == {True}


def test_a_blocking_client_works_inside_an_event_loop_as_notebooks_have_one(server):
    async def cell(client: Client) -> int:
        return len([*client.ask_all([b"RIFF", b"RIFF"]), client.ask(b"RIFF")])

    with Client(server.url, "") as client:
        assert asyncio.run(cell(client)) == 3


@pytest.mark.parametrize(
    "code",
    [
        "client.readiness()",
        "client.readiness(); client.itself = client",
        "outcomes = client.ask_all([b'RIFF'] * 9); next(outcomes)",
        "cycle = [client.ask_all([b'RIFF'] * 9)]; cycle.append(cycle); next(cycle[0])",
        "outcomes = client.ask_all([b'RIFF'] * 9)",
        "client.close(); client.close()",
    ],
)
def test_a_program_that_closes_nothing_ends_at_once_and_without_a_warning(server, code):
    assert run_program(server, code) == (0, "", "")


def test_a_program_that_fails_amid_many_recordings_ends_with_its_own_error(server):
    code = "for outcome in client.ask_all([b'RIFF'] * 9):\n    raise ValueError('of its own')"
    status, _, stderr = run_program(server, code)
    assert (status, stderr.rstrip().splitlines()[-1]) == (1, "ValueError: of its own")
    assert "Warning" not in stderr


def test_a_client_that_is_collected_closes_its_connections(server):
    client = Client(server.url, "")
    client.readiness()
    client.itself = client
    del client
    gc.collect()
    assert server.disconnects.acquire(timeout=60)


def test_many_recordings_leave_no_thread_behind(server):
    threads = set(threading.enumerate())
    with Client(server.url, "") as client:
        outcomes = client.ask_all([b"RIFF"] * 9, at_once=2)
        assert next(outcomes).answer
        assert {thread.name for thread in threading.enumerate()} >= {"waijiao-event-loop"}
        del outcomes
        assert "waijiao-event-loop" not in {thread.name for thread in threading.enumerate()}
        assert len(list(client.wait_all(["0" * 32] * 9))) == 9
    assert not [thread for thread in set(threading.enumerate()) - threads if not thread.daemon]


def test_an_event_loop_ends_though_the_collector_closes_it_in_its_own_thread():
    ended = threading.Event()

    async def cleanup() -> None:
        ended.set()

    async def collect() -> None:
        loop.close()

    loop = EventLoopThread(cleanup)
    loop.call(collect)
    assert ended.wait(60)
    loop._thread.join(60)
    assert not loop._thread.is_alive()


def test_an_awaited_client_leaves_nothing_open(server):
    async def ask() -> int:
        async with AsyncClient(server.url, "") as client:
            return len([outcome async for outcome in client.ask_all([b"RIFF"] * 9, at_once=2)])

    assert asyncio.run(ask()) == 9
    assert server.disconnects.acquire(timeout=60)
