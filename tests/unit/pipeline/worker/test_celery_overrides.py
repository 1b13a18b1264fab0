"""The messages of a dead child are read from its pipe as far as possible, and a partial one does not end the worker."""

import os
import pickle
from types import SimpleNamespace

import billiard
import pytest
from billiard.pool import RUN
from celery.concurrency.asynpool import AsynPool

from pipeline.worker.celery_overrides import Pool

BEGINNING = b"\0\0\0\4\1\1\1\1"  # what looks like that of a message of four bytes
WORK = (2, (7, None, (True, b"a result, and " + BEGINNING)))


def read_sent_bytes(*messages):
    """The bytes that a child writes into its pipe."""
    reader, writer = billiard.Pipe(duplex=False)
    for message in messages:
        writer.send(message)
    writer.close()
    with reader:
        return os.read(reader.fileno(), 10_000)


def flush_pool(kind, left):
    """What a pool learns of a dead child in whose pipe `left` is."""
    reader, writer = billiard.Pipe(duplex=False)
    os.write(writer.fileno(), left)
    writer.close()
    pool, learnt = kind.__new__(kind), []
    pool._state, pool._result_handler = RUN, SimpleNamespace(on_state_change=learnt.append)
    with reader:
        pool.process_flush_queues(SimpleNamespace(outq=SimpleNamespace(_reader=reader)))
    return learnt


def test_complete_messages_are_read():
    assert flush_pool(Pool, read_sent_bytes(WORK, WORK)) == [WORK, WORK]


def test_a_message_that_was_half_read_or_half_written_ends_nothing():
    whole = read_sent_bytes(WORK)
    for read in range(1, len(whole)):
        assert flush_pool(Pool, whole[read:]) in ([], [WORK])
        assert flush_pool(Pool, whole + whole[:read]) == [WORK]


def test_celery_s_own_pool_fails_on_a_partial_message():
    begun = read_sent_bytes(WORK).index(BEGINNING)
    with pytest.raises(pickle.UnpicklingError):  # once it does, ours is not needed any more
        flush_pool(AsynPool, read_sent_bytes(WORK)[begun:])
