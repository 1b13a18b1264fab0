"""Homework in a house where things die: handed in once, held until released, told when complete, gone when erased."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from pipeline.jobs.store import PREFIX, STARVATION_S
from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.homework import STUDENTS, Homework, assign
from tests.faults.harness.invariants import stored
from tests.faults.harness.lesson import leave, talk
from tests.support.wait import wait_for
from tests.support.webhook_receiver import receiving

PLAN = Plan(
    workers={"asr": 1, "llm": 1, "tts": 1, "segment": 1, "maintenance": 1},
    settings={"lease_s": 5, "stage_s": 60, "llm_batch": 1, "webhook_networks": "127.0.0.0/8", "webhook_s": 3},
)
TWO = [{"name": "Ann"}, {"name": "Ben"}]
ONCE = [1] * len(STUDENTS)


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


# --- handed in


@pytest.mark.parametrize("place", ["after_submit", "before_submit", "in_blob"])
def test_what_an_api_had_not_taken_when_it_died_is_taken_when_all_is_sent_again(house, orders, place):
    homework = assign(house, f"cut-off-{place}".replace("_", "-"))
    orders.give("api", place, "slow 0", times=3)
    orders.give("api", place, "die")
    house.keep_alive()
    with pytest.raises(httpx.TransportError):
        homework.send(*STUDENTS)
    house.until_up("api1")
    told = homework.hand_in(*STUDENTS)
    taken = 4 if place == "after_submit" else 3
    assert [each["student"] for each in told["unchanged"]] == [*STUDENTS[:taken]]
    assert [each["student"] for each in told["accepted"]] == [*STUDENTS[taken:]]
    homework.succeeded()
    assert [homework.runs(kind) for kind in ("asr", "llm", "tts")] == [ONCE, ONCE, ONCE]


def test_two_who_hand_in_the_same_class_at_once_make_each_job_once(house):
    homework = assign(house, "both")
    for student in STUDENTS:
        homework.says[student] = house.client.utterance()
    with ThreadPoolExecutor(2) as teachers:
        told = [*teachers.map(lambda _: homework.hand_in(*STUDENTS), range(2))]
    jobs = {each["job"] for one in told for kind in ("accepted", "unchanged") for each in one[kind]}
    assert sum(len(each["accepted"]) for each in told) == len(jobs) == len(STUDENTS)
    homework.succeeded()
    assert homework.runs("asr") == ONCE


def test_another_recording_takes_the_place_of_one_that_is_being_heard(house, client, orders):
    homework = assign(house, "better")
    orders.give("asr", client.utterance() + 1, "wait")
    first = homework.hand_in("Ann")["accepted"][0]["job"]
    wait_for(lambda: orders.obeyed(homework.says["Ann"]))
    del homework.says["Ann"]
    second = homework.hand_in("Ann")["accepted"][0]["job"]
    orders.withdraw()
    assert client.ended(first)["error"]["code"] == "canceled"
    assert homework.succeeded()["Ann"]["id"] == second


# --- held


@pytest.mark.parametrize(("kind", "place", "attempts"), [("llm", "before_complete", 2), ("llm", "after_complete", 1)])
def test_an_answer_is_held_whatever_died_before(house, client, orders, kind, place, attempts):
    homework = assign(house, f"held-{place}".replace("_", "-"), hold=True)
    orders.give(kind, place, "die")
    homework.hand_in("Ann")
    wait_for(lambda: homework.shown["progress"]["held"] == 1)
    job = homework.ids["Ann"]
    assert client.job(job)["attempts"] == {"asr": 1, "llm": attempts}
    assert client.ask("POST", f"{homework.place}/release").json()["jobs"] == [job]
    homework.succeeded()


@pytest.mark.parametrize(
    ("kind", "place"), [("api", "after_review"), ("tts", "after_blob"), ("tts", "before_complete")]
)
def test_what_a_teacher_released_is_spoken_whatever_dies_then(house, client, orders, kind, place):
    homework, job = held(house, f"released-{kind}-{place}".replace("_", "-"))
    orders.give(kind, place, "die")
    house.keep_alive()
    try:
        assert client.ask("POST", f"/v1/jobs/{job}/release").status_code == 202
    except httpx.TransportError:
        assert kind == "api"
        house.until_up("api1")
    homework.succeeded()
    assert client.ask("POST", f"/v1/jobs/{job}/release").status_code == 409
    assert homework.runs("llm") == [1]


def test_what_two_teachers_release_at_once_is_spoken_once(house, client):
    homework, job = held(house, "twice")
    with ThreadPoolExecutor(4) as teachers:
        answers = teachers.map(lambda _: client.ask("POST", f"/v1/jobs/{job}/release").status_code, range(4))
        assert sorted(answers) == [202, 409, 409, 409]
    homework.succeeded()
    assert homework.runs("tts") == [1]


# --- complete


def test_that_a_class_is_complete_is_told_under_one_id_whatever_dies(house, client, orders, receiver):
    receiver.hangs.set()
    homework = assign(house, "complete", students=TWO, webhook=receiver.url)
    homework.hand_in("Ann")
    homework.succeeded()
    assert receiver.told == []
    for place in ("before_complete", "after_complete"):
        orders.give("tts", place, "die")
    homework.hand_in("Ben")
    wait_for(lambda: receiver.told)
    house["maintenance1"].kill()
    receiver.hangs.clear()
    house.start("maintenance1")
    wait_for(lambda: len(receiver.told) == 2)
    homework.succeeded()
    del homework.says["Ann"]
    homework.hand_in("Ann")
    wait_for(lambda: len(receiver.told) == 3)
    first, again, second = (each.id for each in receiver.told)
    assert first == again != second
    homework.succeeded()


# --- erased


def test_an_assignment_that_is_erased_while_its_jobs_run_leaves_nothing(house, client, orders):
    homework = assign(house, "erased", hold=True)
    homework.hand_in("Ann")
    wait_for(lambda: homework.shown["progress"]["held"] == 1)
    for student, kind in (("Ben", "llm"), ("Carl", "asr")):
        homework.says[student] = client.utterance()
        orders.give(kind, homework.says[student], "wait")
        homework.hand_in(student)
        wait_for(lambda said=homework.says[student]: orders.obeyed(said))
    homework.hand_in("Dora")
    jobs = homework.ids
    assert client.ask("DELETE", homework.place).status_code == 204
    orders.withdraw()
    client.succeeded(client.say())  # by the workers whose late results nobody wanted
    assert [client.ask("GET", f"/v1/jobs/{job}").status_code for job in jobs.values()] == [410] * 4
    assert [path for path in stored(house) if path.parent.name in jobs.values()] == []
    assert [*house.redis.scan_iter(f"{PREFIX}*:default/erased")] == []
    assert homework.runs("tts") == [0] * 4


# --- lanes


def test_who_talks_waits_at_no_stage_for_a_class_or_a_lesson(house, client, orders):
    stopped_at = ("asr", "llm", "tts")
    stopped = {kind: house.held(kind) for kind in reversed(stopped_at)}
    lesson, homework = leave(house), assign(house, "many", students=[])
    wait_for(lambda: lesson.job.stage == "parts")
    students = [f"Pupil {number}" for number in range(20)]
    homework.hand_in(*students)
    talking = []
    for kind, following in zip(stopped_at, ("llm", "tts", None), strict=True):
        talking.append(client.say())
        wait_for(lambda stage=kind: waits_at(house, stage, talking[-1].id))
        orders.withdraw(stopped[kind].n)
        wait_for(lambda stage=following: not stage or all(waits_at(house, stage, id_) for id_ in homework.ids.values()))
    for said in (*stopped.values(), *talking):
        client.succeeded(said)
    homework.succeeded()
    lesson.succeeded()
    for number, kind in enumerate(stopped_at, 1):
        order = begun(house, kind, after=stopped[kind].n)
        first, class_, turns = (
            [order.index(n) for n in some if n in order]
            for some in ([said.n for said in talking[:number]], homework.says.values(), talk().utterances)
        )
        assert max(first) < min(class_), kind
        assert max(class_) < min(turns, default=99), kind  # nobody hears them spoken


def test_a_lesson_that_nobody_listened_to_for_long_has_the_next_turn(house, client, orders):
    stopped, lesson = house.held("asr"), leave(house)
    wait_for(lambda: lesson.job.stage == "parts")
    talking = [client.say() for _ in range(5)]
    house.redis.hset(f"{PREFIX}served:asr", "bulk", time.time() - STARVATION_S - 1)
    orders.withdraw(stopped.n)
    for said in talking:
        client.succeeded(said)
    lesson.succeeded()
    first, *then = begun(house, "asr", after=stopped.n)
    assert (first, then[:5]) == (talk().utterances[0], [said.n for said in talking])


def held(house, id_: str) -> tuple[Homework, str]:
    """Homework whose one answer waits for the teacher, and its job."""
    homework = assign(house, id_, hold=True)
    homework.hand_in("Ann")
    wait_for(lambda: homework.shown["progress"]["held"] == 1)
    return homework, homework.ids["Ann"]


def waits_at(house, stage: str, id_: str) -> bool:
    return house.redis.zscore(f"{PREFIX}ready:{stage}", f"default/{id_}") is not None


def begun(house, kind: str, after: int) -> list[int]:
    """The utterances that an engine of this kind began on after that one, in order."""
    all_ = [int(each["utterance"].removeprefix("canary")) for each in house.orders.ledger() if each["what"] == kind]
    return all_[all_.index(after) + 1 :]
