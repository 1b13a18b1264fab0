"""What is said in one turn: the words heard, the teacher's feedback, the spoken answer. Facts, all frozen."""

from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Word:
    """One recognised word; `start` and `end` in seconds from the recording's start, `probability` in [0, 1]."""

    word: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class Transcript:
    """What was heard. `language` is an ISO 639-1 code; `duration_s` the recording's length in seconds."""

    text: str
    language: str
    duration_s: float
    words: tuple[Word, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        return cls(**{**fields, "words": tuple(Word(**word) for word in fields["words"])})


@dataclass(frozen=True)
class Edit:
    """One correction: the words `heard[at[0]:at[1]]`, joined by spaces, are `before`; `after` takes their place."""

    before: str
    after: str
    at: tuple[int, int]

    def as_dict(self) -> dict[str, Any]:
        return {"from": self.before, "to": self.after, "at": list(self.at)}


@dataclass(frozen=True)
class Feedback:
    """What the teacher makes of it. `spoken` is what the voice will say; `reset`: the learner asked to start over."""

    heard: str
    corrected: str
    reply: str
    spoken: str
    edits: tuple[Edit, ...] = ()
    explanation: str = ""
    reset: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "edits": [edit.as_dict() for edit in self.edits]}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        edits = tuple(Edit(e["from"], e["to"], (e["at"][0], e["at"][1])) for e in fields["edits"])
        return cls(**{**fields, "edits": edits})


@dataclass(frozen=True)
class Answer:
    """The spoken answer: `blob` is its name in the blob store, `sha256` and `size` (bytes) are the blob's."""

    text: str
    blob: str
    sha256: str
    size: int
    duration_s: float
    format: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        return cls(**fields)


@dataclass(frozen=True)
class Exchange:
    """An earlier turn of the session: what the learner said, and what the teacher answered in the model's own form."""

    learner: str
    teacher: str
