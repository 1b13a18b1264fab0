"""Homework while processes die: submitted once, held until released, notified when complete, erased at the end."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from pipeline.jobs.store import PREFIX, STARVATION_S
from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.homework import STUDENTS, Homework, assign
from tests.faults.harness.invariants import list_blobs
from tests.faults.harness.lesson import make_lesson_recording, submit_lesson
from tests.support.wait import wait_for
from tests.support.webhook_receiver import run_receiver

PLAN = Plan(
    workers={"asr": 1, "llm": 1, "tts": 1, "segment": 1, "maintenance": 1},
    settings={"lease_s": 5, "stage_s": 60, "llm_batch": 1, "webhook_networks": "127.0.0.0/8", "webhook_s": 3},
)
TWO = [{"name": "Ann"}, {"name": "Ben"}]
ONCE = [1] * len(STUDENTS)


@pytest.fixture
def receiver():
    with run_receiver() as receiver:
        yield receiver


# --- submitted


@pytest.mark.parametrize("point", ["after_submit", "before_submit", "in_blob"])
def test_recordings_not_accepted_by_a_dead_api_are_accepted_when_all_are_sent_again(cluster, orders, point):
    homework = assign(cluster, f"cut-off-{point}".replace("_", "-"))
    orders.give("api", point, "slow 0", times=3)
    orders.give("api", point, "die")
    cluster.keep_alive()
    with pytest.raises(httpx.TransportError):
        homework.post_submissions(*STUDENTS)
    cluster.wait_until_up("api1")
    result = homework.hand_in(*STUDENTS)
    accepted_count = 4 if point == "after_submit" else 3
    assert [each["student"] for each in result["unchanged"]] == [*STUDENTS[:accepted_count]]
    assert [each["student"] for each in result["accepted"]] == [*STUDENTS[accepted_count:]]
    homework.expect_success()
    assert [homework.count_runs(kind) for kind in ("asr", "llm", "tts")] == [ONCE, ONCE, ONCE]


def test_submitting_the_same_class_twice_at_once_makes_each_job_once(cluster):
    homework = assign(cluster, "both")
    for student in STUDENTS:
        homework.utterances[student] = cluster.client.new_utterance()
    with ThreadPoolExecutor(2) as teachers:
        results = [*teachers.map(lambda _: homework.hand_in(*STUDENTS), range(2))]
    jobs = {each["job"] for one in results for kind in ("accepted", "unchanged") for each in one[kind]}
    assert sum(len(each["accepted"]) for each in results) == len(jobs) == len(STUDENTS)
    homework.expect_success()
    assert homework.count_runs("asr") == ONCE


def test_another_recording_replaces_one_that_is_being_transcribed(cluster, client, orders):
    homework = assign(cluster, "better")
    orders.give("asr", client.new_utterance() + 1, "wait")
    first = homework.hand_in("Ann")["accepted"][0]["job"]
    wait_for(lambda: orders.was_met(homework.utterances["Ann"]))
    del homework.utterances["Ann"]
    second = homework.hand_in("Ann")["accepted"][0]["job"]
    orders.withdraw()
    assert client.wait_until_ended(first)["error"]["code"] == "canceled"
    assert homework.expect_success()["Ann"]["id"] == second


# --- held


@pytest.mark.parametrize(("kind", "point", "attempts"), [("llm", "before_complete", 2), ("llm", "after_complete", 1)])
def test_an_answer_is_held_whatever_died_before(cluster, client, orders, kind, point, attempts):
    homework = assign(cluster, f"held-{point}".replace("_", "-"), hold=True)
    orders.give(kind, point, "die")
    homework.hand_in("Ann")
    wait_for(lambda: homework.fetch()["progress"]["held"] == 1)
    job = homework.job_ids["Ann"]
    assert client.get_job(job)["attempts"] == {"asr": 1, "llm": attempts}
    assert client.ask("POST", f"{homework.path}/release").json()["jobs"] == [job]
    homework.expect_success()


@pytest.mark.parametrize(
    ("kind", "point"), [("api", "after_review"), ("tts", "after_blob"), ("tts", "before_complete")]
)
def test_a_released_answer_is_spoken_whatever_dies_afterwards(cluster, client, orders, kind, point):
    homework, job = hand_in_for_review(cluster, f"released-{kind}-{point}".replace("_", "-"))
    orders.give(kind, point, "die")
    cluster.keep_alive()
    try:
        assert client.ask("POST", f"/v1/jobs/{job}/release").status_code == 202
    except httpx.TransportError:
        assert kind == "api"
        cluster.wait_until_up("api1")
    homework.expect_success()
    assert client.ask("POST", f"/v1/jobs/{job}/release").status_code == 409
    assert homework.count_runs("llm") == [1]


def test_an_answer_released_twice_at_once_is_spoken_once(cluster, client):
    homework, job = hand_in_for_review(cluster, "twice")
    with ThreadPoolExecutor(4) as teachers:
        answers = teachers.map(lambda _: client.ask("POST", f"/v1/jobs/{job}/release").status_code, range(4))
        assert sorted(answers) == [202, 409, 409, 409]
    homework.expect_success()
    assert homework.count_runs("tts") == [1]


# --- complete


def test_the_completion_of_a_class_is_notified_under_one_id_whatever_dies(cluster, client, orders, receiver):
    receiver.hangs.set()
    homework = assign(cluster, "complete", students=TWO, webhook=receiver.url)
    homework.hand_in("Ann")
    homework.expect_success()
    assert receiver.requests == []
    for point in ("before_complete", "after_complete"):
        orders.give("tts", point, "die")
    homework.hand_in("Ben")
    wait_for(lambda: receiver.requests)
    cluster["maintenance1"].kill()
    receiver.hangs.clear()
    cluster.start("maintenance1")
    wait_for(lambda: len(receiver.requests) == 2)
    homework.expect_success()
    del homework.utterances["Ann"]
    homework.hand_in("Ann")
    wait_for(lambda: len(receiver.requests) == 3)
    first, again, second = (each.id for each in receiver.requests)
    assert first == again != second
    homework.expect_success()


# --- erased


def test_an_assignment_that_is_erased_while_its_jobs_run_leaves_nothing(cluster, client, orders):
    homework = assign(cluster, "erased", hold=True)
    homework.hand_in("Ann")
    wait_for(lambda: homework.fetch()["progress"]["held"] == 1)
    for student, kind in (("Ben", "llm"), ("Carl", "asr")):
        homework.utterances[student] = client.new_utterance()
        orders.give(kind, homework.utterances[student], "wait")
        homework.hand_in(student)
        wait_for(lambda turn=homework.utterances[student]: orders.was_met(turn))
    homework.hand_in("Dora")
    jobs = homework.job_ids
    assert client.ask("DELETE", homework.path).status_code == 204
    orders.withdraw()
    client.expect_success(client.submit())  # by the workers whose late results were refused
    assert [client.ask("GET", f"/v1/jobs/{job}").status_code for job in jobs.values()] == [410] * 4
    assert [path for path in list_blobs(cluster) if path.parent.name in jobs.values()] == []
    assert [*cluster.redis.scan_iter(f"{PREFIX}*:default/erased")] == []
    assert homework.count_runs("tts") == [0] * 4


# --- lanes


def test_a_conversation_waits_at_no_stage_for_a_class_or_a_lesson(cluster, client, orders):
    stopped_at = ("asr", "llm", "tts")
    stopped = {kind: cluster.submit_and_hold(kind) for kind in reversed(stopped_at)}
    lesson, homework = submit_lesson(cluster), assign(cluster, "many", students=[])
    wait_for(lambda: lesson.job.stage == "parts")
    students = [f"Pupil {number}" for number in range(20)]
    homework.hand_in(*students)
    talking = []
    for kind, following in zip(stopped_at, ("llm", "tts", None), strict=True):
        talking.append(client.submit())
        wait_for(lambda stage=kind: is_waiting_at(cluster, stage, talking[-1].id))
        orders.withdraw(stopped[kind].utterance)
        wait_for(
            lambda stage=following: (
                not stage or all(is_waiting_at(cluster, stage, id_) for id_ in homework.job_ids.values())
            )
        )
    for turn in (*stopped.values(), *talking):
        client.expect_success(turn)
    homework.expect_success()
    lesson.expect_success()
    for number, kind in enumerate(stopped_at, 1):
        order = list_begun(cluster, kind, after=stopped[kind].utterance)
        first, class_, turns = (
            [order.index(utterance) for utterance in some if utterance in order]
            for some in (
                [turn.utterance for turn in talking[:number]],
                homework.utterances.values(),
                make_lesson_recording().utterances,
            )
        )
        assert max(first) < min(class_), kind
        assert max(class_) < min(turns, default=99), kind  # no answer is spoken


def test_a_lesson_that_waited_long_is_served_next(cluster, client, orders):
    stopped, lesson = cluster.submit_and_hold("asr"), submit_lesson(cluster)
    wait_for(lambda: lesson.job.stage == "parts")
    talking = [client.submit() for _ in range(5)]
    cluster.redis.hset(f"{PREFIX}served:asr", "bulk", time.time() - STARVATION_S - 1)
    orders.withdraw(stopped.utterance)
    for turn in talking:
        client.expect_success(turn)
    lesson.expect_success()
    first, *then = list_begun(cluster, "asr", after=stopped.utterance)
    assert (first, then[:5]) == (make_lesson_recording().utterances[0], [turn.utterance for turn in talking])


def hand_in_for_review(cluster, id_: str) -> tuple[Homework, str]:
    """Homework whose one answer waits for the teacher, and its job."""
    homework = assign(cluster, id_, hold=True)
    homework.hand_in("Ann")
    wait_for(lambda: homework.fetch()["progress"]["held"] == 1)
    return homework, homework.job_ids["Ann"]


def is_waiting_at(cluster, stage: str, id_: str) -> bool:
    return cluster.redis.zscore(f"{PREFIX}ready:{stage}", f"default/{id_}") is not None


def list_begun(cluster, kind: str, after: int) -> list[int]:
    """The utterances that an engine of this kind began on after that one, in order."""
    all_ = [
        int(each["utterance"].removeprefix("canary")) for each in cluster.orders.read_ledger() if each["what"] == kind
    ]
    return all_[all_.index(after) + 1 :]
