"""Lessons whose workers die: each continues where it was, makes no turn twice, repeats none, and ends."""

import pytest

from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.invariants import BROKER
from tests.faults.harness.lesson import Lesson, make_lesson_recording, submit_lesson
from tests.support.wait import wait_for

PLAN = Plan(
    workers={"asr": 1, "llm": 1, "tts": 1, "segment": 1, "maintenance": 1},
    settings={"lease_s": 5, "stage_s": 30, "llm_batch": 1},  # segmentation is real work, and the machine may be busy
)
STOP_S = 15  # seconds after which a lesson that was canceled is segmented no further, on a busy machine
END_S = 20  # within which a stopping worker ends, as in test_stopping.py
ONCE, NOT_AT_ALL = [1] * 5, [0] * 5


def list_remains(lesson: Lesson) -> list[object]:
    """Its sounds, and every key of it but tombstones and how many turns a session had, which hold no word."""
    redis = lesson.cluster.redis
    keys = {key for id_ in lesson.ids for key in redis.scan_iter(f"*{id_}*") if ":session:" not in key}
    erased = {key for key in keys if ":job:" in key and set(redis.hgetall(key)) <= {"erased", "owner"}}
    return [*sorted(keys - erased), *lesson.list_blobs()]


def order_death(cluster, kind: str, point: str, time: int, death: str = "die") -> None:
    """Have a process of this kind die when it comes to this crash point for the n-th time."""
    cluster.orders.give(kind, point, "slow 0", times=time - 1)
    cluster.orders.give(kind, point, death)


def test_a_lesson_is_segmented_transcribed_answered_and_summarised(cluster):
    lesson = submit_lesson(cluster)
    assert lesson.expect_success()["failed"] == []
    assert (lesson.count_runs("asr"), lesson.count_runs("llm")) == (ONCE, ONCE)
    assert lesson.job.attempts == {"segment": 1, "llm": 1, "tts": 1}


@pytest.mark.parametrize(
    ("point", "time", "death"),
    [("after_submit", 2, "die"), ("before_submit", 3, "die_all"), ("in_blob", 4, "die"), ("before_complete", 1, "die")],
)
def test_segmentation_continues_where_a_segmenter_died(cluster, point, time, death):
    order_death(cluster, "segment", point, time, death)
    cluster.keep_alive()
    lesson = submit_lesson(cluster)
    assert lesson.expect_success()["failed"] == []
    assert lesson.job.attempts["segment"] == 2
    assert (lesson.count_runs("asr"), lesson.count_runs("llm")) == (ONCE, ONCE)


def test_a_segmented_lesson_is_not_segmented_again(cluster, orders):
    orders.give("segment", "after_complete", "die")
    lesson = submit_lesson(cluster)
    lesson.expect_success()
    assert orders.was_met("after_complete")
    assert (lesson.job.attempts["segment"], lesson.count_runs("asr")) == (1, ONCE)


def test_only_the_turns_whose_workers_died_are_processed_again(cluster, orders):
    first, second, third, *_ = make_lesson_recording().utterances
    for kind, utterance, death in (("asr", first, "die"), ("llm", second, "die_all"), ("asr", third, "die_all")):
        orders.give(kind, utterance, death)
    cluster.keep_alive()
    lesson = submit_lesson(cluster)
    assert lesson.expect_success()["failed"] == []
    assert (lesson.count_runs("asr"), lesson.count_runs("llm")) == ([2, 1, 2, 1, 1], [1, 2, 1, 1, 1])


@pytest.mark.parametrize("point", ["before_complete", "after_complete"])
def test_a_summary_whose_worker_dies_is_made_again_unless_it_was_recorded(cluster, orders, point):
    lesson = submit_and_hold_last_turn(cluster)
    order_death(cluster, "llm", point, 2)
    orders.withdraw(make_lesson_recording().utterances[-1])
    lesson.expect_success()
    assert lesson.job.attempts == {"segment": 1, "llm": 2 if point == "before_complete" else 1, "tts": 1}
    assert lesson.count_runs("llm") == ONCE


def test_a_summary_that_was_spoken_but_not_recorded_is_spoken_again(cluster, orders):
    orders.give("tts", "after_blob", "die")
    lesson = submit_lesson(cluster)
    lesson.expect_success()
    assert (lesson.job.attempts["tts"], lesson.count_runs("llm")) == (2, ONCE)


def test_a_turn_that_kills_its_workers_is_named_and_left_out_of_the_summary(cluster, orders):
    orders.give("asr", make_lesson_recording().utterances[1], "die", times=3)
    lesson = submit_lesson(cluster).expect_success()
    assert [(each["number"], each["code"]) for each in lesson["failed"]] == [(2, "worker_lost")]
    assert (lesson["progress"]["failed"], lesson["summary"]["text"].count("4 turns")) == (1, 1)


