"""A real worker of the language model's queue; its engine and its event loop do what a test says by files in a folder.

hold: the engine works until it is gone. no_model: it cannot be loaded. slow_load: not until it is gone. too_big,
no_json: its result cannot be written. SIGUSR2 makes the parent catatonic: deaf, numb, or stuck.
"""

import os
import signal
import time
from pathlib import Path

from celery.signals import worker_init

from pipeline.celery_app import app
from pipeline.errors import ModelMissing
from pipeline.jobs.results import Feedback
from pipeline.worker.task import stage

ORDERS = Path(os.environ["WAIJIAO_HOME"]) / "orders"


def ordered(name: str) -> bool:
    return (ORDERS / name).exists()


class TooBig(Feedback):
    """Feedback that there is not enough memory to write."""

    def __getattribute__(self, name):
        if name in {"__dict__", "heard"}:
            raise MemoryError
        return super().__getattribute__(name)


class Engine:
    def __init__(self, settings):
        if ordered("no_model"):
            raise ModelMissing("The model is gone.")
        while ordered("slow_load"):
            (ORDERS / "loading").touch()
            time.sleep(0.02)

    def answer(self, batch):
        with (ORDERS / "ledger").open("a") as ledger:
            ledger.writelines(f"{job.id} {os.getpid()}\n" for job in batch)
        while ordered("hold"):
            time.sleep(0.02)
        kind, heard = TooBig if ordered("too_big") else Feedback, object() if ordered("no_json") else "I goed"
        return [kind(heard, "I went", "Where?", "I went. Where?") for _ in batch]


@app.task(name="llm.answer")
@stage("llm", "tests.support.scripted_worker:Engine")
def answer(engine, batch, leases):
    return engine.answer(batch)


@worker_init.connect
def obey(sender, **_):
    def become_catatonic(*_):
        if ordered("deaf"):  # the event loop turns, but asks Redis for no message any more
            sender.hub.on_tick = {each for each in sender.hub.on_tick if not each.__module__.startswith("kombu")}
        elif ordered("numb"):  # nor does it give any to its child
            sender.hub.on_tick.clear()
        else:
            time.sleep(3600)

    signal.signal(signal.SIGUSR2, become_catatonic)
