"""Assignments: the homework that a class was set, its students, and the jobs that they submitted."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from pydantic import BeforeValidator, Json

from pipeline.errors import AssignmentExists, UnknownAssignment, UnknownClass
from pipeline.jobs.job import Job
from pipeline.jobs.listing import list_tries, read_jobs
from pipeline.jobs.records import UnixTime, clamp_time, read_all, read_fields, read_hashes, to_json
from pipeline.jobs.store import PREFIX, Jobs, call_token
from pipeline.practice.sentence import find_sentence
from pipeline.practice.tries import JobTries, collect_tries

LEVELS = ("", "A1", "A2", "B1", "B2", "C1", "C2")  # of the Common European Framework of Reference; "": not stated
MAX_STUDENTS = 2000
MAX_CELL_CHARS = 100  # of a student's name, and of an id


@dataclass(frozen=True)
class Student:
    """One of a class: `name`, unique within an assignment, and the `id` that a school may have for them.

    `pupil`: the id within a class that is kept, "" of others. `names`: how files may name the student; without any,
    as `name` does.
    """

    name: str
    id: str = ""
    pupil: str = ""
    names: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What stands for the student in the records of an assignment: a pupil may be renamed."""
        return self.pupil or self.name


@dataclass(frozen=True)
class Assignment:
    """What was set. `id` is its name within the tenant; `class_name` that of the class; `due` is in Unix seconds.

    `text` is what was to be read aloud, if anything; `words` are to be used; `hold`: answers wait for the teacher;
    `clearness`: how clearly the words of the text are said is measured; `card`: each answer has a lesson card.
    `retention_h`, `webhook`, `voice`, `speed`, `format`: those of each answer. Without `students`, anybody may submit.
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
    due: Annotated[float | None, BeforeValidator(clamp_time)] = None
    retention_h: int = 168
    hold: bool = False
    students: tuple[Student, ...] = ()
    voice: str = "default"
    speed: float = 1.0
    format: str = "wav"
    webhook: str = ""
    clearness: bool = False
    card: bool = False  # of assignments that were stored before there were cards
    class_id: str = ""  # the class that is kept whose pupils are the students

    @property
    def name(self) -> str:
        """Its name in Redis keys."""
        return f"{self.tenant}/{self.id}"

    @property
    def group(self) -> str:
        """The group that is served in turn with others: the class, else the assignment."""
        return self.class_name or self.id


@dataclass(frozen=True)
class StoredAssignment:
    """An assignment's record."""

    assignment: Json[Assignment]
    created_at: UnixTime


