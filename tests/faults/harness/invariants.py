"""What must hold after every fault, once all processes work again: nothing lost, doubled or left behind."""

import hashlib
import io
import json
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import soundfile

from pipeline.jobs.job import MODEL_STAGES, SEGMENT
from pipeline.jobs.records import read_json
from pipeline.jobs.results import Answer
from pipeline.jobs.store import PREFIX
from tests.faults.harness.client import FINAL_STATES
from tests.faults.harness.cluster import FaultCluster
from tests.support.wait import wait_for

DEFAULT_TENANT = "default"  # whose jobs are seen without a key
BROKER = "waijiao:celery:"  # celeryconfig.py: global_keyprefix
HISTORY_TURNS = 10  # turns that a prompt shows at most: Settings.history_turns
KEPT_TURNS = 2  # turns that it shows when it drops older ones: worker_llm/tutor/prompt.py
CANARY = re.compile(r"canary(\d+)")  # what every learner says, in a recording or typed
CLEANUP_S = 90  # seconds until queues are empty and orphans gone
PAUSE_MS = 5000  # for which nobody sends messages to look for orphans
EXPIRY_S = 10  # seconds in which a slow worker is done with a message


def check_invariants(cluster: FaultCluster) -> None:
    """Every invariant, in a cluster whose processes all work."""
    every_accepted_job_ends(cluster)
    every_session_is_in_order(cluster)
    every_turn_saw_those_before(cluster)
    every_success_has_one_audio(cluster)
    nothing_of_ended_jobs_is_left(cluster)
    all_messages_are_gone(cluster)
    no_blob_is_an_orphan(cluster)
    no_log_has_a_learner_s_words(cluster)


def every_accepted_job_ends(cluster: FaultCluster) -> None:
    """Each job is in exactly one final state, which never changes: Client.get_job compares it with earlier ones."""
    for turn in [*cluster.client.accepted.values()]:
        cluster.client.wait_until_ended(turn, seconds=60)
    for name, record in read_records(cluster).items():
        tenant, id_ = name.split("/")
        if tenant == DEFAULT_TENANT:
            assert cluster.client.wait_until_ended(id_)["state"] in FINAL_STATES, record
        else:
            assert "ended_at" in record, record


def every_session_is_in_order(cluster: FaultCluster) -> None:
    for session in {turn.session for turn in cluster.client.accepted.values()}:
        turns = cluster.client.get_turns(session)
        assert all(one["seq"] < other["seq"] for one, other in pairwise(turns)), turns
        assert len({turn["id"] for turn in turns}) == len(turns)


def every_turn_saw_those_before(cluster: FaultCluster) -> None:
    """The prompt that an answer was made from had all the answered turns before it, or the latest, in order."""
    for session in {turn.session for turn in cluster.client.accepted.values()}:
        before: list[str] = []
        for record in cluster.client.get_turns(session):
            for utterance in CANARY.findall(record["feedback"]["heard"])[:1] if record["feedback"] else ():
                history = cluster.orders.find_runs("llm", int(utterance))[-1]["history"]
                least = len(before) if len(before) <= HISTORY_TURNS else KEPT_TURNS
                assert least <= len(history) <= HISTORY_TURNS, (session, record["seq"])
                assert history == before[len(before) - len(history) :], (session, record["seq"])
                before.append(f"canary{utterance}")


def every_success_has_one_audio(cluster: FaultCluster) -> None:
    for turn in cluster.client.accepted.values():
        job = cluster.client.get_job(turn)
        if job["state"] != "succeeded":
            assert job["answer"] is None
            continue
        audio = cluster.client.ask_patiently("GET", job["answer"]["audio"])
        assert audio.status_code == 200, audio.text
        assert hashlib.sha256(audio.content).hexdigest() == job["answer"]["sha256"]
        assert soundfile.info(io.BytesIO(audio.content)).frames


def nothing_of_ended_jobs_is_left(cluster: FaultCluster) -> None:
    """All jobs have ended, so that no index may name one."""
    redis = cluster.redis
    for key in ["leases", "deadlines", *(f"ready:{stage}" for stage in (*MODEL_STAGES, SEGMENT))]:
        assert redis.zrange(PREFIX + key, 0, -1) == [], key
    for pattern in ("leased:*", "open:*", "unfinished:*", "parts:*", "open-work:*"):  # empty ones do not exist
        assert [*redis.scan_iter(PREFIX + pattern)] == []


