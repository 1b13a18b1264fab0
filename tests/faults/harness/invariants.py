"""What must hold after every fault, once everything lives again: nothing lost, nothing twice, nothing left behind."""

import hashlib
import io
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import soundfile

from pipeline.jobs.job import MODEL_STAGES, SEGMENT
from pipeline.jobs.results import Answer
from pipeline.jobs.store import PREFIX
from tests.faults.harness.client import ENDED
from tests.faults.harness.cluster import Cluster
from tests.support.wait import wait_for

BROKER = "waijiao:celery:"  # celeryconfig.py: global_keyprefix
MEMORY = 10  # turns that a prompt shows at most: Settings.history_turns
CANARY = re.compile(r"canary(\d+)")  # what every learner says, in a recording or typed
EMPTY_S = 30  # seconds until queues are empty and orphans gone


def check(house: Cluster) -> None:
    """Every invariant, in a house whose processes all live."""
    every_accepted_job_ends(house)
    every_session_is_in_order(house)
    every_turn_saw_those_before(house)
    every_success_has_one_audio(house)
    nothing_of_ended_jobs_is_left(house)
    all_messages_are_gone(house)
    no_blob_is_an_orphan(house)
    no_log_has_a_learner_s_words(house)


def every_accepted_job_ends(house: Cluster) -> None:
    """In exactly one terminal state, which never changes again: Client.job compares what it sees to what it saw."""
    for said in [*house.client.accepted.values()]:
        house.client.ended(said, seconds=60)
    for name, record in records(house).items():
        assert house.client.ended(name.split("/")[1])["state"] in ENDED, record


def every_session_is_in_order(house: Cluster) -> None:
    for session in {said.session for said in house.client.accepted.values()}:
        turns = house.client.turns(session)
        assert all(one["seq"] < other["seq"] for one, other in pairwise(turns)), turns
        assert len({turn["id"] for turn in turns}) == len(turns)


def every_turn_saw_those_before(house: Cluster) -> None:
    """The prompt that an answer was made from had all the answered turns before it, in order."""
    for session in {said.session for said in house.client.accepted.values()}:
        before: list[str] = []
        for turn in house.client.turns(session):
            for n in CANARY.findall(turn["feedback"]["heard"])[:1] if turn["feedback"] else ():
                runs = house.orders.runs("llm", int(n))
                assert runs[-1]["history"] == before[-MEMORY:], (session, turn["seq"])
                before.append(f"canary{n}")


def every_success_has_one_audio(house: Cluster) -> None:
    for said in house.client.accepted.values():
        job = house.client.job(said)
        if job["state"] != "succeeded":
            assert job["answer"] is None
            continue
        audio = house.client.ask_patiently("GET", job["answer"]["audio"])
        assert audio.status_code == 200, audio.text
        assert hashlib.sha256(audio.content).hexdigest() == job["answer"]["sha256"]
        assert soundfile.info(io.BytesIO(audio.content)).frames


def nothing_of_ended_jobs_is_left(house: Cluster) -> None:
    """All jobs have ended, so that no index may name one."""
    redis = house.redis
    for key in ["leases", "deadlines", *(f"ready:{stage}" for stage in (*MODEL_STAGES, SEGMENT))]:
        assert redis.zrange(PREFIX + key, 0, -1) == [], key
    for pattern in ("leased:*", "open:*", "unfinished:*", "parts:*", "open-work:*"):  # empty ones do not exist
        assert [*redis.scan_iter(PREFIX + pattern)] == []


def all_messages_are_gone(house: Cluster) -> None:
    """As if the visibility timeout had passed: what dead workers had fetched goes back, and finds nothing to do."""

    def messages() -> dict[str, object]:
        let_visibility_pass(house)
        left = {
            queue: house.redis.lrange(BROKER + queue, 0, -1)
            for queue in (*MODEL_STAGES, SEGMENT, "maintenance", "dead-end")
        }
        left["unacked"] = house.redis.hgetall(f"{BROKER}unacked")
        left["unacked_index"] = house.redis.zrange(f"{BROKER}unacked_index", 0, -1)
        return {name: messages for name, messages in left.items() if messages}

    until_none(messages)


def let_visibility_pass(house: Cluster) -> None:
    """Make every unacknowledged message look as old as the visibility timeout."""
    house.redis.delete(f"{BROKER}unacked_mutex")
    for tag in house.redis.zrange(f"{BROKER}unacked_index", 0, -1):
        house.redis.zadd(f"{BROKER}unacked_index", {tag: 1}, xx=True)


def no_blob_is_an_orphan(house: Cluster) -> None:
    """After tidying up, every file is the answer of a job; recordings of jobs that ended are gone, or named by one."""

    def orphans() -> list[str]:
        let_orphans_age(house)
        wanted = {blob for record in records(house).values() for blob in blobs(record)}
        found = {path.relative_to(house.settings.blobs_folder).as_posix() for path in stored(house)}
        return sorted(found - wanted)

    until_none(orphans)


def let_orphans_age(house: Cluster) -> None:
    """Make every file look older than orphan_s, and tidying up due."""
    house.redis.delete(f"{PREFIX}tidying")
    for path in stored(house):
        with suppress(FileNotFoundError):  # removed meanwhile
            os.utime(path, (0, 0))


def stored(house: Cluster) -> list[Path]:
    """Every file of every job; Path.glob would fail when a folder vanishes meanwhile."""
    below = [*os.walk(house.settings.blobs_folder)][1:]
    return [Path(folder, name) for folder, _, names in below for name in names]


def no_log_has_a_learner_s_words(house: Cluster) -> None:
    for log in house.logs.iterdir():
        lines = [line for line in log.read_text(errors="replace").splitlines() if CANARY.search(line)]
        assert not lines, (log.name, lines[:3])


def until_none(look: Callable[[], object]) -> None:
    """Wait until `look` finds nothing; AssertionError with what it still finds after EMPTY_S."""
    found: list[object] = []

    def nothing() -> bool:
        found[:] = [look()]
        return not found[0]

    try:
        wait_for(nothing, EMPTY_S)
    except AssertionError:
        raise AssertionError(f"{look.__name__} after {EMPTY_S} s: {found}") from None


def records(house: Cluster) -> dict[str, dict[str, str]]:
    """Every job's record, by `tenant/id`; erased ones have none."""
    names = [key.removeprefix(f"{PREFIX}job:") for key in house.redis.scan_iter(f"{PREFIX}job:*")]
    found = {name: house.redis.hgetall(f"{PREFIX}job:{name}") for name in names}
    return {name: record for name, record in found.items() if "stages" in record}


def blobs(record: dict[str, str]) -> set[str]:
    """What an ended job may keep: its answer; its recording only when it died unheard, so that it can be retried."""
    answer = Answer.from_dict(json.loads(record["answer"])).blobs if "answer" in record else set()
    heard = "transcript" in record or "segments" in record
    recording = json.loads(record["question"])["recording"] if "dead" in record and not heard else ""
    return {*answer, recording} - {""}
