"""A real worker of the language model's queue; files in a folder tell its engine and event loop what to do.

hold: the engine works until this file is removed. no_model: it cannot be loaded. slow_load: it loads until this file is
removed. slow_fork: the child does nothing at all until this file is removed. exit, abort, leave: the child ends in one
of three ways while it loads. too_big, no_json: its result cannot be written.
SIGUSR2 makes the parent hang in one of three ways: deaf, numb, or stuck.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from celery.signals import worker_init

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


@worker_init.connect
def obey(sender, **_):
    def hang(*_):
        if has_order("deaf"):  # the event loop runs, but asks Redis for no more messages
            sender.hub.on_tick = {each for each in sender.hub.on_tick if not each.__module__.startswith("kombu")}
        elif has_order("numb"):  # and it gives none to its child
            sender.hub.on_tick.clear()
        else:
            time.sleep(3600)

    signal.signal(signal.SIGUSR2, hang)
