"""A study plan in a job's JSON, and its erasure with the learner."""

import pytest
from flask.testing import FlaskClient

from api import create_app
from pipeline.jobs.plans import PlanDay, StudyPlan
from pipeline.jobs.results import Feedback
from pipeline.schemas import jobs as schemas
from tests.support.job_steps import run_stage

DAYS = (
    PlanDay(
        1,
        "mistake",
        10,
        {"en": "Say what you did.", "zh": "说说你做了什么。"},
        kind="R:VERB:TENSE",
        heard="I go fishing yesterday.",
        better="I went fishing yesterday.",
        prompt="Tell me what you did yesterday.",
    ),
    PlanDay(2, "words", 10, {"en": "Say it slowly: mouth.", "zh": "慢慢说：mouth。"}, words=("mouth",)),
    PlanDay(3, "revision", 10, {"en": "Do day 1 again.", "zh": "再练一次。"}, kind="R:VERB:TENSE", revised=1),
    PlanDay(4, "free_talk", 10, {"en": "Talk.", "zh": "聊聊。"}),
)
PLAN = StudyPlan(DAYS, 20, "en", "ledger", {"en": "Here is your plan.", "zh": "这是你的学习计划。"})
REQUEST = "Make me a study plan."
FEEDBACK = Feedback(REQUEST, REQUEST, "Here is your plan.", "Here is your plan.", explanation="Day 1 …", plan=PLAN)


@pytest.fixture
def client(redis, settings) -> FlaskClient:
    return create_app(settings).test_client()


def ask(client, jobs, feedback: Feedback) -> dict:
    """The job of a request that got this feedback, as its session shows it."""
    accepted = client.post("/v1/jobs", json={"text": feedback.heard, "session": "home"}).json
    run_stage(jobs, "llm", feedback)
    run_stage(jobs, "tts")
    assert client.get(f"/v1/jobs/{accepted['id']}").json == client.get("/v1/sessions/home").json["turns"][-1]
    return client.get(f"/v1/jobs/{accepted['id']}").json


def test_a_job_has_its_plan_as_a_list_of_days(client, jobs):
    job = ask(client, jobs, FEEDBACK)
    plan = job["plan"]
    assert (plan["minutes"], plan["asked_in"], plan["basis"]) == (20, "en", "ledger")
    assert plan["summary"] == {"en": "Here is your plan.", "zh": "这是你的学习计划。"}
    first, words, revision, talk = plan["days"]
    assert first == {
        "number": 1,
        "activity": "mistake",
        "minutes": 10,
        "task": {"en": "Say what you did.", "zh": "说说你做了什么。"},
        "kind": "R:VERB:TENSE",
        "words": [],
        "example": {"heard": "I go fishing yesterday.", "better": "I went fishing yesterday."},
        "prompt": "Tell me what you did yesterday.",
        "revises": None,
    }
    assert (words["words"], words["kind"], words["example"], words["prompt"]) == (["mouth"], None, None, None)
    assert (revision["revises"], revision["kind"]) == (1, "R:VERB:TENSE")
    assert (talk["activity"], talk["kind"]) == ("free_talk", None)
    assert "plan" not in job["feedback"]
    assert schemas.Job.model_validate(job).plan == schemas.StudyPlan.model_validate(plan)


def test_a_question_before_a_plan_is_named(client, jobs):
    feedback = Feedback(REQUEST, REQUEST, "How many?", "How many?", plan_question="minutes")
    job = ask(client, jobs, feedback)
    assert (job["plan"], job["feedback"]["plan_question"]) == (None, "minutes")


def test_other_turns_have_no_plan(client, jobs):
    job = ask(client, jobs, Feedback("I like dogs.", "I like dogs.", "Why?", "Why?", verdict="correct"))
    assert (job["plan"], job["feedback"]["plan_question"]) == (None, "")


def test_a_plan_is_erased_with_its_learner(client, jobs, redis):
    job = ask(client, jobs, FEEDBACK)
    assert client.delete("/v1/learners/session-home").json["records"] == 1
    assert client.get(f"/v1/jobs/{job['id']}").json["code"] == "erased"
    hashes = [redis.hgetall(key) for key in redis.scan_iter("*") if redis.type(key) == "hash"]
    assert "fishing" not in str(hashes)


def test_the_document_describes_a_plan(client):
    document = client.get("/openapi.json").json["components"]["schemas"]
    assert set(document["StudyPlan"]["properties"]) == {"days", "minutes", "summary", "asked_in", "basis"}
    assert "PlanDay" in document
