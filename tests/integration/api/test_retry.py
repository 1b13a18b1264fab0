"""A dead job, one that failed through no fault of its own, is listed and can be tried again as a new job."""

import io

import pytest

from pipeline.blob_store import FolderBlobs
from pipeline.errors import BadAudio, Erased, NotDead, UnknownJob
from pipeline.jobs.job import Job, JobRequest, State
from pipeline.jobs.listing import list_jobs, turns
from pipeline.jobs.rerun import retry
from tests.support.job_steps import (
    FEEDBACK,
    RESULTS,
    TRANSCRIPT,
    WORKER,
    claim_job,
    let_job_die,
    make_job_request,
    reach,
    run_stage,
)


@pytest.fixture
def blobs(settings) -> FolderBlobs:
    return FolderBlobs(settings.blobs_folder)


@pytest.fixture
def make_request_with_recording(blobs):
    """Makes a request whose recording is in the blob store."""

    def make(id_: str, session: str = "anna") -> JobRequest:
        blob = blobs.put(f"default/{id_}", io.BytesIO(b"a recording"))
        return JobRequest(id_, session, recording=blob.name, text="hi")

    return make


def expire_job(jobs, name: str) -> None:
    jobs.redis.zadd("waijiao:deadlines", {name: 0})
    jobs.sweep({"asr": "queue"})


def kill_job_at(jobs, stage: str) -> Job:
    """Make the next job dead at `stage`."""
    job = reach(jobs, stage)
    jobs.release(WORKER)
    let_job_die(jobs, stage)
    return jobs.get(*job.name.split("/"))


@pytest.mark.parametrize("stage", RESULTS)
def test_a_retry_continues_at_the_stage_that_failed_with_earlier_results(
    jobs, blobs, make_request_with_recording, stage
):
    jobs.submit(make_request_with_recording("a"))
    dead_job = kill_job_at(jobs, stage)
    accepted = retry(jobs, blobs, "default", "a")
    assert [(ready_job.stage, ready_job.name) for ready_job in accepted.ready_jobs] == [(stage, accepted.job.name)]
    assert (accepted.job.transcript, accepted.job.feedback) == (dead_job.transcript, dead_job.feedback)
    for left in list(RESULTS)[list(RESULTS).index(stage) :]:
        run_stage(jobs, left)
    answered = jobs.get("default", accepted.job.id)
    assert (answered.state, answered.transcript, answered.feedback) == (State.SUCCEEDED, TRANSCRIPT, FEEDBACK)
    assert (answered.retry_of, jobs.get("default", "a").retried_as) == ("a", answered.id)
    assert set(answered.attempts) == set(list(RESULTS)[list(RESULTS).index(stage) :])


def test_only_a_job_that_failed_in_recognition_gets_a_copy_of_its_recording(jobs, blobs, make_request_with_recording):
    jobs.submit(make_request_with_recording("heard"))
    kill_job_at(jobs, "llm")
    assert not retry(jobs, blobs, "default", "heard").job.request.recording
    jobs.submit(make_request_with_recording("unheard"))
    dead_job = kill_job_at(jobs, "asr")
    copy = retry(jobs, blobs, "default", "unheard").job
    blobs.delete(dead_job.request.recording)
    with blobs.open(copy.request.recording) as recording:
        assert recording.read() == b"a recording"
    assert copy.request.recording.startswith(copy.name)


def test_a_job_that_was_retried_does_not_change(jobs, blobs, make_request_with_recording):
    jobs.submit(make_request_with_recording("a"))
    dead_job = kill_job_at(jobs, "asr")
    retry(jobs, blobs, "default", "a")
    after = jobs.get("default", "a")
    assert (after.state, after.error, after.ended_at) == (
        dead_job.state,
        dead_job.error,
        dead_job.ended_at,
    )


def test_a_repeated_retry_is_the_same_new_job(jobs, blobs, make_request_with_recording):
    jobs.submit(make_request_with_recording("a"))
    dead_job = kill_job_at(jobs, "asr")
    first = retry(jobs, blobs, "default", "a")
    second = retry(jobs, blobs, "default", "a")
    race = jobs.retry(
        dead_job, make_request_with_recording("b")
    )  # another process that had read the record before it was retried
    assert [(each.earlier, each.job.id) for each in (second, race)] == 2 * [(True, first.job.id)]
    assert (second.ready_jobs, race.ready_jobs) == ([], [])
    with pytest.raises(UnknownJob):
        jobs.get("default", "b")