def test_killing_redis_during_a_lesson_loses_no_turn(cluster, orders):
    order_death(cluster, "segment", "after_submit", 4)
    lesson = submit_and_hold_last_turn(cluster)
    cluster.restart("redis")
    cluster.keep_alive()
    orders.withdraw(make_lesson_recording().utterances[-1])
    lesson.expect_success()
    assert lesson.count_runs("asr") == ONCE


def test_a_segmenter_whose_lesson_redis_forgot_segments_the_next_one(cluster, client, orders):
    lesson = submit_and_hold_segmenter(cluster, "before_submit")
    cluster.redis.flushall()
    orders.withdraw()
    submit_lesson(cluster).expect_success()
    assert client.ask("GET", f"/v1/lessons/{lesson.id}").status_code == 404


def test_a_lesson_waits_for_a_segmenter_and_needs_no_message(cluster):
    cluster["segment1"].kill()
    lesson = submit_lesson(cluster)
    cluster.redis.delete(f"{BROKER}segment")
    cluster.start("segment1")
    lesson.expect_success()


def test_a_stopping_segmenter_releases_the_lesson_without_counting_an_attempt(cluster, orders):
    lesson = submit_and_hold_segmenter(cluster, "after_submit")
    cluster["segment1"].stop()
    assert cluster["segment1"].wait_for_exit(END_S) == 0
    orders.withdraw()
    cluster.start("segment1")
    lesson.expect_success()
    assert (lesson.job.attempts["segment"], lesson.count_runs("asr")) == (1, ONCE)


@pytest.mark.parametrize("point", ["before_claim", "in_blob", "before_submit", "after_submit"])
def test_a_lesson_that_is_canceled_while_it_is_segmented_leaves_nothing(cluster, client, orders, point):
    cluster["asr1"].kill()  # so that no turn ends before
    lesson = submit_and_hold_segmenter(cluster, point)
    assert client.ask("DELETE", f"/v1/lessons/{lesson.id}").json()["state"] == "canceled"
    following = submit_lesson(cluster)
    orders.withdraw()
    wait_for(lambda: following.job.stage != "segment" or following.job.attempts, STOP_S)
    assert {record.state for record in lesson.turns} <= {"canceled"}
    assert lesson.list_blobs() == []
    assert client.ask("DELETE", f"/v1/lessons/{lesson.id}").status_code == 204
    assert list_remains(lesson) == []
    cluster.start("asr1")
    following.expect_success()


@pytest.mark.parametrize("path", ["/v1/lessons/", "/v1/sessions/"])
def test_a_lesson_that_is_erased_while_its_turns_are_answered_leaves_nothing(cluster, client, orders, path):
    lesson = submit_and_hold_last_turn(cluster)
    if path == "/v1/lessons/":
        assert client.ask("DELETE", f"/v1/lessons/{lesson.id}").status_code == 200
    assert client.ask("DELETE", f"{path}{lesson.id}").status_code == 204
    assert list_remains(lesson) == []
    orders.withdraw()
    submit_lesson(cluster).expect_success()  # by the worker whose late result was refused
    assert list_remains(lesson) == []
    assert client.ask("GET", f"/v1/lessons/{lesson.id}").status_code == 410


def test_on_a_full_disk_a_lesson_fails_and_can_be_retried(cluster, client, orders):
    orders.give("segment", "in_blob", "slow 0", times=2)
    orders.give("segment", "in_blob", "full", times=3)
    lesson = submit_lesson(cluster)
    assert client.wait_until_ended(lesson.id)["error"]["code"] == "disk_full"
    assert {record.state for record in lesson.turns} <= {"canceled", "succeeded"}
    again = client.ask("POST", f"/v1/jobs/{lesson.id}/retry")
    assert again.status_code == 202, again.text
    Lesson(cluster, again.json()["id"], len(orders.read_ledger())).expect_success()


def submit_and_hold_last_turn(cluster) -> Lesson:
    """A lesson all of whose turns but the last one have been answered; that one is, when its order is withdrawn."""
    cluster.orders.give("llm", last := make_lesson_recording().utterances[-1], "wait")
    lesson = submit_lesson(cluster)
    wait_for(
        lambda: cluster.orders.was_met(last) and [record.ended_at is None for record in lesson.turns].count(True) == 1
    )
    return lesson


def submit_and_hold_segmenter(cluster, point: str) -> Lesson:
    """A lesson whose worker stands at this crash point, when it comes there for the second time or claims it."""
    if point != "before_claim":
        cluster.orders.give("segment", point, "slow 0")
    cluster.orders.give("segment", point, "wait")
    lesson = submit_lesson(cluster)
    wait_for(lambda: not any(cluster.orders.folder.glob("*.order")))
    return lesson
