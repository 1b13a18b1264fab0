"""The state of the records in Redis and the state of the reference model, each as one dict, to be compared."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis

from pipeline.jobs.job import MODEL_STAGES, RESULT_FIELDS, SEGMENT, Job
from pipeline.jobs.store import PREFIX
from tests.integration.jobs.reference_model import ReferenceModel, Turn

TENANTS, SESSIONS, WORKERS = ("north", "south"), ("north/anna", "north/ben", "south/anna"), ("one", "two", "three")
WORKED_AT = (*MODEL_STAGES, SEGMENT)  # stages that have workers
HOMEWORK = "north/hw"  # the only assignment

Found = dict[str, dict[str, str] | list[str]]

READ_REDIS = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'zset' then found[key] = redis.call('ZRANGE', key, 0, -1) end
  if kind == 'set' then found[key] = redis.call('SMEMBERS', key) end
  if kind == 'hash' then found[key] = redis.call('HGETALL', key) end
end
return cjson.encode(found)
"""


def read_redis(redis: Redis) -> Found:
    """Every sorted set, set and hash in Redis, as they are at one moment."""
    found = json.loads(redis.eval(READ_REDIS, 0))
    records = {key: dict(zip(flat[::2], flat[1::2], strict=True)) for key, flat in found.items() if ":job:" in key}
    return {**found, **records}


def read_snapshot(found: Found, model: ReferenceModel) -> dict[str, Any]:
    """The state of the real records, as far as the model knows their jobs."""

    def each(what: str, names: Collection[str], kind: type = list) -> dict[str, Any]:
        return {name: kind(found.get(f"{PREFIX}{what}:{name}", ())) for name in names}

    return {
        "turns": {name: describe_record(record) for name, record in each("job", model.turns, dict).items()},
        "erased": each("job", model.erased, dict),
        "ready": each("ready", WORKED_AT),
        "leases": set(found.get(f"{PREFIX}leases", ())),
        "deadlines": set(found.get(f"{PREFIX}deadlines", ())),
        "leased": each("leased", WORKERS, set),
        "unfinished": each("unfinished", TENANTS),
        "dead": each("dead", TENANTS, set),
        "open": each("open", SESSIONS),
        "accepted": each("turns", SESSIONS),
        "parts": each("parts", list_lessons(model), set),
        "handed in": read_submissions(found),
        "open work": set(found.get(f"{PREFIX}open-work:{HOMEWORK}", ())),
        "deliveries": {
            name for key in found if key.startswith(f"{PREFIX}deliveries:{TENANTS[0]}/") for name in found[key]
        },
    }


def build_snapshot(model: ReferenceModel) -> dict[str, Any]:
    """The state of the reference model, in the same form."""
    unfinished, every = model.unfinished(), model.turns.values()
    return {
        "turns": {turn.name: describe_turn(turn, model.phase(turn)) for turn in every},
        "erased": {name: {"erased": "1"} for name in model.erased},
        "ready": {stage: model.ready(stage) for stage in WORKED_AT},
        "leases": {turn.name for turn in unfinished if turn.worker},
        "deadlines": {turn.name for turn in model.with_deadlines()},
        "leased": {worker: {turn.name for turn in unfinished if turn.worker == worker} for worker in WORKERS},
        "unfinished": {
            tenant: [turn.name for turn in model.with_deadlines() if turn.tenant == tenant] for tenant in TENANTS
        },
        "dead": {tenant: list_dead(model, tenant) for tenant in TENANTS},
        "open": {session: [turn.name for turn in model.waiting_turns(session)] for session in SESSIONS},
        "accepted": {session: [turn.name for turn in every if turn.session == session] for session in SESSIONS},
        "parts": {name: set(model.parts(name)) for name in list_lessons(model)},
        "handed in": model.submissions,
        "open work": model.open_work(),
        "deliveries": {f"{name}/assignment.completed" for name in model.completed & model.turns.keys()},
    }


def list_lessons(model: ReferenceModel) -> list[str]:
    """The lessons that still wait for turns, or may still get some."""
    return [turn.name for turn in model.turns.values() if "parts" in turn.stages]


def list_dead(model: ReferenceModel, tenant: str) -> set[str]:
    """The dead jobs that are listed; the turns of a lesson are not."""
    return {turn.name for turn in model.turns.values() if turn.dead and not turn.lesson and turn.tenant == tenant}


def read_submissions(found: Found) -> dict[str, str]:
    flat = found.get(f"{PREFIX}handed-in:{HOMEWORK}", ())
    return dict(zip(flat[::2], flat[1::2], strict=True))


def describe_record(record: dict[str, str]) -> dict[str, Any]:
    job = Job.from_record(record)
    return {
        "stages": tuple(record["stages"].split(",")),
        "seq": job.seq,
        "stage": job.stage,
        "phase": record["phase"],
        "worker": record.get("worker", ""),
        "fence": int(job.fence),
        "attempts": job.attempts,
        "facts": {name: getattr(job, name) for name in RESULT_FIELDS.values() if getattr(job, name)},
        "outcome": job.outcome,
        "error": job.error["code"] if job.error else "",
        "dead": job.dead,
        "retried_as": job.retried_as and f"{job.request.tenant}/{job.retried_as}",
        "rerun_as": job.rerun_as and f"{job.request.tenant}/{job.rerun_as}",
    }


