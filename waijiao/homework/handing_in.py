"""Hands in what is new or failed of a class's recordings, a few at a time; one that is refused stops no other."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, Literal, cast

from pipeline.errors import NotAudio, WaijiaoError
from pipeline.homework.assignments import Student
from pipeline.homework.match_students import match_students
from pipeline.schemas.homework import HandedIn, Submission
from waijiao.client import Client
from waijiao.errors import Unreachable
from waijiao.homework.recordings import Found

AGAIN_S = 2.0  # seconds until what the server had no room for is sent again
FULL = {"rate_limited", "server_full", "quota_full", "unavailable"}  # codes of what there may be room for soon
DONE = {"failed", "expired", "canceled"}  # states of what may be handed in again just as it was
Kind = Literal["sent", "unchanged", "refused"]


@dataclass(frozen=True)
class Result:
    """What became of a file, whose it is as far as that is known, and its job; or why it was refused."""

    file: str
    kind: Kind
    student: str | None = None
    job: str | None = None
    code: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Sorted:
    """A class's files: whose each recording is, and what is refused before anything is sent."""

    owned: Sequence[tuple[Found, str]]
    refused: Sequence[Result]


def sorted_out(found: Sequence[Found], students: Sequence[Student]) -> Sorted:
    """Whose each is, its path says."""
    recordings = [each for each in found if each.opener]
    matching = match_students([each.path for each in recordings], students)
    wrong = {each.file: each for each in matching.problems}
    refused = [Result(each.name, "refused", None, None, each.code, each.detail) for each in found if not each.opener]
    for each in recordings:
        if problem := wrong.get(each.path):
            refused.append(Result(each.name, "refused", problem.student, None, problem.code, problem.detail))
    owners = matching.student_by_file
    return Sorted([(each, owners[each.path]) for each in recordings if each.path in owners], refused)


@dataclass
class HandingIn:
    """To the assignment `id_`, with what the server has of it already, which is not sent; `dry`: nothing is."""

    client: Client
    id_: str
    there: Sequence[Submission]
    dry: bool = False
    patience_s: float = 600  # that with a server which is FULL

    def all(self, owned: Sequence[tuple[Found, str]], at_once: int) -> Iterator[Result]:
        """What became of each, in their order. Unreachable stops it: the rest is sent when it is done again."""
        pool = ThreadPoolExecutor(at_once)
        try:
            yield from pool.map(lambda each: self.one(*each), owned)
        finally:
            pool.shutdown(cancel_futures=True)

    def one(self, found: Found, student: str) -> Result:
        try:
            if job := self.same(student, found.sha256()):
                return Result(found.name, "unchanged", student, job)
            return Result(found.name, "sent", student) if self.dry else self.sent(found, student)
        except Unreachable:
            raise
        except (WaijiaoError, OSError) as error:
            code = error.code if isinstance(error, WaijiaoError) else "unreadable"
            return Result(found.name, "refused", student, None, code, str(error))

    def same(self, student: str, sha256: str) -> str | None:
        """The job of just this recording, unless that came to nothing."""
        same = (each for each in self.there if (each.student, each.sha256) == (student, sha256))
        return next((each.job for each in same if each.state not in DONE), None)

    def sent(self, found: Found, student: str) -> Result:
        assert found.opener  # noqa: S101 - what has none has no student either
        until = time.monotonic() + self.patience_s
        while True:
            with found.opener() as file:
                result = result_of(
                    self.client.hand_in(self.id_, cast(BinaryIO, file), student, file=found.name), found.name
                )
            if result.code not in FULL or time.monotonic() > until:
                return result
            time.sleep(AGAIN_S)


def result_of(handed_in: HandedIn, file: str) -> Result:
    """What became of the one recording that was sent."""
    for each in handed_in.accepted:
        return Result(file, "sent", each.student, each.job)
    for each in handed_in.unchanged:
        return Result(file, "unchanged", each.student, each.job)
    for no in handed_in.refused:
        return Result(file, "refused", no.student, None, no.code, no.detail)
    return Result(file, "refused", None, None, NotAudio.code, NotAudio.meaning())
