"""The order of queued jobs: lanes, due times, classes in turn; and no lane starves."""

import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as checks
from hypothesis import strategies as st

from pipeline.jobs import store as jobs_module
from pipeline.jobs.eta import Estimator
from pipeline.jobs.job import LANES
from pipeline.jobs.store import Jobs
from tests.support.job_steps import FEEDBACK, RESULTS, TRANSCRIPT, WORKER, make_job_request, run_stage

HOUR = 3600
BEGUN = time.time()  # so that what is due in as many hours is due in the same minute


def submit(jobs: Jobs, id_: str, lane: str = "homework", group: str = "", due_h: float | None = None) -> None:
    due = None if due_h is None else BEGUN + due_h * HOUR
    jobs.submit(replace(make_job_request(id_, session=id_), lane=lane, group=group, due=due))


def order(jobs: Jobs, stage: str = "asr", result=TRANSCRIPT) -> list[str]:
    """The order in which one worker claims the jobs of a stage, completing each before the next."""
    taken = []
    while claimed := jobs.claim(stage, WORKER, 1)[0]:
        taken.append(claimed[0].id)
        jobs.complete(stage, claimed[0], result)
    return taken


def test_turns_go_before_homework_and_homework_before_lessons_at_every_stage(jobs):
    for lane in reversed(LANES):
        submit(jobs, f"{lane}-1", lane)
    assert order(jobs) == ["interactive-1", "homework-1", "bulk-1"]
    assert order(jobs, "llm", FEEDBACK) == ["interactive-1", "homework-1", "bulk-1"]


def test_jobs_of_two_lanes_are_not_claimed_together(jobs):
    for id_, lane in (("lesson", "bulk"), ("more", "bulk"), ("anna", "interactive"), ("ben", "interactive")):
        submit(jobs, id_, lane)
    assert [{job.id for job in jobs.claim("asr", worker, 3)[0]} for worker in ("one", "two")] == [
        {"anna", "ben"}, {"lesson", "more"},
    ]  # fmt: skip


def test_jobs_due_first_are_claimed_first(jobs):
    for id_, due_h in (("without", None), ("tomorrow", 20), ("tonight", 5), ("in an hour", 1)):
        submit(jobs, id_.replace(" ", "-"), group=id_, due_h=due_h)
    assert order(jobs) == ["in-an-hour", "tonight", "tomorrow", "without"]


@pytest.mark.parametrize("year", [2050, 2199])
def test_homework_that_is_due_in_a_later_century_is_still_homework(jobs, year):
    """Its place among the homework never reaches that of the lessons."""
    submit(jobs, "lesson", "bulk")
    submit(jobs, "homework", due_h=(year - 1970) * 8766 - BEGUN / HOUR)
    assert order(jobs) == ["homework", "lesson"]


def test_overdue_jobs_come_in_their_order_before_jobs_due_later(jobs):
    submit(jobs, "late", group="a", due_h=-100)
    submit(jobs, "later", group="b", due_h=-10_000)
    submit(jobs, "tonight", group="c", due_h=5)
    assert order(jobs) == ["late", "later", "tonight"]


@pytest.mark.parametrize("lane", ["homework", "bulk"])
def test_classes_are_served_in_turn_whatever_their_size(jobs, lane):
    for number in range(6):
        submit(jobs, f"big-{number}", lane, group="big", due_h=5)
    for number in range(2):
        submit(jobs, f"small-{number}", lane, group="small", due_h=5)
    taken = order(jobs)
    assert sorted(taken[:4]) == ["big-0", "big-1", "small-0", "small-1"]
    assert [each for each in taken if each.startswith("big")] == [f"big-{number}" for number in range(6)]


def test_a_class_that_comes_later_is_served_in_turn_without_catching_up(jobs):
    for number in range(8):
        submit(jobs, f"big-{number}", group="big", due_h=5)
    for _ in range(4):
        order_one(jobs)
    for number in range(4):
        submit(jobs, f"late-{number}", group="late", due_h=5)
    assert [sorted(order_one(jobs)[:3] for _ in range(2)) for _ in range(3)] == [["big", "lat"]] * 3


def order_one(jobs: Jobs) -> str:
    ((job,), _) = jobs.claim("asr", WORKER, 1)
    jobs.complete("asr", job, TRANSCRIPT)
    return job.id


def test_classes_of_two_tenants_with_the_same_name_are_separate(jobs):
    for number in range(3):
        submit(jobs, f"here-{number}", group="4b", due_h=5)
    jobs.submit(
        replace(make_job_request("there", session="x", tenant="school"), lane="homework", group="4b", due=BEGUN + HOUR)
    )
    assert order(jobs)[0] == "there"
    for number in range(3):
        submit(jobs, f"again-{number}", group="4b", due_h=5)
    jobs.submit(
        replace(
            make_job_request("guest", session="y", tenant="school"), lane="homework", group="4b", due=BEGUN + 5 * HOUR
        )
    )
    assert "guest" in order(jobs)[:2]


