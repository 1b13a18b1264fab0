"""What a child writes into its pipe is read in parts; the connection to Redis may break between two of them."""

import os
import signal
from contextlib import suppress
from inspect import isgenerator

import pytest
from kombu.asynchronous import Hub, set_event_loop

from pipeline.worker.celery_overrides import Pool
from tests.support.wait import wait_for

PIPE_BYTES = 1 << 16  # more than a pipe holds
WAIT_S = 15  # seconds; a child starts and answers in less than one
TRIES = 50  # a result is half read nearly always: when the parent is faster than its child


def make_result(size: int) -> bytes:
    return bytes(size)


class EventLoop:
    """A pool of one child and the hub that reads its results, which Celery's consumer resets and registers again."""

    def __init__(self) -> None:
        self.hub = Hub()
        set_event_loop(self.hub)
        self.pool = Pool(processes=1, threads=False, proc_alive_timeout=30)
        self.pool.register_with_event_loop(self.hub)
        self.results: list[int] = []  # their sizes
        self.run_until(lambda: self.pool._all_inqueues)

    @property
    def child(self) -> int:
        """Its pid."""
        return self.pool._pool[0].pid

    def submit(self, size: int) -> None:
        self.pool.apply_async(make_result, (size,), callback=lambda result: self.results.append(len(result)))

    def run_until(self, condition) -> None:
        def turn() -> bool:
            self.hub.run_once()
            return bool(condition())

        wait_for(turn, WAIT_S, poll_s=0)

    def is_half_read(self) -> bool:
        return any(isgenerator(reader[0]) for reader in self.hub.readers.values() if reader)

    def submit_until_half_read(self, size: int) -> int:
        """The number of results that were to come, once the last of them is half read."""
        before = len(self.results)
        for number in range(1, TRIES):
            self.submit(size)
            self.run_until(lambda number=number: self.is_half_read() or len(self.results) == before + number)
            if self.is_half_read():
                return number
        raise AssertionError(f"no result of {size} bytes was half read")

    def lose_connection(self) -> None:
        """What Celery does then: the hub forgets its readers, and the pool registers them again."""
        self.hub.reset()
        self.pool.flush()
        self.pool.register_with_event_loop(self.hub)


@pytest.fixture
def loop():
    running = EventLoop()
    yield running
    with suppress(ProcessLookupError):
        os.kill(running.child, signal.SIGKILL)  # where a test failed, it may wait for ever until its pipe is read
    running.pool.terminate()
    running.pool.join()
    running.hub.close()


@pytest.mark.parametrize("resets", [1, 3])
@pytest.mark.parametrize("size", [PIPE_BYTES + 1, 100_000, 4_000_000])
def test_a_half_read_result_outlives_a_lost_connection(loop, size, resets):
    count = loop.submit_until_half_read(size)
    for _ in range(resets):
        loop.lose_connection()
    loop.run_until(lambda: len(loop.results) == count)
    for number in range(1, 4):
        loop.submit(number)
        loop.run_until(lambda number=number: len(loop.results) == count + number)
    assert loop.results == [size] * count + [1, 2, 3]


def test_a_large_result_outlives_a_connection_that_is_lost_after_each_part(loop):
    loop.submit_until_half_read(4_000_000)
    expected = len(loop.results) + 1
    while len(loop.results) < expected:
        loop.lose_connection()
        loop.hub.run_once()
    loop.submit(1)
    loop.run_until(lambda: loop.results[-1] == 1)
    assert loop.results == [4_000_000] * expected + [1]


def test_a_half_read_result_is_read_at_shutdown_although_the_connection_is_lost(loop):
    count = loop.submit_until_half_read(4_000_000)
    loop.hub.reset()
    loop.pool.close()
    loop.pool.join()
    assert loop.results == [4_000_000] * count


def test_the_next_child_s_results_are_read_although_a_killed_child_s_was_half_read(loop):
    for count in range(1, 4):  # descriptors are used again
        loop.submit_until_half_read(4_000_000)
        killed = loop.child
        os.kill(killed, signal.SIGKILL)
        loop.lose_connection()
        loop.run_until(lambda killed=killed: loop.child != killed and loop.pool._all_inqueues)
        loop.submit(1)
        loop.run_until(lambda count=count: loop.results.count(1) == count)
