"""What a worker's parent does beside its child: it watches itself, and shares its memory with each new child."""

import gc
import weakref

import pytest

from pipeline.worker import bootsteps
from pipeline.worker.bootsteps import Watchdog, keep_memory_shared


@pytest.mark.parametrize("failures", [1, 3])
def test_a_watchdog_goes_on_after_an_error_that_nobody_expected(monkeypatch, failures):
    errors = iter([*[KeyError("maxmemory")] * failures, SystemExit()])

    def fail(redis):
        raise next(errors)

    monkeypatch.setattr(bootsteps, "WATCH_S", 0)
    watchdog = Watchdog(None)
    watchdog.ticks = 0
    watchdog.heartbeat = fail
    with pytest.raises(SystemExit):
        watchdog.watch()


class Node:
    """A part of a ring, which only the garbage collection can free."""

    def __init__(self):
        self.next = self


@pytest.fixture
def unfrozen():
    yield
    gc.unfreeze()


def test_what_was_shared_with_an_earlier_child_is_freed_when_it_is_garbage(unfrozen):
    node = Node()
    freed = weakref.ref(node)
    keep_memory_shared()
    assert gc.get_freeze_count()
    del node
    gc.collect()
    assert freed()
    keep_memory_shared()
    assert not freed()
    assert gc.get_freeze_count()
