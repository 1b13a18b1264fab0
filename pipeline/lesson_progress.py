"""How far a lesson is: how many of its turns have ended, whether anything changed, when all of it will have ended."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from redis import Redis

from pipeline.forecast import Line
from pipeline.jobs import PREFIX
from pipeline.lessons import Turn
from pipeline.record import Job


@dataclass(frozen=True)
class Count:
    """How many turns a lesson has so far, and how many of them have ended."""

    turns: int
    done: int


def counts(redis: "Redis", lessons: Sequence[Job]) -> list[Count]:
    """Those of each lesson, by two numbers that Redis keeps."""
    with redis.pipeline(transaction=False) as reading:
        for lesson in lessons:
            reading.zcard(f"{PREFIX}children:{of_turns(lesson)}")
            reading.scard(f"{PREFIX}parts:{of_turns(lesson)}")
        found = reading.execute()
    return [Count(turns, turns - open_) for turns, open_ in zip(found[::2], found[1::2], strict=True)]


def tag(redis: "Redis", lesson: Job) -> str:
    """Another one whenever the lesson or one of its turns has changed; cheaper than reading them."""
    names = cast(list[str], redis.zrange(f"{PREFIX}children:{of_turns(lesson)}", 0, -1))
    with redis.pipeline(transaction=False) as reading:
        for name in names:
            reading.hget(f"{PREFIX}job:{name}", "version")
        versions = ",".join(map(str, reading.execute()))
    return f"{lesson.version}-{hashlib.sha256(versions.encode()).hexdigest()[:16]}"


def of_turns(lesson: Job) -> str:
    """The name under which the lesson's turns are kept: another version of a lesson has those of the first one."""
    return f"{lesson.question.tenant}/{lesson.question.turns_of}"


def eta_s(turns: Sequence[Turn], house: Mapping[str, Line]) -> float | None:
    """Seconds until the turns have ended and are summed up, as the lines of the `house` are now.

    None while nobody knows how fast turns are heard and answered. The spoken summary counts once a voice was measured.
    """
    asr, llm = house.get("asr"), house.get("llm")
    if asr is None or llm is None:
        return None
    unheard = sum(turn.job.ended_at is None and turn.job.stage == "asr" for turn in turns)
    hearing = ahead(asr) * asr.every_s if unheard else 0.0
    answering = (ahead(llm) + unheard) * llm.every_s
    summing_up = llm.ran_s + (house["tts"].ran_s if "tts" in house else 0.0)
    return max(hearing, answering) + summing_up


def ahead(line: Line) -> float:
    """Whole jobs that the line has still to do: lessons' turns wait for all others."""
    return line.waiting["bulk"] + line.in_hand