def test_a_starved_lane_is_served_next(jobs, monkeypatch):
    monkeypatch.setattr(jobs_module, "STARVATION_S", 0.2)
    submit(jobs, "lesson", "bulk")
    submit(jobs, "work")
    for number in range(3):
        submit(jobs, f"turn-{number}", "interactive")
    first = order_one(jobs)
    time.sleep(0.3)
    assert [first, *order(jobs)] == ["turn-0", "work", "lesson", "turn-1", "turn-2"]


def test_a_lane_in_which_nothing_waited_is_not_starved(jobs, monkeypatch):
    monkeypatch.setattr(jobs_module, "STARVATION_S", 0.3)
    time.sleep(0.4)  # nothing waited then
    submit(jobs, "lesson", "bulk")
    submit(jobs, "turn", "interactive")
    assert order(jobs) == ["turn", "lesson"]


@checks(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(LANES), st.sampled_from("abc"), st.none() | st.sampled_from([-1, 1, 2])), max_size=12
    )
)
def test_every_job_is_claimed_once_by_lane_and_within_a_class_by_due_time(jobs, came):
    jobs.redis.flushdb()
    for number, (lane, group, due_h) in enumerate(came):
        submit(jobs, f"{number}", lane, group, due_h)
    taken = [int(each) for each in order(jobs)]
    assert sorted(taken) == list(range(len(came)))
    assert [LANES.index(came[each][0]) for each in taken] == sorted(LANES.index(lane) for lane, _, _ in came)
    for group in "abc":
        homework = [each for each in taken if came[each][:2] == ("homework", group)]
        assert homework == sorted(
            homework, key=lambda each: (24 if came[each][2] is None else max(0, came[each][2]), each)
        )


# --- interactive jobs are served in turn too


def speak(jobs: Jobs, id_: str, key: str = "", session: str = "", recording: bool = True) -> None:
    """Submit an interactive job of a learner with this key, or in this session."""
    jobs.submit(replace(make_job_request(id_, session=session or id_, recording=recording), key=key, owner=key))


def work_off(jobs: Jobs) -> None:
    for stage, result in RESULTS.items():
        order(jobs, stage, result)


def expect_position(jobs: Jobs, id_: str, stage: str, position: int) -> None:
    """The job is at this position, and is really claimed as that one of the stage."""
    job = jobs.get("default", id_)
    assert Estimator(jobs).estimate(job).queue_position == position
    assert order(jobs, stage, RESULTS[stage]).index(id_) + 1 == position


@pytest.mark.parametrize("busy", [{"key": "busy"}, {"session": "busy"}, {"key": "busy", "session": "busy"}])
@pytest.mark.parametrize("other", [{"key": "other"}, {"session": "other"}])
def test_a_learner_does_not_wait_for_300_jobs_of_another_one(jobs, busy, other):
    jobs.settings = jobs.settings.model_copy(update={"max_jobs_session": 1000})
    for number in range(300):
        speak(jobs, f"busy-{number}", **busy)
    for number in range(3):
        speak(jobs, f"other-{number}", **other)
    assert [Estimator(jobs).estimate(jobs.get("default", f"other-{n}")).queue_position for n in range(3)] == [2, 4, 6]
    taken = order(jobs)
    assert [taken.index(f"other-{number}") for number in range(3)] == [1, 3, 5]
    assert [each for each in taken if each.startswith("busy")] == [f"busy-{number}" for number in range(300)]