def all_messages_are_gone(cluster: FaultCluster) -> None:
    """As if the visibility timeout had passed: what dead workers had fetched goes back, and finds nothing to do."""
    expired_at: dict[str, float] = {}

    def messages() -> dict[str, object]:
        cluster.redis.set(f"{PREFIX}tidying", "1", px=PAUSE_MS)  # no more come while these are worked on
        expire_visibility(cluster, expired_at)
        left = {
            queue: cluster.redis.lrange(BROKER + queue, 0, -1)
            for queue in (*MODEL_STAGES, SEGMENT, "maintenance", "unrouted")
        }
        left["unacked"] = cluster.redis.hgetall(f"{BROKER}unacked")
        left["unacked_index"] = cluster.redis.zrange(f"{BROKER}unacked_index", 0, -1)
        return {name: messages for name, messages in left.items() if messages}

    wait_until_none(messages)


def expire_visibility(cluster: FaultCluster, expired_at: dict[str, float]) -> None:
    """Make every unacknowledged message look as old as the visibility timeout, each at most every EXPIRY_S.

    A live worker that is slow has one as well. If that went back whenever it is seen, it would be fetched again and
    again, and messages would come faster than they are worked on. `expired_at`: monotonic seconds by message.
    """
    cluster.redis.delete(f"{BROKER}unacked_mutex")
    now = time.monotonic()
    for tag in cluster.redis.zrange(f"{BROKER}unacked_index", 0, -1):
        if now - expired_at.get(tag, -EXPIRY_S) >= EXPIRY_S:
            expired_at[tag] = now
            cluster.redis.zadd(f"{BROKER}unacked_index", {tag: 1}, xx=True)


def no_blob_is_an_orphan(cluster: FaultCluster) -> None:
    """After cleaning up, every file is named by a job, and recordings of ended jobs are removed."""

    def orphans() -> list[str]:
        age_orphans(cluster)
        wanted = {blob for record in read_records(cluster).values() for blob in expected_blobs(record)}
        found = {path.relative_to(cluster.settings.blobs_folder).as_posix() for path in list_blobs(cluster)}
        return sorted(found - wanted)

    wait_until_none(orphans)


def age_orphans(cluster: FaultCluster) -> None:
    """Make every file look older than orphan_s, and tidying up due."""
    cluster.redis.delete(f"{PREFIX}tidying", f"{PREFIX}orphans-walking")
    for path in list_blobs(cluster):
        with suppress(FileNotFoundError):  # removed meanwhile
            os.utime(path, (0, 0))


def list_blobs(cluster: FaultCluster) -> list[Path]:
    """Every file of every job; Path.glob would fail when a folder vanishes meanwhile."""
    below = [*os.walk(cluster.settings.blobs_folder)][1:]
    return [Path(folder, name) for folder, _, names in below for name in names]


def no_log_has_a_learner_s_words(cluster: FaultCluster) -> None:
    for log in cluster.logs.iterdir():
        lines = [line for line in log.read_text(errors="replace").splitlines() if CANARY.search(line)]
        assert not lines, (log.name, lines[:3])


def wait_until_none(look: Callable[[], object]) -> None:
    """Wait until `look` finds nothing; AssertionError with what it still finds after CLEANUP_S."""
    found: list[object] = []

    def nothing() -> bool:
        found[:] = [look()]
        return not found[0]

    try:
        wait_for(nothing, CLEANUP_S)
    except AssertionError:
        raise AssertionError(f"{look.__name__} after {CLEANUP_S} s: {found}") from None


def read_records(cluster: FaultCluster) -> dict[str, dict[str, str]]:
    """Every job's record, by `tenant/id`; erased ones have none."""
    names = [key.removeprefix(f"{PREFIX}job:") for key in cluster.redis.scan_iter(f"{PREFIX}job:*")]
    found = {name: cluster.redis.hgetall(f"{PREFIX}job:{name}") for name in names}
    return {name: record for name, record in found.items() if "stages" in record}


def expected_blobs(record: dict[str, str]) -> set[str]:
    """The blobs of an ended job: its answer, or its recording if it died before transcription and can be retried."""
    answer = read_json(Answer, record["answer"]).blobs if "answer" in record else set()
    heard = "transcript" in record or "segments" in record
    recording = json.loads(record["question"])["recording"] if "dead" in record and not heard else ""
    return {*answer, recording} - {""}
