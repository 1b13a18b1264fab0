"""Homework of sample classes as job records: learners' recordings as the default models answered them."""

import json
from dataclasses import replace
from pathlib import Path

from api.reports import StudentWork
from pipeline.homework.assignments import Assignment, Student
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.records import read_fields
from pipeline.jobs.results import Answer, Feedback, Transcript, Word
from pipeline.text.corrections import compare, explain

ANSWERS = Path(__file__).parents[1] / "data" / "answers.json"  # to examples/recordings, made by answer_recordings.py
DUE = 1_796_000_000.0  # Unix seconds
NAMES = ("安娜", "王小明", "李华", "Bo", "欧阳娜娜", "Maria-Theresa von Habsburg")
NO_SPEECH = {
    "code": "no_speech",
    "stage": "asr",
    "detail": "Nobody speaks in the recording. Record again, closer to the microphone.",
    "retryable": True,
}


def make_assignment(rows: list[StudentWork], **fields) -> Assignment:
    students = tuple(row.student for row in rows)
    defaults = {"title": "第三单元 Unit 3: At the zoo", "class_name": "三年级二班", "due": DUE, "students": students}
    return Assignment(id="hw3", tenant="default", **{**defaults, **fields})


def make_job(number: int, transcript: Transcript | None, feedback: Feedback | None) -> Job:
    """A job, answered if there is feedback."""
    job_request = JobRequest(
        id=f"job-{number}", session=f"job-{number}", recording="r", assignment="hw3", lane="homework"
    )
    answer = feedback and Answer(feedback.spoken, "blob", "sha", 1, 4.25, "wav")
    ended_at = DUE - 500 + number
    return Job(
        job_request,
        1,
        "tts",
        "0",
        3,
        DUE - 900,
        ended_at,
        DUE + 9e5,
        ended_at,
        "answered",
        transcript,
        feedback,
        answer,
    )


def fail_work(row: StudentWork) -> StudentWork:
    assert row.job
    job_without_answer = replace(row.job, transcript=None, feedback=None, answer=None, outcome=None, error=NO_SPEECH)
    return replace(row, job=job_without_answer)


def make_speech(heard: str, corrected: str = "", probability: float = 0.9) -> tuple[Transcript, Feedback]:
    """The transcript of words that all have one probability, said in 30 seconds; the feedback with their correction."""
    words = tuple(Word(word, n / 2, n / 2 + 0.4, probability) for n, word in enumerate(heard.split()))
    edits = tuple(piece.edit for piece in compare(heard, corrected or heard) if not piece.is_unchanged)
    feedback = check(Feedback(heard, corrected or heard, "Why?", "Well said! Why?", edits, explain(edits, heard)))
    return Transcript(heard, "en", 30.0, words), feedback


def check(feedback: Feedback) -> Feedback:
    """The feedback of a turn that was checked for mistakes."""
    return replace(feedback, verdict="corrected" if feedback.edits else "correct")


def make_student_work(number: int, name: str, words: tuple[Transcript, Feedback]) -> StudentWork:
    return StudentWork(Student(name, f"20260{number:03d}"), make_job(number, *words), DUE - 600 + 20 * number)


def make_sample_class() -> list[StudentWork]:
    """The learners of `examples/recordings`: some late, one failed, one held, one erased; two submitted nothing."""
    answers = json.loads(ANSWERS.read_text(encoding="utf-8"))
    names = [*NAMES, *(f"学生 {number}" for number in range(len(NAMES), len(answers)))]
    rows = [
        make_student_work(
            number, name, (read_fields(Transcript, each["transcript"]), read_fields(Feedback, each["feedback"]))
        )
        for number, (name, each) in enumerate(zip(names, answers, strict=True))
    ]
    rows[7] = fail_work(rows[7])
    assert rows[9].job
    rows[9] = replace(rows[9], job=replace(rows[9].job, stage="hold", answer=None, ended_at=None, attempts={"asr": 1}))
    missing = [StudentWork(Student("缺席的人"), None, None), StudentWork(Student("No-show Ned"), None, None)]
    return [*rows, *missing, StudentWork(Student("旧"), None, DUE - 9)]
