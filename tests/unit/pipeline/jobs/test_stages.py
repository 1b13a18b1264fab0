"""One table has a row for each stage of a job; the queues, tasks, results and states follow from it."""

import subprocess
import sys
from typing import get_args

import pytest

import celeryconfig
from pipeline.celery_app import TASKS
from pipeline.jobs.job import (
    MAINTENANCE,
    MODEL_STAGES,
    RESULT_FIELDS,
    STAGE_STATES,
    STAGES,
    STAGES_BY_TASK,
    ModelStage,
    StageName,
    State,
)
from pipeline.jobs.store import Result
from pipeline.schemas import jobs as job_schemas

worked = pytest.mark.parametrize("stage", [stage for stage in STAGES if stage.queue], ids=lambda stage: stage.name)


def test_the_types_name_the_stages_of_the_table_in_its_order():
    assert get_args(StageName) == tuple(stage.name for stage in STAGES)
    assert get_args(ModelStage) == MODEL_STAGES == ("asr", "llm", "tts")


@pytest.mark.parametrize("task", STAGES_BY_TASK)
def test_a_job_passes_its_stages_in_the_order_of_the_table(task):
    assert list(STAGES_BY_TASK[task]) == sorted(STAGES_BY_TASK[task], key=list(STAGE_STATES).index)


def test_every_task_and_state_is_one_that_the_api_documents():
    assert set(get_args(job_schemas.Task)) == set(STAGES_BY_TASK)
    assert get_args(job_schemas.State) == tuple(State)


def test_celery_has_the_queue_of_every_stage_and_that_of_maintenance():
    assert set(celeryconfig.QUEUES) == {stage.queue for stage in STAGES if stage.queue} | {MAINTENANCE}
    assert set(TASKS) == set(celeryconfig.QUEUES)


@worked
def test_a_stage_s_task_is_routed_to_its_queue_and_its_result_has_a_field_of_its_own(stage):
    assert stage.task.partition(".")[0] == stage.queue
    assert RESULT_FIELDS[stage.result] == stage.field


def test_every_result_has_a_field():
    assert set(get_args(Result)) == set(RESULT_FIELDS)
    assert len(set(RESULT_FIELDS.values())) == len(RESULT_FIELDS)


@pytest.mark.parametrize("queue", celeryconfig.QUEUES)
def test_the_worker_of_a_queue_has_the_task_that_its_messages_name(queue):
    script = f"from worker_{queue}.tasks import app; print(*app.tasks)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert TASKS[queue] in done.stdout.split()