def describe_turn(turn: Turn, phase: str) -> dict[str, Any]:
    return {
        "stages": turn.stages,
        "seq": turn.seq,
        "stage": turn.stage,
        "phase": phase,
        "worker": turn.worker,
        "fence": turn.fence,
        "attempts": turn.attempts,
        "facts": turn.facts,
        "outcome": "session_reset" if turn.reset else "answered" if "answer" in turn.facts else None,
        "error": turn.error,
        "dead": turn.dead,
        "retried_as": turn.retried_as or None,
        "rerun_as": turn.rerun_as or None,
    }


READ_KEYS = """
local read = { hash = 'HGETALL', set = 'SMEMBERS', string = 'GET' }
local keys = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  local kind = redis.call('TYPE', key).ok
  local content = {}
  if kind == 'zset' then content = redis.call('ZRANGE', key, 0, -1) end
  if read[kind] then content = redis.call(read[kind], key) end
  keys[#keys + 1] = { string.sub(key, #ARGV[1] + 1), redis.call('PTTL', key), content }
end
return cjson.encode(keys)
"""


@dataclass(frozen=True)
class Key:
    """A Redis key's milliseconds left (-1: no end), its members, and its fields if it is a hash."""

    left_ms: int
    members: tuple[str, ...]

    @property
    def fields(self) -> dict[str, str]:
        return dict(zip(self.members[::2], self.members[1::2], strict=True))


def read_keys(redis: Redis) -> dict[str, Key]:
    """Every key, without its prefix, as they are at one moment."""
    keys = json.loads(redis.eval(READ_KEYS, 0, PREFIX))
    return {key: Key(left, (each,) if isinstance(each, str) else tuple(each)) for key, left, each in keys}


def find_index_faults(keys: Mapping[str, Key]) -> list[str]:
    """The indexes that lack a job whose record is there, or that may be gone before it."""
    faults = []
    for key, record in keys.items():
        if not key.startswith("job:") or "stages" not in record.members:
            continue
        name = key.removeprefix("job:")
        for index, is_set in expected_indexes(record.fields):
            found = keys.get(index, Key(-2, ()))
            is_in = name in found.members if is_set else bool(found.members)
            is_kept = found.left_ms == -1 or found.left_ms >= record.left_ms != -1
            if not is_in or not is_kept:
                faults.append(f"{index} of {name}: {is_in}, {found.left_ms} ms, the record {record.left_ms} ms")
    return faults


def expected_indexes(record: Mapping[str, str]) -> list[tuple[str, bool]]:
    """The keys by which the job of a record is found, and whether each is a set that has the job as a member."""
    tenant, unfinished = record["tenant"], "ended_at" not in record
    session, assignment, lesson = f"{tenant}/{record['session']}", record.get("assignment"), record.get("lesson")
    awaits_answer = record["stage"] in {"segment", "parts", "asr", "llm"} and "llm" in record["stages"].split(",")
    sets = {
        f"turns:{session}": True,
        f"open:{session}": unfinished and awaits_answer,
        f"children:{lesson}": lesson,
        f"parts:{lesson}": lesson and unfinished,
        f"jobs:{tenant}": not lesson,
        f"unfinished:{tenant}": not lesson and unfinished,
        "deadlines": not lesson and unfinished,
        f"dead:{tenant}": not lesson and "dead" in record,
        f"work:{assignment}": assignment,
        f"open-work:{assignment}": assignment and unfinished,
    }
    hashes = {f"session:{session}": True, f"assignment:{assignment}": assignment}
    return [(key, True) for key, expected in sets.items() if expected] + [
        (key, False) for key, expected in hashes.items() if expected
    ]


LEADS_TO_TOMBSTONE = ("repeated:", "erased:")  # a repeated request and a repeated call are answered as before
LINKS = {"retry_of", "retried_as", "rerun_of", "rerun_as"}  # fields of a record that name another job


def find_names_left(keys: Mapping[str, Key], erased_jobs: Collection[str]) -> list[str]:
    """The keys whose name or content has an erased job, except its tombstone and what leads to it."""
    left = []
    for key, found in keys.items():
        if key.startswith(LEADS_TO_TOMBSTONE) or key.removeprefix("job:") in erased_jobs:
            continue
        members = found.members
        if key.startswith("job:"):
            members = tuple(value for field, value in found.fields.items() if field not in LINKS)
        named = {key.partition(":")[2], *members, *key.partition(":")[2].split("/")}
        texts = " ".join(each for each in members if each.startswith("[") or "/" in each)
        if any(name in named or f'"{name}"' in texts or f"{name}/" in texts for name in erased_jobs):
            left.append(key)
    return left
