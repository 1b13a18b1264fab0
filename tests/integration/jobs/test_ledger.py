"""A job writes its learner's ledger once, in the script in which it succeeds; other versions and erasures follow."""

import dataclasses

import pytest

from pipeline.jobs.job import JobRequest
from pipeline.jobs.rerun import answer_as_said
from pipeline.jobs.results import Edit, Feedback, Transcript
from pipeline.jobs.store import Jobs
from pipeline.learners.store import Ledgers, entries_key, times_key
from tests.support.job_steps import ANSWER, OTHER, claim_job, make_job_request, run_stage

WENT = Edit("go", "went", (1, 2), "R:VERB:TENSE")
FEEDBACK = Feedback("I go home.", "I went home.", "", "", edits=(WENT,), verdict="corrected")
GO = Edit("goes", "go", (1, 2), "R:VERB:SVA")
OTHER_FEEDBACK = Feedback("I goes home.", "I go home.", "", "", edits=(GO,), verdict="corrected")
RIGHT = Feedback("I went home yesterday.", "I went home yesterday.", "", "", verdict="correct")


@pytest.fixture
def ledgers(jobs: Jobs) -> Ledgers:
    return Ledgers(jobs.redis, jobs.settings)


def kinds(ledgers: Ledgers, learner: str = "session-anna", tenant: str = "default") -> dict[str, int]:
    return {record.kind: record.count for record in ledgers.read(tenant, learner).kinds}


def answer(jobs: Jobs, request: JobRequest, feedback: Feedback = FEEDBACK) -> None:
    """Submit a job and work on all of its stages."""
    jobs.submit(request)
    if "asr" in request.stages:
        run_stage(jobs, "asr", Transcript(feedback.heard, "en", 1.0))
    run_stage(jobs, "llm", feedback)
    run_stage(jobs, "tts")


def typed(id_: str, **fields: object) -> JobRequest:
    return dataclasses.replace(make_job_request(id_, recording=False), **fields)


def test_a_job_that_succeeds_writes_its_entry(jobs, ledgers):
    jobs.submit(typed("a"))
    run_stage(jobs, "llm", FEEDBACK)
    assert kinds(ledgers) == {}  # it has not ended yet
    run_stage(jobs, "tts")
    assert kinds(ledgers) == {"R:VERB:TENSE": 1}


def test_a_result_that_is_committed_again_counts_once(jobs, ledgers):
    jobs.submit(typed("a"))
    run_stage(jobs, "llm", FEEDBACK)
    job = claim_job(jobs, "tts")
    for _ in range(3):  # the answer was lost on its way
        assert jobs.complete("tts", job, ANSWER)[0]
    assert kinds(ledgers) == {"R:VERB:TENSE": 1}


def test_a_job_that_ends_without_an_answer_writes_nothing(jobs, ledgers):
    jobs.submit(typed("a"))
    run_stage(jobs, "llm", FEEDBACK)
    jobs.cancel("default", "a")
    assert kinds(ledgers) == {}


def test_turns_add_up_and_tenants_are_apart(jobs, ledgers):
    answer(jobs, typed("a"))
    answer(jobs, typed("b"))
    answer(jobs, typed("c", tenant="other"))
    assert kinds(ledgers) == {"R:VERB:TENSE": 2}
    assert kinds(ledgers, tenant="other") == {"R:VERB:TENSE": 1}


def test_a_mended_transcript_replaces_what_the_first_version_gave(jobs, ledgers):
    answer(jobs, make_job_request("a"))
    answer_as_said(jobs, jobs.get("default", "a"), "I goes home.")
    run_stage(jobs, "llm", OTHER_FEEDBACK)
    assert kinds(ledgers) == {"R:VERB:TENSE": 1}  # until the new version has succeeded
    run_stage(jobs, "tts")
    assert kinds(ledgers) == {"R:VERB:SVA": 1}


def test_a_version_in_which_nothing_was_wrong_takes_the_mistake_away(jobs, ledgers, redis):
    answer(jobs, make_job_request("a"))
    answer_as_said(jobs, jobs.get("default", "a"), "Home.")
    run_stage(jobs, "llm", Feedback("Home.", "Home.", "", "", verdict="correct"))
    run_stage(jobs, "tts")
    assert kinds(ledgers) == {}
    assert not redis.exists(entries_key("default", "session-anna"), times_key("default", "session-anna"))


def rerun(jobs: Jobs, earlier: str, id_: str, stage: str = "llm") -> None:
    job = jobs.get("default", earlier)
    results = {"feedback": job.feedback} if stage == "tts" else {}
    jobs.rerun(job, dataclasses.replace(job.request, id=id_), stage, results)


def test_a_version_that_is_only_spoken_again_keeps_the_entry(jobs, ledgers):
    answer(jobs, typed("a"))
    rerun(jobs, "a", "b", "tts")
    run_stage(jobs, "tts")
    assert kinds(ledgers) == {"R:VERB:TENSE": 1}
    assert ledgers.read("default", "session-anna").kinds[0].examples[0].job == "b"


