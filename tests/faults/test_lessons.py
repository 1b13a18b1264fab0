"""Lessons whose workers die: each goes on where it was, makes no turn twice and does none again, and ends."""

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.invariants import BROKER
from tests.faults.harness.lesson import Lesson, leave, talk
from tests.support.wait import wait_for

PLAN = Plan(
    workers={"asr": 1, "llm": 1, "tts": 1, "segment": 1, "maintenance": 1},
    settings={"lease_s": 5, "stage_s": 30, "llm_batch": 1},  # segmentation is real work, and the machine may be busy
)
STOPS_S = 15  # seconds after which a lesson that was canceled is segmented no further, on a busy machine
IN_TIME_S = 20  # seconds in which a worker ends that is told to: as in test_stopping.py
ONCE, NOT_AT_ALL = [1] * 5, [0] * 5


def left_of(lesson: Lesson) -> list[object]:
    """Its sounds, and every key of it but tombstones and how many turns a session had, which hold no word."""
    redis = lesson.house.redis
    keys = {key for id_ in lesson.ids for key in redis.scan_iter(f"*{id_}*") if ":session:" not in key}
    erased = {key for key in keys if ":job:" in key and set(redis.hgetall(key)) <= {"erased", "owner"}}
    return [*sorted(keys - erased), *lesson.kept()]


def die_at(house, kind: str, place: str, time: int, death: str = "die") -> None:
    """Have a process of this kind die when it comes to this crash point for the n-th time."""
    house.orders.give(kind, place, "slow 0", times=time - 1)
    house.orders.give(kind, place, death)


def test_a_lesson_is_segmented_heard_answered_and_summed_up(house):
    lesson = leave(house)
    assert lesson.succeeded()["failed"] == []
    assert (lesson.runs("asr"), lesson.runs("llm")) == (ONCE, ONCE)
    assert lesson.job.attempts == {"segment": 1, "llm": 1, "tts": 1}


@pytest.mark.parametrize(
    ("place", "time", "death"),
    [("after_submit", 2, "die"), ("before_submit", 3, "die_all"), ("in_blob", 4, "die"), ("before_complete", 1, "die")],
)
def test_a_segmenter_that_dies_goes_on_where_it_was(house, place, time, death):
    die_at(house, "segment", place, time, death)
    house.keep_alive()
    lesson = leave(house)
    assert lesson.succeeded()["failed"] == []
    assert lesson.job.attempts["segment"] == 2
    assert (lesson.runs("asr"), lesson.runs("llm")) == (ONCE, ONCE)


def test_a_lesson_that_was_segmented_is_not_segmented_again(house, orders):
    orders.give("segment", "after_complete", "die")
    lesson = leave(house)
    lesson.succeeded()
    assert orders.obeyed("after_complete")
    assert (lesson.job.attempts["segment"], lesson.runs("asr")) == (1, ONCE)


def test_workers_that_die_in_a_turn_do_that_turn_again_and_no_other(house, orders):
    first, second, third, *_ = talk().utterances
    for kind, n, death in (("asr", first, "die"), ("llm", second, "die_all"), ("asr", third, "die_all")):
        orders.give(kind, n, death)
    house.keep_alive()
    lesson = leave(house)
    assert lesson.succeeded()["failed"] == []
    assert (lesson.runs("asr"), lesson.runs("llm")) == ([2, 1, 2, 1, 1], [1, 2, 1, 1, 1])


@pytest.mark.parametrize("place", ["before_complete", "after_complete"])
def test_a_summary_whose_worker_dies_is_made_again_unless_it_was_recorded(house, orders, place):
    lesson = waiting_for_its_last_turn(house)
    die_at(house, "llm", place, 2)
    orders.withdraw(talk().utterances[-1])
    lesson.succeeded()
    assert lesson.job.attempts == {"segment": 1, "llm": 2 if place == "before_complete" else 1, "tts": 1}
    assert lesson.runs("llm") == ONCE


def test_a_summary_that_was_spoken_but_not_recorded_is_spoken_again(house, orders):
    orders.give("tts", "after_blob", "die")
    lesson = leave(house)
    lesson.succeeded()
    assert (lesson.job.attempts["tts"], lesson.runs("llm")) == (2, ONCE)


def test_a_turn_that_kills_its_workers_is_named_and_the_lesson_is_summed_up_without_it(house, orders):
    orders.give("asr", talk().utterances[1], "die", times=3)
    shown = leave(house).succeeded()
    assert [(each["number"], each["code"]) for each in shown["failed"]] == [(2, "worker_lost")]
    assert (shown["progress"]["failed"], shown["summary"]["text"].count("4 turns")) == (1, 1)


