"""A product worker that obeys orders.

Run with: celery -A tests.faults.harness.injected.worker worker -Q asr -n asr1@%h
"""

import os
from importlib import import_module

from celery.signals import worker_process_init

from tests.faults.harness.injected import crash_points
from tests.faults.harness.injected.orders import KIND, log_event
from tests.support.scripted_checker import ScriptedChecker

ENGINES = {"asr": "ScriptedRecogniser", "llm": "ScriptedTeacher", "tts": "ScriptedSpeaker"}

app = import_module(f"worker_{KIND}.tasks").app
if KIND in ENGINES:
    import_module(f"worker_{KIND}.engine").ENGINES["scripted"] = (
        f"tests.faults.harness.injected.engines:{ENGINES[KIND]}"
    )
if KIND == "llm":  # before the responder, which takes it from there, is imported
    import_module("worker_llm.grammar.corrector").load_checker = lambda settings: ScriptedChecker()

app.conf.broker_transport_options["unacked_restore_interval"] = 0.5
if visibility_s := os.environ.get("FAULTS_VISIBILITY_S"):
    app.conf.broker_transport_options["visibility_timeout"] = float(visibility_s)
app.conf.task_time_limit = app.conf.task_soft_time_limit + 1
crash_points.install()
if KIND == "segment":  # on a busy machine it would come to nothing before its lease ends
    worker_process_init.disconnect(import_module("worker_segment.tasks").lower_priority)


@worker_process_init.connect(weak=False)
def log_that_the_segmenter_has_loaded(**_: object) -> None:
    """After the product's own receiver, which loads it; the scripted engines say so themselves."""
    if KIND == "segment":
        log_event("loaded")
