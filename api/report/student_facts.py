"""A student's homework and the teacher's answer as JSON, for programs."""

import json

from api.report.handed import audio_name
from api.report.results import Result
from api.report.times import iso
from pipeline.homework.assignments import Assignment


def student_facts(assignment: Assignment, result: Result, stem: str) -> bytes:
    """UTF-8. Lengths in seconds, times in ISO 8601 with offset, probabilities in [0, 1]; null where there is nothing.

        {"assignment": {"id", "title", "instructions", "text", "words": […], "due"},
         "student": {"name", "id"}, "job_id", "state", "handed_in_at", "on_time",
         "recording_s", "words_said", "corrections", "words_per_minute",
         "text_words", "text_words_read", "text_words_missed": […], "target_words_used": […],
         "language", "heard", "words": [{"word", "start", "end", "probability"}], "unclear": [{"word", "probability"}],
         "corrected", "edits": [{"from", "to", "at": [first, after the last]}], "explanation", "reply",
         "answer": {"text", "file", "duration_s"}, "error": {"code", "stage", "detail", "retryable"}}

    An edit's places count the words of `heard`: a Chinese character, or a run of anything else between spaces. `file`
    lies beside this one; it is null, as `duration_s` is, until the answer is spoken.
    """
    facts = {**_asked(assignment), **_counted(result), **_said(result), **_answered(result, stem)}
    return json.dumps(facts, ensure_ascii=False, indent=1).encode(errors="replace")


def _asked(assignment: Assignment) -> dict[str, object]:
    set_ = {name: getattr(assignment, name) for name in ("id", "title", "instructions", "text", "words")}
    return {"assignment": {**set_, "due": iso(assignment.due)}}


def _counted(result: Result) -> dict[str, object]:
    student, reading = result.handed.student, result.reading
    return {
        "student": {"name": student.name, "id": student.id},
        "job_id": result.job and result.job.id,
        "state": result.state,
        "handed_in_at": iso(result.handed.handed_in_at),
        "on_time": result.on_time,
        "recording_s": result.recording_s,
        "words_said": result.words,
        "corrections": result.corrections,
        "words_per_minute": result.words_per_minute,
        "text_words": reading and reading.words,
        "text_words_read": reading and reading.read,
        "text_words_missed": reading and reading.missed,
        "target_words_used": result.used,
    }


def _said(result: Result) -> dict[str, object]:
    transcript, feedback = result.transcript, result.feedback
    return {
        "language": transcript and transcript.language,
        "heard": result.heard or None,
        "words": transcript.as_dict()["words"] if transcript else [],
        "unclear": [{"word": word, "probability": probability} for word, probability in result.unclear],
        "corrected": feedback and feedback.corrected,
        "edits": [edit.as_dict() for edit in feedback.edits] if feedback else [],
        "explanation": feedback and feedback.explanation,
        "reply": feedback and feedback.reply,
    }


def _answered(result: Result, stem: str) -> dict[str, object]:
    answer = result.job.answer if result.job else None
    spoken = {"file": audio_name(stem, result.job) or None, "duration_s": answer and answer.duration_s}
    error = result.job.error if result.job else None
    return {"answer": {"text": result.answer, **spoken} if result.answer else None, "error": error and dict(error)}