def test_a_redis_that_is_killed_in_mid_lesson_costs_no_turn(house, orders):
    die_at(house, "segment", "after_submit", 4)
    lesson = waiting_for_its_last_turn(house)
    house.restart("redis")
    house.keep_alive()
    orders.withdraw(talk().utterances[-1])
    lesson.succeeded()
    assert lesson.runs("asr") == ONCE


def test_a_segmenter_whose_lesson_redis_forgot_segments_the_next_one(house, client, orders):
    lesson = stopped_in_segmenting(house, "before_submit")
    house.redis.flushall()
    orders.withdraw()
    leave(house).succeeded()
    assert client.ask("GET", f"/v1/lessons/{lesson.id}").status_code == 404


def test_a_lesson_waits_for_a_segmenter_and_needs_no_message(house):
    house["segment1"].kill()
    lesson = leave(house)
    house.redis.delete(f"{BROKER}segment")
    house.start("segment1")
    lesson.succeeded()


def test_a_segmenter_that_is_told_to_stop_hands_the_lesson_back_at_no_attempt_s_cost(house, orders):
    lesson = stopped_in_segmenting(house, "after_submit")
    house["segment1"].stop()
    assert house["segment1"].ended(IN_TIME_S) == 0
    orders.withdraw()
    house.start("segment1")
    lesson.succeeded()
    assert (lesson.job.attempts["segment"], lesson.runs("asr")) == (1, ONCE)


@pytest.mark.parametrize("place", ["before_claim", "in_blob", "before_submit", "after_submit"])
def test_a_lesson_that_is_canceled_while_it_is_segmented_leaves_nothing(house, client, orders, place):
    house["asr1"].kill()  # so that no turn ends before
    lesson = stopped_in_segmenting(house, place)
    assert client.ask("DELETE", f"/v1/lessons/{lesson.id}").json()["state"] == "canceled"
    following = leave(house)
    orders.withdraw()
    wait_for(lambda: following.job.stage != "segment" or following.job.attempts, STOPS_S)
    assert {turn.state for turn in lesson.turns} <= {"canceled"}
    assert lesson.kept() == []
    assert client.ask("DELETE", f"/v1/lessons/{lesson.id}").status_code == 204
    assert left_of(lesson) == []
    house.start("asr1")
    following.succeeded()


@pytest.mark.parametrize("path", ["/v1/lessons/", "/v1/sessions/"])
def test_a_lesson_that_is_erased_while_its_turns_are_answered_leaves_nothing(house, client, orders, path):
    lesson = waiting_for_its_last_turn(house)
    if path == "/v1/lessons/":
        assert client.ask("DELETE", f"/v1/lessons/{lesson.id}").status_code == 200
    assert client.ask("DELETE", f"{path}{lesson.id}").status_code == 204
    assert left_of(lesson) == []
    orders.withdraw()
    leave(house).succeeded()  # by the worker whose late result nobody wanted
    assert left_of(lesson) == []
    assert client.ask("GET", f"/v1/lessons/{lesson.id}").status_code == 410


def test_a_lesson_whose_turns_find_no_room_fails_whole_and_is_retried(house, client, orders):
    orders.give("segment", "in_blob", "slow 0", times=2)
    orders.give("segment", "in_blob", "full", times=3)
    lesson = leave(house)
    assert client.ended(lesson.id)["error"]["code"] == "unavailable"
    assert {turn.state for turn in lesson.turns} <= {"canceled", "succeeded"}
    again = client.ask("POST", f"/v1/jobs/{lesson.id}/retry")
    assert again.status_code == 202, again.text
    Lesson(house, again.json()["id"], len(orders.ledger())).succeeded()


def waiting_for_its_last_turn(house) -> Lesson:
    """A lesson all of whose turns but the last one have been answered; that one is, when its order is withdrawn."""
    house.orders.give("llm", last := talk().utterances[-1], "wait")
    lesson = leave(house)
    wait_for(lambda: house.orders.obeyed(last) and [turn.ended_at is None for turn in lesson.turns].count(True) == 1)
    return lesson


def stopped_in_segmenting(house, place: str) -> Lesson:
    """A lesson whose worker stands at this crash point, when it comes there for the second time or claims it."""
    if place != "before_claim":
        house.orders.give("segment", place, "slow 0")
    house.orders.give("segment", place, "wait")
    lesson = leave(house)
    wait_for(lambda: not any(house.orders.folder.glob("*.order")))
    return lesson