def test_many_learners_share_a_stage_equally(jobs):
    for number in range(60):
        for learner in ("ann", "ben", "cem")[: 1 + number // 20]:
            speak(jobs, f"{learner}-{number}", key=learner)
    taken = [each[:3] for each in order(jobs)]
    assert [taken[:60].count(learner) for learner in ("ann", "ben", "cem")] == [20, 20, 20]


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("stage", ["llm", "tts"])
def test_a_stage_is_shared_although_all_jobs_went_through_the_one_before_first(jobs, lane, stage):
    """A fast recogniser does not turn one learner's backlog into the earliest jobs of the language model."""
    learners = {"busy": "", "other": ""} if lane == "interactive" else {"busy": "big", "other": "small"}
    for learner, group in learners.items():
        for number in range(20 if learner == "busy" else 2):
            request = replace(make_job_request(f"{learner}-{number}", session=f"{learner}-{number}"), lane=lane)
            jobs.submit(replace(request, key=learner, group=group, due=BEGUN + HOUR))
        for earlier in ("asr", "llm", "tts"):
            if earlier == stage:
                break
            order(jobs, earlier, RESULTS[earlier])
    taken = order(jobs, stage, RESULTS[stage])
    assert {taken.index("other-0"), taken.index("other-1")} <= {0, 1, 2, 3}


def test_jobs_of_one_round_are_claimed_in_the_order_of_acceptance(jobs):
    names = [f"{letter}-{number}" for number, letter in enumerate("zyxwvutsrqponm")]
    for name in names:
        speak(jobs, name, key=name)
    assert order(jobs) == names
    assert order(jobs, "llm", FEEDBACK) == names


def test_who_comes_late_does_not_catch_up(jobs):
    for number in range(40):
        speak(jobs, f"busy-{number}", key="busy")
    for _ in range(20):
        order_one(jobs)
    for number in range(20):
        speak(jobs, f"late-{number}", key="late")
    taken = [each[:4] for each in order(jobs)]
    assert all(set(taken[number : number + 2]) == {"busy", "late"} for number in range(0, 40, 2))


@pytest.mark.parametrize("end", ["cancel", "erase", "reset"])
@pytest.mark.parametrize("lane", LANES)
def test_who_cancels_does_not_wait_for_what_was_canceled(jobs, end, lane):
    for number in range(30):
        request = replace(make_job_request(f"mine-{number}", session="mine"), key="mine", lane=lane, group="mine")
        jobs.submit(replace(request, due=BEGUN + HOUR))
    if end == "cancel":
        for number in range(30):
            jobs.cancel("default", f"mine-{number}")
    else:
        getattr(jobs, end)("default", "mine")
    for name in ("other-0", "other-1", "mine-again", "other-2"):
        request = replace(make_job_request(name, session=name), key=name[:4], lane=lane, group=name[:4])
        jobs.submit(replace(request, due=BEGUN + HOUR))
    assert order(jobs).index("mine-again") <= 1


def test_a_job_whose_worker_died_keeps_its_place(jobs):
    for number in range(5):
        speak(jobs, f"busy-{number}", key="busy")
    speak(jobs, "other", key="other")
    jobs.claim("asr", WORKER, 1)
    jobs.release(WORKER)
    assert order(jobs)[:2] == ["busy-0", "other"]


@pytest.mark.parametrize("stage", ["asr", "llm", "tts"])
def test_the_queue_position_is_true_at_every_stage(jobs, stage):
    for number in range(12):
        speak(jobs, f"busy-{number}", key="busy")
    speak(jobs, "other-0", key="other")
    speak(jobs, "other-1", key="other")
    for earlier in ("asr", "llm", "tts"):
        if earlier == stage:
            break
        order(jobs, earlier, RESULTS[earlier])
    expect_position(jobs, "other-1", stage, 4)


def test_jobs_of_a_version_without_rounds_are_claimed_before_later_ones(jobs):
    for number in range(4):
        speak(jobs, f"old-{number}", key="busy")
        jobs.redis.hdel(f"waijiao:job:default/old-{number}", "fair_class", "scored_at")
        jobs.redis.hset(f"waijiao:job:default/old-{number}", "score", number + 1)
        jobs.redis.zadd("waijiao:ready:asr", {f"default/old-{number}": number + 1})
    jobs.redis.delete(*jobs.redis.scan_iter("waijiao:fair-queue:*"))
    for number in range(4):
        speak(jobs, f"new-{number}", key="other")
    assert order(jobs) == [f"{age}-{number}" for age in ("old", "new") for number in range(4)]
    run_stage(jobs, "llm")


# --- what is stored to serve classes in turn


def members_of_rounds(jobs: Jobs) -> int:
    """The classes that are stored so that they are served in turn."""
    keys = [key for key in jobs.redis.scan_iter("waijiao:*") if key.split(":")[1] in {"rounds", "fair-queue"}]
    sizes = {"hash": jobs.redis.hlen, "zset": jobs.redis.zcard}
    return sum(sizes[jobs.redis.type(key)](key) for key in keys)


@pytest.mark.parametrize(("lane", "due_h"), [("bulk", None), ("homework", 5), ("homework", None), ("homework", -5)])
def test_no_name_of_a_class_or_a_session_is_stored_outside_of_its_records(jobs, lane, due_h):
    for number, group in enumerate(("Class 3b", "", "Ms Wu's group", "")):
        submit(jobs, f"anna-wu-{number}", lane, group, due_h)
    jobs.claim("asr", WORKER, 1)
    for number in range(4):
        jobs.erase("default", f"anna-wu-{number}")
    for key in jobs.redis.scan_iter("waijiao:*"):
        if not key.startswith(("waijiao:erased:", "waijiao:job:")):
            assert not any(name in key + read_text(jobs, key) for name in ("anna-wu", "3b", "Wu's")), key


def read_text(jobs: Jobs, key: str) -> str:
    readers = {
        "hash": jobs.redis.hgetall,
        "string": jobs.redis.get,
        "set": jobs.redis.smembers,
        "zset": lambda each: jobs.redis.zrange(each, 0, -1),
    }
    return str(readers[jobs.redis.type(key)](key))


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("group", ["", "class"])
def test_classes_that_were_served_are_not_stored_for_ever(jobs, lane, group):
    sizes = []
    for number in range(120):
        submit(jobs, f"job{number}", lane, group and f"{group}{number}", due_h=5 if lane == "homework" else None)
        work_off(jobs)
        sizes.append(members_of_rounds(jobs))
    assert max(sizes) <= 3 * len(RESULTS)


def test_the_rounds_of_past_minutes_are_removed(jobs):
    for number in range(40):
        submit(jobs, f"job{number}", group=f"class{number}", due_h=1 + number / 10)
    work_off(jobs)
    keys = [*jobs.redis.scan_iter("waijiao:fair-queue:*")]
    assert keys
    assert all(0 < jobs.redis.ttl(key) <= 60 for key in keys)
