"""The Celery application, and how a stage is rung: a chain of immutable signatures that carry only a job's name."""

from collections.abc import Iterable

from celery import Celery, chain

from pipeline.jobs import Bell
from pipeline.record import STAGES
from pipeline.store import HURRIED

TASKS = {  # for a bell
    "asr": "asr.transcribe",
    "llm": "llm.answer",
    "tts": "tts.speak",
    "cut": "cut.cut",
    "chores": "chores.deliver",
}

app = Celery("waijiao")
app.config_from_object("celeryconfig")


def ring(bells: Iterable[Bell]) -> None:
    """Publish, for each bell, the chain of its stage and those after it. A lost message is rung again by the sweep."""
    for bell in bells:
        ahead = STAGES[STAGES.index(bell.stage) :] if bell.stage in STAGES else (bell.stage,)
        chain(*(app.signature(TASKS[stage], args=[bell.name], immutable=True) for stage in ahead)).apply_async()


def ring_in_a_hurry() -> None:
    """From now on, leave to the sweep what the broker does not take at once: in this process people wait."""
    app.conf.broker_transport_options = {
        **app.conf.broker_transport_options,
        "socket_connect_timeout": HURRIED.connect_s,
        "socket_timeout": HURRIED.answer_s,
    }
