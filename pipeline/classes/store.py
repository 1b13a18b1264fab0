"""The classes in Redis, which are kept until they are deleted, and the assignments that each class had."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from pydantic import Json

from pipeline.classes.school_class import ClassChanges, SchoolClass, apply_changes
from pipeline.errors import ClassChanged, UnknownClass
from pipeline.homework.assignments import ClassWork
from pipeline.jobs.records import UnixTime, read_all, read_fields, read_hashes, read_json, to_json
from pipeline.jobs.store import PREFIX, Jobs

MAX_CALLS = 20  # of one change, while others change the class


@dataclass(frozen=True)
class StoredClass:
    """A class's record, and when it was made."""

    school_class: SchoolClass
    created_at: float


@dataclass(frozen=True)
class ClassRecord:
    """How it is stored."""

    class_: Json[SchoolClass]
    created_at: UnixTime


@dataclass(frozen=True)
class DatedWork:
    """An assignment of a class, and when it was set, in Unix seconds."""

    work: ClassWork
    set_at: float


class Classes:
    """The classes in one Redis. Every change is atomic; one that others have overtaken is made anew."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.redis = jobs.redis

    def create(self, school_class: SchoolClass) -> None:
        """Store a new class."""
        if not self._put(school_class, None):
            raise ClassChanged

    def get(self, tenant: str, id_: str) -> StoredClass:
        """Raises UnknownClass."""
        (record,) = read_hashes(self.redis, [f"{PREFIX}class:{tenant}/{id_}"])
        if record == {}:
            raise UnknownClass
        return read_record(record or {})

    def all(self, tenant: str) -> list[StoredClass]:
        """All of the tenant's, newest first."""
        names = cast(list[str], self.redis.zrevrange(f"{PREFIX}classes:{tenant}", 0, -1))
        records = read_hashes(self.redis, [f"{PREFIX}class:{name}" for name in names])
        present = [record for record in records if record != {}]
        return [each for each in read_all(read_record, present, f"classes:{tenant}") if each]

    def change(self, tenant: str, id_: str, changes: ClassChanges) -> SchoolClass:
        """The class after these changes. Raises UnknownClass, UnknownPupil, BadRoster, ClassChanged."""
        return self._change(tenant, id_, lambda school_class: apply_changes(school_class, changes))

    def forget_pupil(self, tenant: str, pupil: str) -> int:
        """Take the pupil with this id out of the tenant's classes; out of how many."""
        count = 0
        for each in self.all(tenant):
            if pupil in {member.id for member in each.school_class.pupils}:
                self._change(tenant, each.school_class.id, lambda school_class: without(school_class, pupil))
                count += 1
        return count

    def _change(self, tenant: str, id_: str, change: Callable[[SchoolClass], SchoolClass]) -> SchoolClass:
        for _ in range(MAX_CALLS):
            earlier = cast(str | None, self.redis.hget(f"{PREFIX}class:{tenant}/{id_}", "class"))
            if earlier is None:
                raise UnknownClass
            new_class = change(read_json(SchoolClass, earlier))
            if self._put(new_class, earlier):
                return new_class
        raise ClassChanged

    def _put(self, school_class: SchoolClass, earlier: str | None) -> bool:
        """Whether it was stored: not if what is stored is not `earlier`."""
        stored = to_json(school_class)
        outcome = self.jobs.run("put_class", name=school_class.path, school_class=stored, earlier=earlier)[0]
        return bool(outcome == "put")

    def erase(self, tenant: str, id_: str) -> None:
        """Its assignments stay, and what was handed in for them. Raises UnknownClass."""
        if not self.jobs.run("erase_class", name=f"{tenant}/{id_}")[0]:
            raise UnknownClass

    def list_work(self, tenant: str, id_: str) -> list[DatedWork]:
        """The assignments of a class, the oldest first, also those that are not stored any more."""
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(f"{PREFIX}class-work:{tenant}/{id_}")
            pipe.zrange(f"{PREFIX}class-work-times:{tenant}/{id_}", 0, -1, withscores=True)
            texts, times = pipe.execute()
        present = [(texts[assignment], set_at) for assignment, set_at in times if assignment in texts]
        works = read_all(lambda text: read_json(ClassWork, text), [text for text, _ in present], f"class-work:{tenant}")
        return [DatedWork(work, set_at) for work, (_, set_at) in zip(works, present, strict=True) if work]


def read_record(record: dict[str, str]) -> StoredClass:
    """Raises BrokenRecord."""
    stored = read_fields(ClassRecord, {**record, "class_": record.get("class")})
    return StoredClass(stored.class_, stored.created_at)


def without(school_class: SchoolClass, pupil: str) -> SchoolClass:
    return replace(school_class, pupils=tuple(each for each in school_class.pupils if each.id != pupil))
