"""Homework that a class was set, who is to hand it in, and who did: objects of Redis, beside the jobs' own records."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

LEVELS = ("", "A1", "A2", "B1", "B2", "C1", "C2")  # of the Common European Framework of Reference; "": not said


@dataclass(frozen=True)
class Student:
    """One of a class: `name`, no two the same in one assignment, and the `id` that a school may have for them."""

    name: str
    id: str = ""


@dataclass(frozen=True)
class Assignment:
    """What was set. `id` is its name within the tenant; `class_name` that of the class; `due` is in Unix seconds.

    `text` is what was to be read aloud, if anything; `words` are to be used; `hold`: answers wait for the teacher.
    `retention_h`, `webhook`, `voice`, `speed` and `format` are those of each answer. No `students`: whoever hands in.
    """

    id: str
    tenant: str
    title: str
    instructions: str = ""
    text: str = ""
    words: tuple[str, ...] = ()
    persona: str = "william"
    language: str = ""
    level: str = ""
    class_name: str = ""
    due: float | None = None
    retention_h: int = 168
    hold: bool = False
    students: tuple[Student, ...] = ()
    voice: str = "default"
    speed: float = 1.0
    format: str = "wav"
    webhook: str = ""

    @property
    def name(self) -> str:
        """Its name in every key."""
        return f"{self.tenant}/{self.id}"

    @property
    def group(self) -> str:
        """Whose turn it is when classes take turns."""
        return self.class_name or self.id

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        students = tuple(Student(**student) for student in fields["students"])
        return cls(**{**fields, "words": tuple(fields["words"]), "students": students})

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls.from_dict(json.loads(text))