def test_a_job_that_dies_again_is_retried_again(jobs, blobs, make_request_with_recording):
    jobs.submit(make_request_with_recording("a"))
    kill_job_at(jobs, "asr")
    second = retry(jobs, blobs, "default", "a").job
    assert kill_job_at(jobs, "asr").id == second.id
    assert retry(jobs, blobs, "default", "a").job.id == second.id
    third = retry(jobs, blobs, "default", second.id).job
    assert third.id not in {"a", second.id}
    assert run_stage(jobs, "asr")[0] == third.name


def test_unfinished_answered_refused_and_canceled_jobs_are_not_retried(jobs, blobs, make_request_with_recording):
    for name in ("answered", "refused", "canceled", "alive"):
        jobs.submit(make_request_with_recording(name, session=name))
    for stage in RESULTS:
        run_stage(jobs, stage)
    jobs.fail("asr", claim_job(jobs, "asr"), BadAudio(), again=False)
    jobs.cancel("default", "canceled")
    for name in ("answered", "refused", "canceled", "alive"):
        with pytest.raises(NotDead):
            retry(jobs, blobs, "default", name)
    assert jobs.waiting() == {"asr": 1, "llm": 0, "tts": 0}


def test_a_job_whose_recording_is_gone_is_not_retried(jobs, blobs, make_request_with_recording):
    jobs.submit(make_request_with_recording("a"))
    dead_job = kill_job_at(jobs, "asr")
    blobs.delete(dead_job.request.recording)
    with pytest.raises(NotDead):
        retry(jobs, blobs, "default", "a")
    assert jobs.get("default", "a").dead


def test_an_erased_job_is_not_retried(jobs, blobs, make_request_with_recording):
    jobs.submit(make_request_with_recording("a"))
    dead_job = kill_job_at(jobs, "asr")
    jobs.forget("default", "a")
    with pytest.raises(Erased):
        retry(jobs, blobs, "default", "a")
    with pytest.raises(NotDead):  # another process that had read the record before it was erased
        jobs.retry(dead_job, make_request_with_recording("b"))


def test_an_expired_job_can_be_retried(jobs, blobs, make_request_with_recording):
    jobs.submit(make_request_with_recording("a"))
    expire_job(jobs, "default/a")
    expired = jobs.get("default", "a")
    assert (expired.state, expired.dead) == (State.EXPIRED, True)
    again = retry(jobs, blobs, "default", "a").job
    assert (again.state, again.deadline_at > expired.deadline_at) == (State.QUEUED, True)


def test_the_history_shows_a_retried_turn_once_where_it_was_accepted_again(
    jobs, redis, blobs, make_request_with_recording
):
    jobs.submit(make_request_with_recording("a"))
    jobs.submit(make_job_request("b", recording=False))
    kill_job_at(jobs, "asr")
    run_stage(jobs, "llm")
    assert [job.id for job in turns(redis, "default", "anna")] == ["a", "b"]
    again = retry(jobs, blobs, "default", "a").job
    assert [job.id for job in turns(redis, "default", "anna")] == ["b", again.id]


def list_dead_jobs(jobs, tenant: str, most: int) -> list[Job]:
    return list_jobs(jobs.redis, f"dead:{tenant}", lambda job: job.dead, most, None).jobs


def test_dead_jobs_are_listed_newest_first_for_each_tenant(jobs):
    for number, tenant in enumerate(("north", "south", "north", "north")):
        jobs.submit(make_job_request(str(number), session=str(number), tenant=tenant))
        let_job_die(jobs, "asr")
    assert [job.id for job in list_dead_jobs(jobs, "north", 9)] == ["3", "2", "0"]
    assert [job.id for job in list_dead_jobs(jobs, "north", 2)] == ["3", "2"]
    assert [job.id for job in list_dead_jobs(jobs, "south", 9)] == ["1"]
    assert list_dead_jobs(jobs, "default", 9) == []


def test_a_dead_job_leaves_the_list_when_it_is_retried_forgotten_or_erased(jobs, blobs, make_request_with_recording):
    for name in ("retried", "forgotten", "erased", "left"):
        jobs.submit(make_request_with_recording(name, session=name))
        let_job_die(jobs, "asr")
    retry(jobs, blobs, "default", "retried")
    jobs.forget("default", "forgotten")
    jobs.erase("default", "erased")
    assert [job.id for job in list_dead_jobs(jobs, "default", 9)] == ["left"]


def test_the_list_of_dead_jobs_drops_expired_records(jobs, redis):
    redis.zadd("waijiao:dead:default", {"default/long-ago": 1})
    jobs.submit(make_job_request("a"))
    let_job_die(jobs, "asr")
    assert redis.zrange("waijiao:dead:default", 0, -1) == ["default/a"]