def test_an_earlier_version_that_ends_late_does_not_replace_a_later_one(jobs, ledgers):
    jobs.submit(typed("a"))
    run_stage(jobs, "llm", FEEDBACK)
    first = claim_job(jobs, "tts", OTHER)
    rerun(jobs, "a", "b")
    rerun(jobs, "b", "c")
    for feedback in (FEEDBACK, OTHER_FEEDBACK):
        run_stage(jobs, "llm", feedback)
    run_stage(jobs, "tts")
    run_stage(jobs, "tts")
    assert jobs.complete("tts", first, ANSWER)[0]
    assert kinds(ledgers) == {"R:VERB:SVA": 1}


def test_a_mistake_keeps_its_day_when_it_is_answered_again(jobs, ledgers):
    answer(jobs, typed("a"))
    first_seen = ledgers.read("default", "session-anna").kinds[0].first_seen
    rerun(jobs, "a", "b")
    run_stage(jobs, "llm", FEEDBACK)
    run_stage(jobs, "tts")
    assert ledgers.read("default", "session-anna").kinds[0].first_seen == first_seen


def test_a_teacher_s_changed_correction_counts(jobs, ledgers):
    jobs.submit(typed("a", hold=True))
    run_stage(jobs, "llm", FEEDBACK)
    jobs.review(jobs.get("default", "a"), OTHER_FEEDBACK, release=True)
    run_stage(jobs, "tts")
    assert kinds(ledgers) == {"R:VERB:SVA": 1}


def test_a_correction_that_a_teacher_takes_back_does_not_count(jobs, ledgers):
    jobs.submit(typed("a", hold=True))
    run_stage(jobs, "llm", FEEDBACK)
    jobs.review(jobs.get("default", "a"), RIGHT, release=True)
    run_stage(jobs, "tts")
    assert kinds(ledgers) == {}


def test_the_ledger_outlives_its_jobs(jobs, ledgers, redis):
    answer(jobs, typed("a", retention_h=1))
    redis.delete("waijiao:job:default/a")  # as it expires
    jobs.sweep({})
    assert kinds(ledgers) == {"R:VERB:TENSE": 1}
    days = redis.ttl(entries_key("default", "session-anna")) / 86_400
    assert 364 < days <= 365


def test_without_days_there_is_no_ledger(redis, settings):
    jobs = Jobs(redis, settings.model_copy(update={"ledger_days": 0}))
    answer(jobs, typed("a"))
    assert kinds(Ledgers(redis, settings)) == {}
    assert not redis.keys("waijiao:ledger*")


def test_old_entries_make_room_and_are_not_shown(jobs, ledgers, redis):
    answer(jobs, typed("a"))
    redis.zadd(times_key("default", "session-anna"), {"default/a": 1_000_000_000})
    assert kinds(ledgers) == {}
    answer(jobs, typed("b"))
    assert redis.hkeys(entries_key("default", "session-anna")) == ["default/b"]


def test_an_entry_that_cannot_be_read_hides_no_other(jobs, ledgers, redis):
    answer(jobs, typed("a"))
    answer(jobs, typed("b"))
    redis.hset(entries_key("default", "session-anna"), "default/a", "{")
    assert kinds(ledgers) == {"R:VERB:TENSE": 1}


# --- erasure -----------------------------------------------------------------------------------------------------


def test_an_erased_job_takes_its_entry_along(jobs, ledgers):
    answer(jobs, typed("a"))
    answer(jobs, typed("b", text="x"), OTHER_FEEDBACK)
    jobs.forget("default", "a")
    assert kinds(ledgers) == {"R:VERB:SVA": 1}


def test_an_erased_earlier_version_leaves_the_entry_of_the_later_one(jobs, ledgers):
    answer(jobs, typed("a"))
    rerun(jobs, "a", "b")
    run_stage(jobs, "llm", FEEDBACK)
    run_stage(jobs, "tts")
    jobs.forget("default", "a")
    assert kinds(ledgers) == {"R:VERB:TENSE": 1}
    jobs.forget("default", "b")
    assert kinds(ledgers) == {}


def test_a_job_whose_record_is_damaged_is_erased_with_its_entry(jobs, ledgers, redis):
    answer(jobs, typed("a"))
    redis.set("waijiao:children:default/a", "damaged")  # the orderly erasure fails on it
    jobs.forget("default", "a")
    assert not redis.keys("waijiao:ledger*")


def test_an_erased_session_takes_the_ledger_of_its_learner_along_also_what_its_jobs_left(jobs, redis):
    answer(jobs, typed("a"))
    redis.delete("waijiao:job:default/a")
    answer(jobs, typed("b"))
    jobs.erase("default", "anna")
    assert not redis.keys("waijiao:ledger*")


def test_a_ledger_is_erased_at_once(jobs, ledgers, redis):
    answer(jobs, typed("a"))
    assert ledgers.count("default", "session-anna") == 1
    ledgers.erase("default", "session-anna")
    assert ledgers.count("default", "session-anna") == 0
    assert not redis.keys("waijiao:ledger*")