class Assignments:
    """The assignments in one Redis. Every change is atomic; reading many records is not."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.redis = jobs.redis

    def put(self, assignment: Assignment, replace: bool) -> str:
        """Store it for as long as what is submitted by its due time is kept.

        Returns created, same or replaced. Raises UnknownClass, and AssignmentExists when another one has its id, unless
        `replace`.
        """
        submission_s = max(0.0, (assignment.due or 0) - time.time()) + self.jobs.settings.deadline_s
        school_class = f"{assignment.tenant}/{assignment.class_id}" if assignment.class_id else None
        outcome = str(
            self.jobs.run(
                "assign",
                name=assignment.name,
                assignment=to_json(assignment),
                ttl_s=submission_s + 3600 * assignment.retention_h,
                replace=replace,
                school_class=school_class,
                class_work=class_work(assignment) if school_class else None,
            )[0]
        )
        if outcome == "other":
            raise AssignmentExists
        if outcome == "unknown_class":
            raise UnknownClass
        return outcome

    def get(self, tenant: str, id_: str) -> "AssignmentWithJobs":
        """The assignment and the jobs submitted for it. Raises UnknownAssignment."""
        keys = [f"{PREFIX}assignment:{tenant}/{id_}", f"{PREFIX}handed-in:{tenant}/{id_}"]
        record, names = read_hashes(self.redis, keys)
        if record == {}:
            raise UnknownAssignment
        stored = read_fields(StoredAssignment, record or {})
        jobs = read_jobs(self.redis, [*(names or {}).values()], keys[1])
        present = {key: jobs[name] for key, name in (names or {}).items() if name in jobs}
        return AssignmentWithJobs(stored.assignment, stored.created_at, name_students(stored.assignment, present))

    def list_tries(self, class_work: "AssignmentWithJobs") -> dict[str, list[Job]]:
        """The jobs of the tries of each student who has said a sentence again, oldest first."""
        lists = list_tries(self.redis, [job.name for job in class_work.jobs.values()])
        return {student: try_jobs for student, try_jobs in zip(class_work.jobs, lists, strict=True) if try_jobs}

    def all(self, tenant: str) -> list[Assignment]:
        """All of the tenant's, newest first."""
        names = cast(list[str], self.redis.zrevrange(f"{PREFIX}assignments:{tenant}", 0, -1))
        records = read_hashes(self.redis, [f"{PREFIX}assignment:{name}" for name in names])
        if expired_names := [name for name, record in zip(names, records, strict=True) if record == {}]:
            self.redis.zrem(f"{PREFIX}assignments:{tenant}", *expired_names)
        present = [record for record in records if record != {}]
        stored = read_all(lambda record: read_fields(StoredAssignment, record), present, f"assignments:{tenant}")
        return [each.assignment for each in stored if each]

    def erase(self, tenant: str, id_: str) -> list[str]:
        """Erase it and every job that was submitted for it; returns their names, whose blobs are to be removed."""
        if not self.redis.exists(f"{PREFIX}assignment:{tenant}/{id_}"):
            raise UnknownAssignment
        tombstone_s = self.jobs.settings.retention_h * 3600
        job_names = self.jobs.run("unassign", name=f"{tenant}/{id_}", tombstone_s=tombstone_s, call=call_token())[0]
        return cast(list[str], job_names)


def name_students(assignment: Assignment, jobs: Mapping[str, Job]) -> dict[str, Job]:
    """The jobs by the names of their students, of whom no two have the same; they are stored by their keys.

    Who is not on the list any more has the name that stood there; a sign says so where another one has it now.
    """
    names = {student.key: student.name for student in assignment.students}
    jobs_by_name = {names[key]: job for key, job in jobs.items() if key in names}
    for key, job in jobs.items():
        if key not in names:
            name = job.request.student or key
            while name in jobs_by_name or name in names.values():
                name += " *"
            jobs_by_name[name] = job
    return jobs_by_name


@dataclass(frozen=True)
class ClassWork:
    """What a class keeps of an assignment: enough for the progress of its pupils, whose ids these are."""

    id: str
    title: str
    due: Annotated[float | None, BeforeValidator(clamp_time)] = None
    reads_aloud: bool = False
    pupils: tuple[str, ...] = ()


def class_work(assignment: Assignment) -> str:
    """The ClassWork of an assignment, as JSON."""
    pupils = tuple(student.pupil for student in assignment.students)
    return to_json(ClassWork(assignment.id, assignment.title, assignment.due, bool(assignment.text), pupils))


@dataclass(frozen=True)
class AssignmentWithJobs:
    """An assignment, when it was set (Unix seconds), and the job that counts of each student who handed in."""

    assignment: Assignment
    created_at: float
    jobs: Mapping[str, Job]

    @property
    def students(self) -> tuple[Student, ...]:
        """The assignment's students, then others who submitted."""
        roster_names = {student.name for student in self.assignment.students}
        others = sorted(name for name in self.jobs if name not in roster_names)
        return (*self.assignment.students, *(Student(name, pupil=self.jobs[name].request.pupil) for name in others))

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of the students who have not submitted."""
        return tuple(student.name for student in self.assignment.students if student.name not in self.jobs)

    def collect_tries(self, try_jobs: Mapping[str, Sequence[Job]]) -> dict[str, JobTries]:
        """How each of these students said the sentence again; `try_jobs` is what Assignments.list_tries returns."""
        sentences = {student: find_sentence(self.jobs[student]) for student in try_jobs}
        return {
            student: collect_tries(self.jobs[student], sentence, try_jobs[student])
            for student, sentence in sentences.items()
            if sentence
        }

    @property
    def complete(self) -> bool:
        """Whether every student has submitted and every job has ended."""
        return bool(self.jobs) and not self.missing and all(job.ended_at is not None for job in self.jobs.values())
