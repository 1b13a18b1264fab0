"""One record that cannot be read stops nothing: not its batch mates, no list, no sweep, no erasure, no webhook."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from redis import Redis

from pipeline.errors import BrokenRecord, Erased, NewerRecord, UnknownJob, WaijiaoError
from pipeline.homework.assignments import Assignment, Assignments, Student
from pipeline.jobs.job import State
from pipeline.jobs.listing import list_jobs, turns
from pipeline.jobs.store import PREFIX, Jobs
from pipeline.lessons import build_turns, read_turn_jobs
from pipeline.webhooks.outbox import Deliveries, DeliveryLimits
from tests.integration.jobs.test_held_and_waiting import lesson, segment
from tests.support.job_steps import FEEDBACK, TRANSCRIPT, WORKER, make_job_request, run_stage

Damage = Callable[[Redis, str], None]
HOMEWORK = Assignment("hw", "default", "Homework", students=tuple(map(Student, "abc")))


def write(field: str, value: str | bytes) -> Damage:
    return lambda redis, key: redis.hset(key, field, value)


def remove(*fields: str) -> Damage:
    return lambda redis, key: redis.hdel(key, *fields)


def keep_only(*kept: str) -> Damage:
    return lambda redis, key: redis.hdel(key, *({*redis.hkeys(key)} - {*kept}))


def change_request(**fields: object) -> Damage:
    return lambda redis, key: redis.hset(
        key, "question", json.dumps({**json.loads(redis.hget(key, "question")), **fields})
    )


def become(kind: str) -> Damage:
    def damage(redis: Redis, key: str) -> None:
        redis.delete(key)
        {"list": redis.rpush, "set": redis.sadd, "string": redis.set}[kind](key, "x")

    return damage


DAMAGE: dict[str, Damage] = {
    "a request that is no JSON": write("question", "{"),
    "a request that is cut off": lambda redis, key: redis.hset(key, "question", redis.hget(key, "question")[:-20]),
    "a request of another type": write("question", "[1]"),
    "no request": remove("question"),
    "a task that is a number": change_request(task=5),
    "a session that is a list": change_request(session=["anna"]),
    "an unknown lane": change_request(lane="slow"),
    "no session": remove("session"),
    "no order": remove("score", "seq"),
    "no times": remove("created_at", "deadline_at", "ready_at"),
    "no retention": remove("retention"),
    "a fence that is no number": write("fence", "x"),
    "a version that is no number": write("version", "1.5"),
    "attempts that are no number": write("attempts:asr", "many"),
    "a time in the year 99999": write("created_at", "3093527980800"),
    "only its stages": keep_only("stages"),
    "only its stages and its stage": keep_only("stages", "stage"),
    "bytes that are no text": write("question", b'{"id": "\xff\xfe'),
    "a field that is no text": write("transcript", b"\xff\xfe"),
    "a list": become("list"),
    "a set": become("set"),
    "a string": become("string"),
}


@pytest.fixture(params=DAMAGE.values(), ids=DAMAGE.keys())
def damage(request) -> Damage:
    return request.param


def hand_in_three(jobs: Jobs, damage: Damage, session: str = "anna") -> None:
    """Jobs a, b and c for the assignment, of which b is damaged."""
    Assignments(jobs).put(HOMEWORK, replace=False)
    for name in "abc":
        job_request = replace(make_job_request(name, session=session or name), assignment="hw", student=name)
        jobs.submit(replace(job_request, webhook=f"http://{name}.example", webhook_events=("job.transcribed",)))
    damage(jobs.redis, f"{PREFIX}job:default/b")


def state_of(jobs: Jobs, name: str) -> str:
    try:
        return jobs.get("default", name).state
    except WaijiaoError as error:
        return error.code


def test_its_batch_mates_are_claimed_and_it_is_not(jobs, redis, damage):
    hand_in_three(jobs, damage)
    batch, _ = jobs.claim("asr", WORKER, 3)
    rest, _ = jobs.claim("asr", "another", 3)
    assert [(job.id, job.attempts) for job in [*batch, *rest]] == [("a", {"asr": 1}), ("c", {"asr": 1})]
    assert "default/b" not in redis.zrange(f"{PREFIX}leases", 0, -1)
    assert "default/b" not in redis.smembers(f"{PREFIX}leased:{WORKER}") | redis.smembers(f"{PREFIX}leased:another")
    assert all(jobs.complete("asr", job, TRANSCRIPT)[0] for job in [*batch, *rest])
    assert not redis.exists(f"{PREFIX}ready:asr")


def test_it_ends_as_failed_with_one_code(jobs, redis, damage):
    hand_in_three(jobs, damage)
    jobs.claim("asr", WORKER, 3)
    jobs.claim("asr", "another", 3)
    if redis.type(f"{PREFIX}job:default/b") == "hash" and redis.hexists(f"{PREFIX}job:default/b", "stages"):
        record = redis.hgetall(f"{PREFIX}job:default/b")
        assert json.loads(record["error"])["code"] == BrokenRecord.code
        assert (record["phase"], "ended_at" in record) == ("ended", True)
        assert redis.ttl(f"{PREFIX}job:default/b") > 0
    assert state_of(jobs, "b") in {BrokenRecord.code, State.FAILED, UnknownJob.code}


def test_lists_have_all_others(jobs, redis, damage):
    hand_in_three(jobs, damage)
    for index in ("jobs:default", "turns:default/anna", "work:default/hw", "unfinished:default"):
        listed = list_jobs(redis, index, lambda job: True, 10, None).jobs
        assert {"a", "c"} <= {job.id for job in listed} <= {"a", "b", "c"}
    assert {"a", "c"} <= {job.id for job in turns(redis, "default", "anna")}
    assert {"a", "c"} <= Assignments(jobs).get("default", "hw").jobs.keys()


@pytest.mark.parametrize("when", ["ready", "running"])
def test_the_sweep_goes_on(redis, settings, damage, when):
    jobs = Jobs(redis, settings.model_copy(update={"lease_s": 0, "deadline_s": 0 if when == "ready" else 9}))
    hand_in_three(jobs, lambda redis, key: None)
    if when == "running":
        jobs.claim("asr", WORKER, 3)
    damage(redis, f"{PREFIX}job:default/b")
    jobs.sweep({"asr": "queue"})
    for index in ("leases", "deadlines") if when == "ready" else ("leases",):
        assert redis.zcard(PREFIX + index) == 0, index
    if when == "ready":
        assert [jobs.get("default", name).state for name in "ac"] == [State.EXPIRED] * 2


@pytest.mark.parametrize("when", ["ready", "running", "claimed again"])
@pytest.mark.parametrize("what", ["session", "assignment"])
def test_it_is_erased_with_its_session_and_its_assignment(jobs, redis, damage, what, when):
    hand_in_three(jobs, lambda redis, key: None)
    if when != "ready":
        jobs.claim("asr", WORKER, 3)
    damage(redis, f"{PREFIX}job:default/b")
    if when == "claimed again":
        jobs.claim("asr", WORKER, 3)
    erased = jobs.erase("default", "anna") if what == "session" else Assignments(jobs).erase("default", "hw")
    assert erased == ["default/a", "default/b", "default/c"]
    for name in "abc":
        with pytest.raises(Erased):
            jobs.get("default", name)
    for index in ("jobs:default", "ready:asr", "deadlines", "leases", "unfinished:default"):
        assert not redis.exists(PREFIX + index), index


def test_it_is_erased_alone(jobs, redis, damage):
    hand_in_three(jobs, damage)
    jobs.end_unreadable("default", "b")
    jobs.forget("default", "b")
    with pytest.raises(Erased):
        jobs.get("default", "b")
    assert [job.id for job in jobs.claim("asr", WORKER, 3)[0]] == ["a", "c"]


def test_the_webhooks_of_others_are_delivered(jobs, redis, damage):
    hand_in_three(jobs, lambda redis, key: None)
    for _ in "abc":
        run_stage(jobs, "asr")
    damage(redis, f"{PREFIX}job:default/b")
    claimed = Deliveries(jobs).claim(DeliveryLimits(9, 9, 9), [], 9)
    assert {"a", "c"} <= {delivery.job_id for delivery in claimed}


def test_its_lesson_is_shown_without_it(jobs, redis, damage):
    lesson(jobs)
    segment(jobs)
    for number in (1, 2):
        change_request(details={"number": number, "start": 0, "end": 1, "speaker": "left"})(
            redis, f"{PREFIX}job:default/lesson-{number}"
        )
    damage(redis, f"{PREFIX}job:default/lesson-1")
    whole = jobs.get("default", "lesson")
    assert 2 in [turn.number for turn in build_turns(read_turn_jobs(redis, whole))]
    jobs.cancel("default", "lesson")
    assert jobs.get("default", "lesson").state == State.CANCELED


@pytest.mark.parametrize("details", [{}, {"number": "x"}, {"number": 1, "start": None, "end": 2, "speaker": "left"}])
def test_a_lesson_is_shown_without_a_turn_whose_details_are_broken(jobs, redis, details):
    lesson(jobs)
    segment(jobs)
    change_request(details={"number": 2, "start": 0, "end": 1, "speaker": "left"})(
        redis, f"{PREFIX}job:default/lesson-2"
    )
    change_request(details=details)(redis, f"{PREFIX}job:default/lesson-1")
    assert [turn.number for turn in build_turns(read_turn_jobs(redis, jobs.get("default", "lesson")))] == [2]


ASSIGNMENT_DAMAGE: dict[str, Damage] = {
    "no JSON": write("assignment", "{"),
    "no text": write("assignment", b'{"id": "\xff'),
    "students that are a number": write(
        "assignment", json.dumps({"id": "b", "tenant": "default", "title": "", "students": 5})
    ),
    "no field": remove("assignment"),
    "no time": remove("created_at"),
    "a list": become("list"),
    "a string": become("string"),
}


@pytest.mark.parametrize("damage", ASSIGNMENT_DAMAGE.values(), ids=ASSIGNMENT_DAMAGE.keys())
def test_an_assignment_that_cannot_be_read_hides_no_other_and_can_be_erased(jobs, redis, damage):
    assignments = Assignments(jobs)
    for id_ in "abc":
        assignments.put(replace(HOMEWORK, id=id_), replace=False)
        jobs.submit(replace(make_job_request(id_, session=id_), assignment=id_, student="a"))
    damage(redis, f"{PREFIX}assignment:default/b")
    assert {each.id for each in assignments.all("default")} == {"a", "c"}
    for _ in "abc":
        run_stage(jobs, "asr")
    for stage in ("llm", "tts"):
        for _ in "abc":
            run_stage(jobs, stage)
    assert assignments.erase("default", "b") == ["default/b"]
    assert not redis.exists(f"{PREFIX}assignment:default/b")


@pytest.mark.parametrize("first", [0, 1])
def test_a_record_of_a_newer_version_is_left_to_workers_of_that_version(jobs, redis, first):
    for name in "abcd":
        jobs.submit(make_job_request(name, session=name))
    for name in "ac" if first == 0 else "bc":
        redis.hset(f"{PREFIX}job:default/{name}", "format", 2)
    before = {name: redis.hgetall(f"{PREFIX}job:default/{name}") for name in "abcd"}
    claimed = [job.id for job in jobs.claim("asr", WORKER, 9)[0] + jobs.claim("asr", "another", 9)[0]]
    assert claimed == (["b", "d"] if first == 0 else ["a", "d"])
    for name in {*"abcd"} - {*claimed}:
        assert redis.hgetall(f"{PREFIX}job:default/{name}") == before[name]
        assert redis.zscore(f"{PREFIX}ready:asr", f"default/{name}")
        with pytest.raises(NewerRecord):
            jobs.get("default", name)
    assert len(list_jobs(redis, "jobs:default", lambda job: True, 9, None).jobs) == 2


@pytest.mark.parametrize(
    "damage",
    [write("tried", "x"), remove("tried"), remove("host"), write("attempt:0", "{"), become("list"), become("string")],
)
def test_a_delivery_that_cannot_be_read_stops_no_other(jobs, redis, damage):
    hand_in_three(jobs, lambda redis, key: None)
    for _ in "abc":
        run_stage(jobs, "asr")
    damage(redis, f"{PREFIX}delivery:default/b/job.transcribed")
    assert {"a", "c"} <= {delivery.job_id for delivery in Deliveries(jobs).claim(DeliveryLimits(9, 9, 9), [], 9)}
    for name in "abc":
        Deliveries(jobs).list_for_job(jobs.get("default", name))


@pytest.mark.parametrize("where", ["before it", "after it"])
def test_the_other_turns_of_its_session_are_answered(jobs, redis, damage, where):
    names = ["b", "a", "c"] if where == "before it" else ["a", "b", "c"]
    for name in names:
        jobs.submit(make_job_request(name))
        run_stage(jobs, "asr")
    damage(redis, f"{PREFIX}job:default/b")
    answered = []
    for _ in range(6):
        jobs.sweep({})
        for job in jobs.claim("llm", WORKER, 1)[0]:
            answered.append(job.id)
            assert jobs.complete("llm", job, FEEDBACK)[0]
    assert [name for name in answered if name != "b"] == ["a", "c"]
