"""A real worker of the language model's queue; files in a folder tell its engine and event loop what to do.

hold: the engine works until this file is removed. no_model: it cannot be loaded. slow_load: it loads until this file is
removed. slow_fork: the child does nothing at all until this file is removed. exit, abort, leave: the child ends in one
of three ways while it loads. too_big, no_json: its result cannot be written. hold_publishing: a child sends no message
until this file is removed. lose_connection: the parent loses its connection to Redis, and this file, as soon as it has
read a part of a result. The size of everything that a task gives the parent is appended to `result_sizes`.
SIGUSR2 makes the parent hang in one of four ways: deaf, numb, blind, or stuck.
"""

import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from inspect import isgenerator
from pathlib import Path

from celery.concurrency.asynpool import Worker
from celery.signals import before_task_publish, worker_init, worker_ready
from redis.exceptions import ConnectionError

from pipeline.celery_app import app
from pipeline.errors import ModelMissing
from pipeline.jobs.results import Feedback
from pipeline.worker.task import stage

ORDERS = Path(os.environ["WAIJIAO_HOME"]) / "orders"


ENDS: dict[str, Callable[[], object]] = {"exit": lambda: os._exit(3), "abort": os.abort, "leave": lambda: sys.exit(4)}


def has_order(name: str) -> bool:
    return (ORDERS / name).exists()


def wait_while_ordered(name: str) -> None:
    while has_order(name):
        time.sleep(0.02)


os.register_at_fork(after_in_child=lambda: wait_while_ordered("slow_fork"))


class TooBig(Feedback):
    """Feedback that there is not enough memory to write."""

    def __getattribute__(self, name):
        if name in {"__dict__", "heard"}:
            raise MemoryError
        return super().__getattribute__(name)


class Engine:
    def __init__(self, settings):
        if has_order("no_model"):
            raise ModelMissing("The model is gone.")
        (ORDERS / "loading").touch()
        wait_while_ordered("slow_load")
        for name, end in ENDS.items():
            if has_order(name):
                end()

    def answer(self, batch):
        with (ORDERS / "ledger").open("a") as ledger:
            ledger.writelines(f"{job.id} {os.getpid()}\n" for job in batch)
        wait_while_ordered("hold")
        kind, heard = TooBig if has_order("too_big") else Feedback, object() if has_order("no_json") else "I goed"
        return [kind(heard, "I went", "Where?", "I went. Where?") for _ in batch]


@app.task(name="llm.answer")
@stage("llm", "tests.support.scripted_worker:Engine")
def answer(engine, batch, leases):
    return engine.answer(batch)


@app.task(name="llm.shout")
def shout(text):
    """A result of 300 kB, which goes through the pipe in parts."""
    raise RuntimeError(text * 300_000)


@worker_ready.connect
def watch_half_read_results(sender, **_):
    def lose_connection():
        if has_order("lose_connection") and any(each and isgenerator(each[0]) for each in sender.hub.readers.values()):
            (ORDERS / "lose_connection").unlink()
            raise ConnectionError

    sender.hub.on_tick.add(lose_connection)


@before_task_publish.connect
def hold_publishing(**_):
    if has_order("hold_publishing") and os.getpid() != os.getpgrp():  # in the child, which leads no group
        (ORDERS / "publishing").touch()
        wait_while_ordered("hold_publishing")


def log_size(worker, result):
    with (ORDERS / "result_sizes").open("a") as sizes:
        sizes.write(f"{len(pickle.dumps(result))}\n")
    return result


Worker.prepare_result = log_size


@worker_init.connect
def obey(sender, **_):
    def hang(*_):
        if has_order("deaf"):  # the event loop runs, but asks Redis for no more messages
            sender.hub.on_tick = {each for each in sender.hub.on_tick if not each.__module__.startswith("kombu")}
        elif has_order("numb"):  # and it gives none to its child
            sender.hub.on_tick.clear()
        elif has_order("blind"):  # and it reads none of its child's results
            for reader in sender.pool._pool._fileno_to_outq:
                sender.hub.remove_reader(reader)
        else:
            time.sleep(3600)

    signal.signal(signal.SIGUSR2, hang)
