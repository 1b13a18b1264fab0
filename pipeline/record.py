"""What a job is and how far it got, read from its record in Redis. Frozen: only jobs.py changes records."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from pipeline.turns import Answer, Feedback, Transcript

STAGES = ("asr", "llm", "tts")


class State(StrEnum):
    """What a client is told. The last four never change again."""

    QUEUED = "queued"
    TRANSCRIBING = "transcribing"
    THINKING = "thinking"
    SPEAKING = "speaking"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


AT_STAGE = {"asr": State.TRANSCRIBING, "llm": State.THINKING, "tts": State.SPEAKING}
BY_ERROR = {"canceled": State.CANCELED, "expired": State.EXPIRED}


@dataclass(frozen=True)
class Question:
    """What a learner asks: a recording (its name in the blob store), typed text, or both, and how to answer it."""

    id: str
    session: str
    tenant: str = "default"
    recording: str = ""
    text: str = ""
    persona: str = "william"
    language: str = ""
    voice: str = "default"
    speed: float = 1.0
    format: str = "wav"

    @property
    def road(self) -> tuple[str, ...]:
        """The stages of this job, in order: typed text alone needs no recognition."""
        return STAGES if self.recording else STAGES[1:]

    @property
    def name(self) -> str:
        """The job's name in every key and blob."""
        return f"{self.tenant}/{self.id}"


@dataclass(frozen=True)
class Timing:
    """Seconds one stage `waited` for a worker and `ran`; None while it does."""

    waited_s: float | None
    ran_s: float | None


@dataclass(frozen=True)
class Job:
    """One job as its record stood when it was read. Times are Unix seconds by Redis's clock."""

    question: Question
    seq: int
    stage: str
    fence: str
    version: int
    created_at: float
    updated_at: float
    deadline_at: float
    ended_at: float | None = None
    outcome: str | None = None
    transcript: Transcript | None = None
    feedback: Feedback | None = None
    answer: Answer | None = None
    error: Mapping[str, Any] | None = None
    dead: bool = False  # it failed through no fault of its own, and may be retried
    retry_of: str | None = None  # id of the dead job in whose place this one is answered
    retried_as: str | None = None  # id of the job that is answered in the place of this one
    attempts: Mapping[str, int] = field(default_factory=dict)
    timings: Mapping[str, Timing] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.question.id

    @property
    def name(self) -> str:
        return self.question.name

    @property
    def state(self) -> State:
        if self.error:
            return BY_ERROR.get(self.error["code"], State.FAILED)
        if self.ended_at is not None:
            return State.SUCCEEDED
        return AT_STAGE[self.stage] if self.attempts else State.QUEUED

    def blobs(self, keep_recordings: bool) -> set[str]:
        """Names in the blob store that are still needed: the recording until it was recognised, and the answer."""
        unheard = self.transcript is None and (self.ended_at is None or self.dead)
        recording = self.question.recording if unheard or keep_recordings else ""
        return {name for name in (recording, self.answer and self.answer.blob) if name}

    @classmethod
    def from_record(cls, record: Mapping[str, str]) -> Self:
        """Read a record's hash; every field that a script or jobs.py writes is named here."""

        def parsed(name: str) -> Any:
            return json.loads(record[name]) if name in record else None

        def seconds(name: str) -> float | None:
            return float(record[name]) if name in record else None

        def other(name: str) -> str | None:
            return record[name].split("/")[1] if name in record else None

        transcript, feedback, answer = parsed("transcript"), parsed("feedback"), parsed("answer")
        question = Question(**json.loads(record["question"]))
        return cls(
            question=question,
            seq=int(record["seq"]),
            stage=record["stage"],
            fence=record.get("fence", "0"),
            version=int(record["version"]),
            created_at=float(record["created_at"]),
            updated_at=float(record["updated_at"]),
            deadline_at=float(record["deadline_at"]),
            ended_at=seconds("ended_at"),
            outcome=record.get("outcome", "answered" if "answer" in record else None),
            transcript=transcript and Transcript.from_dict(transcript),
            feedback=feedback and Feedback.from_dict(feedback),
            answer=answer and Answer.from_dict(answer),
            error=parsed("error"),
            dead="dead" in record,
            retry_of=other("retry_of"),
            retried_as=other("retried_as"),
            attempts={s: int(record[f"attempts:{s}"]) for s in question.road if f"attempts:{s}" in record},
            timings={s: Timing(seconds(f"waited:{s}"), seconds(f"ran:{s}")) for s in question.road},
        )
