"""Records of other versions can be read; the error for a broken record names the field and never its content."""

import json
from dataclasses import MISSING, fields, is_dataclass, replace
from typing import get_args

import pytest

from pipeline.errors import BrokenRecord
from pipeline.homework.assignments import Assignment, Student
from pipeline.jobs.job import Job, JobRequest, State, Timing
from pipeline.jobs.records import read_json, to_fields, to_json
from pipeline.jobs.results import (
    Answer,
    CardChapter,
    Completion,
    Edit,
    Feedback,
    Figure,
    LessonCard,
    LessonSegment,
    LessonSegments,
    Part,
    Reading,
    ReadingFluency,
    ReadWord,
    Segment,
    Transcript,
    Verdict,
    Word,
)
from pipeline.webhooks.outbox import Attempt

STORED = {  # what is in a server's Redis must be read, and written like this, letter by letter
    '{"id": "3f", "session": "anna", "tenant": "north", "recording": "north/3f/x", "text": "", "persona": "meiling", '
    '"language": "zh", "hint": "王小明", "voice": "default", "speed": 0.9, "format": "mp3", "task": "teach", '
    '"lane": "homework", "key": "k1", "owner": "", "webhook": "https://example.org/hook", '
    '"webhook_events": ["job.succeeded"], "metadata": {"row": "7"}, "details": {"words": ["went"]}, '
    '"assignment": "hw3", "student": "王小明", "pupil": "f3", "lesson": "", "sha256": "00ff", "due": 1796000000.5, '
    '"group": "三年级", '
    '"hold": true, "retention_h": null, "said": "I go home.", "page_language": "zh", '
    '"card": true, "practised": "9c", "keeps_recording": false}': JobRequest(
        id="3f",
        session="anna",
        tenant="north",
        recording="north/3f/x",
        persona="meiling",
        language="zh",
        hint="王小明",
        speed=0.9,
        format="mp3",
        lane="homework",
        key="k1",
        webhook="https://example.org/hook",
        webhook_events=("job.succeeded",),
        metadata={"row": "7"},
        details={"words": ["went"]},
        assignment="hw3",
        student="王小明",
        pupil="f3",
        sha256="00ff",
        due=1_796_000_000.5,
        group="三年级",
        hold=True,
        said="I go home.",
        page_language="zh",
        card=True,
        practised="9c",
    ),
    '{"text": "I go", "language": "en", "duration_s": 2.0, '
    '"words": [{"word": "I", "start": 0.0, "end": 0.1, "probability": 0.9, "misheard": 0.25}], '
    '"segments": [{"start": 0.0, "end": 2.0, "text": "I go", "avg_logprob": -0.25, "compression_ratio": 0.8, '
    '"no_speech_prob": 0.01}], "gaps": [], '
    '"reading": {"words": [{"word": "I", "state": "not_clear", "start": 0.0, "end": 0.1, "weakest": "aɪ", '
    '"clearness": -2.4}, {"word": "do", "state": "left_out", "start": null, "end": null, "weakest": "", '
    '"clearness": null}], '
    '"fluency": {"sounds_per_s": {"value": 4.5, "low": 5.28, "high": 8.88}, '
    '"words_per_s": {"value": 1.5, "low": 1.75, "high": 3.12}, '
    '"pauses_per_word": {"value": 0.5, "low": 0.0, "high": 0.17}, '
    '"longest_pause_s": {"value": 0.25, "low": 0.0, "high": 0.29}}}}': Transcript(
        "I go",
        "en",
        2.0,
        (Word("I", 0.0, 0.1, 0.9, 0.25),),
        (Segment(0.0, 2.0, "I go", -0.25, 0.8, 0.01),),
        reading=Reading(
            (ReadWord("I", "not_clear", 0.0, 0.1, "aɪ", -2.4), ReadWord("do", "left_out")),
            ReadingFluency(
                Figure(4.5, 5.28, 8.88), Figure(1.5, 1.75, 3.12), Figure(0.5, 0.0, 0.17), Figure(0.25, 0.0, 0.29)
            ),
        ),
    ),
    '{"heard": "I go", "corrected": "I went", "reply": "Why?", "spoken": "I went. Why?", '
    '"edits": [{"from": "go", "to": "went", "at": [1, 2], "kind": "R:VERB:TENSE", '
    '"explanations": {"en": "went, not go", "zh": "不说 go，说 went"}}], "explanation": "went, not go", '
    '"reset": false, "verdict": "corrected", "unclear": [0], "plan": null, "plan_question": ""}': Feedback(
        "I go",
        "I went",
        "Why?",
        "I went. Why?",
        (Edit("go", "went", (1, 2), "R:VERB:TENSE", {"en": "went, not go", "zh": "不说 go，说 went"}),),
        "went, not go",
        verdict="corrected",
        unclear=(0,),
    ),
    '{"text": "Hi.", "finish_reason": "stop", "prompt_tokens": 12, "completion_tokens": 3}': Completion(
        "Hi.", "stop", 12, 3
    ),
    '{"text": "I went.", "blob": "north/3f/a", "sha256": "aa", "size": 12, "duration_s": 1.5, "format": "wav", '
    '"parts": [{"text": "I went.", "blob": "north/3f/b", "sha256": "bb", "size": 11, "duration_s": 1.5}], '
    '"card": {"blob": "north/3f/c", "sha256": "cc", "size": 13, "duration_s": 9.5, "chapters": [{"kind": "own_words", '
    '"title": "你说的话", "start_s": 0.0, "end_s": 1.5}]}, "no_card": ""}': Answer(
        "I went.",
        "north/3f/a",
        "aa",
        12,
        1.5,
        "wav",
        (Part("I went.", "north/3f/b", "bb", 11, 1.5),),
        LessonCard("north/3f/c", "cc", 13, 9.5, (CardChapter("own_words", "你说的话", 0.0, 1.5),)),
    ),
    '{"duration_s": 60.5, "turns": [{"number": 1, "start": 0.5, "end": 3.0, "speaker": "left"}]}': LessonSegments(
        60.5, (LessonSegment(1, 0.5, 3.0, "left"),)
    ),
    '{"id": "hw3", "tenant": "north", "title": "Unit 3", "instructions": "", "text": "The cat sat.", '
    '"words": ["cat"], "persona": "william", "language": "", "level": "A2", "class_name": "三年级", '
    '"due": 1796000000.0, "retention_h": 168, "hold": true, '
    '"students": [{"name": "王小明", "id": "20260001", "pupil": "f3", "names": ["Wang"]}], "voice": "default", '
    '"speed": 1.0, "format": "wav", "webhook": "", "clearness": true, "card": true, "class_id": "7b"}': Assignment(
        id="hw3",
        tenant="north",
        title="Unit 3",
        text="The cat sat.",
        words=("cat",),
        level="A2",
        class_name="三年级",
        due=1_796_000_000.0,
        hold=True,
        students=(Student("王小明", "20260001", "f3", ("Wang",)),),
        clearness=True,
        card=True,
        class_id="7b",
    ),
    '{"at": 1796000000.25, "seconds": 0.125, "status": null, "error": "timeout"}': Attempt(
        1_796_000_000.25, 0.125, error="timeout"
    ),
}
STORED_BY_0_2 = {  # before turns had verdicts: a turn of which nothing is known was not checked
    '{"heard": "I go", "corrected": "I went", "reply": "Why?", "spoken": "I went. Why?", '
    '"edits": [{"from": "go", "to": "went", "at": [1, 2]}], "explanation": "went, not go", "reset": false}': Feedback(
        "I go", "I went", "Why?", "I went. Why?", (Edit("go", "went", (1, 2)),), "went, not go", verdict="not_checked"
    ),
    '{"heard": "I go", "corrected": "I go", "reply": "", "spoken": "I go.", "edits": []}': Feedback(
        "I go", "I go", "", "I go.", verdict="not_checked"
    ),
}
MAPPINGS = ({"row": "7"}, {"words": ["went"]}, {"en": "went, not go", "zh": "不说 go，说 went"})  # of any names
JOB = {
    "question": next(iter(STORED)),
    "tenant": "north",
    "session": "anna",
    "stages": "llm,hold,tts",  # of a retried job: those from the failed one on
    "assignment": "north/hw3",
    "student": "王小明",
    "sha256": "00ff",
    "heard_as": "north/00",
    "seq": "2",
    "score": "1000000000000017",
    "created_at": "1796000000.125",
    "updated_at": "1796000009.500",
    "deadline_at": "1796086400.125",
    "retention": "604800",
    "stage": "tts",
    "phase": "ended",
    "ready_at": "1796000005.000",
    "claim": "00ff00ff00ff00ff",
    "claimed_at": "1796000006.000",
    "batch": "1",
    "fence": "3",
    "attempts:llm": "2",
    "attempts:tts": "1",
    "waited:llm": "0.250",
    "ran:llm": "1.500",
    "waited:tts": "1.000",
    "ran:tts": "3.500",
    "done": "tts 3",
    "transcript": '{"text": "I go", "language": "en", "duration_s": 2, "words": []}',  # without `segments`: by 0.1
    "feedback": '{"heard": "I go", "corrected": "I go", "reply": "", "spoken": "I go.", "edits": []}',
    "answer": '{"text": "I go.", "blob": "north/3f/a", "sha256": "aa", "size": 12, "duration_s": 1.5, "format": "wav"}',
    "ended_at": "1796000009.500",
    "version": "9",
    "retry_of": "north/2e",
    "rerun_as": "north/40",
}


@pytest.mark.parametrize(("text", "record"), STORED.items(), ids=lambda value: type(value).__name__)
def test_the_stored_form_of_a_record_is_stable(text, record):
    assert read_json(type(record), text) == record
    assert to_json(record) == text


@pytest.mark.parametrize(("text", "record"), STORED_BY_0_2.items(), ids=["corrected", "not corrected"])
def test_feedback_of_a_version_without_verdicts_was_not_checked(text, record):
    assert read_json(Feedback, text) == record
    assert not record.is_checked


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_a_turn_was_checked_if_it_is_correct_or_corrected(verdict):
    feedback = Feedback("I go", "I go", "", "I go.", verdict=verdict)
    assert read_json(Feedback, to_json(feedback)) == feedback
    assert feedback.is_checked is (verdict in ("correct", "corrected"))


@pytest.mark.parametrize(("text", "record"), STORED.items(), ids=lambda value: type(value).__name__)
def test_fields_of_a_newer_version_are_ignored_at_every_depth(text, record):
    def add_fields(value):
        if isinstance(value, dict) and value not in MAPPINGS:
            return {"new": [{"newer": None}], **{name: add_fields(each) for name, each in value.items()}}
        return [add_fields(each) for each in value] if isinstance(value, list) else value

    assert read_json(type(record), json.dumps(add_fields(json.loads(text)))) == record


@pytest.mark.parametrize("record", STORED.values(), ids=lambda record: type(record).__name__)
def test_fields_that_an_older_version_lacked_have_their_defaults(record):
    required = {each.name for each in fields(record) if each.default is MISSING and each.default_factory is MISSING}
    text = json.dumps({name: value for name, value in to_fields(record).items() if name in required})
    again = read_json(type(record), text)
    assert {name: getattr(again, name) for name in required} == {name: getattr(record, name) for name in required}


@pytest.mark.parametrize(
    "select",
    [
        lambda job: job.request.id,
        lambda job: job.request.hint,
        lambda job: job.transcript.text,
        lambda job: job.feedback.heard,
        lambda job: job.answer.blob,
    ],
)
def test_no_text_of_a_job_is_kept_when_it_was_read(select):
    """Identical objects would come from a cache, which outlives the job and its erasure."""
    job, same_job = Job.from_record(JOB), Job.from_record(JOB)
    assert select(job) == select(same_job)
    assert select(job) is not select(same_job)


@pytest.mark.parametrize(
    ("record_type", "name"),
    [(JobRequest, "sha256"), (Transcript, "text"), (Completion, "text"), (Assignment, "title"), (Attempt, "error")],
)
def test_no_text_of_a_record_is_kept_when_it_was_read(record_type, name):
    text = next(text for text, record in STORED.items() if isinstance(record, record_type))
    assert getattr(read_json(record_type, text), name) is not getattr(read_json(record_type, text), name)


def test_a_job_is_read_from_its_hash():
    job = Job.from_record(JOB)
    assert job == Job(
        request=STORED[JOB["question"]],
        seq=2,
        stage="tts",
        fence="3",
        version=9,
        created_at=1_796_000_000.125,
        updated_at=1_796_000_009.5,
        deadline_at=1_796_086_400.125,
        ended_at=1_796_000_009.5,
        outcome="answered",
        transcript=Transcript("I go", "en", 2.0),
        feedback=Feedback("I go", "I go", "", "I go."),
        answer=Answer("I go.", "north/3f/a", "aa", 12, 1.5, "wav"),
        retry_of="2e",
        rerun_as="40",
        attempts={"llm": 2, "tts": 1},
        timings={"asr": Timing(None, None), "llm": Timing(0.25, 1.5), "tts": Timing(1.0, 3.5)},
    )
    assert job.state == State.SUCCEEDED


def test_a_newly_accepted_job_has_only_its_request():
    later = ("fence", "attempts", "waited", "ran", "transcript", "feedback", "answer", "ended_at", "retry", "rerun")
    job = Job.from_record({name: value for name, value in JOB.items() if not name.startswith(later)})
    assert (job.fence, job.state, job.ended_at, job.outcome, job.attempts) == ("0", State.QUEUED, None, None, {})
    assert (job.transcript, job.feedback, job.answer, job.error, job.dead) == (None, None, None, None, False)


def test_a_job_that_failed_says_why():
    error = {"code": "worker_lost", "stage": "llm", "detail": "It died.", "retryable": True}
    record = {**JOB, "error": json.dumps(error), "dead": "1", "outcome": "session_reset", "field:of": "a newer version"}
    job = Job.from_record(record)
    assert (job.error, job.dead, job.state, job.outcome) == (error, True, State.FAILED, "session_reset")


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        ({"transcript": '{"text": "My secret"'}, "transcript"),
        ({"transcript": '{"text": ["My secret"], "language": "en", "duration_s": 2}'}, "transcript.text"),
        ({"feedback": "null"}, "feedback"),
        ({"seq": "My secret"}, "seq"),
        ({"question": '{"id": "3f", "session": "anna", "task": "My secret"}'}, "task"),
        ({"question": "My secret"}, "It"),
        ({"waited:tts": "My secret"}, "timings.tts.waited_s"),
    ],
)
def test_a_broken_job_is_one_error_that_names_the_field_and_nothing_of_what_was_said(broken, path, caplog):
    with pytest.raises(BrokenRecord, match=rf"The stored Job(Request)? cannot be read\. {path}: ") as raised:
        Job.from_record({**JOB, **broken})
    assert (raised.value.__cause__, raised.value.__suppress_context__) == (None, True)
    assert "secret" not in str(raised.value)
    assert caplog.messages == [str(raised.value)]


def test_a_job_of_which_fields_are_missing_is_broken():
    with pytest.raises(BrokenRecord, match=r"seq: Field required"):
        Job.from_record({"question": JOB["question"]})
    with pytest.raises(BrokenRecord):
        Job.from_record({})


@pytest.mark.parametrize("value", [object(), ["a", "list"], 5])
def test_a_value_that_could_not_be_read_again_is_not_written(value):
    with pytest.raises((ValueError, TypeError)):
        to_json(replace(next(each for each in STORED.values() if isinstance(each, Feedback)), heard=value))


def test_infinite_numbers_are_stored_too():
    segment = Segment(0, 1, "", float("-inf"), 1.0, 0.5)
    transcript = Transcript("", "en", 1.0, segments=(segment,))
    assert read_json(Transcript, to_json(transcript)) == transcript


def test_every_stored_dataclass_has_an_example():
    def dataclasses_in(value):
        yield type(value)
        for each in fields(value):
            part = getattr(value, each.name)
            for item in part if isinstance(part, tuple) else [part]:
                if is_dataclass(item):
                    yield from dataclasses_in(item)

    stored = {*(kind for record in STORED.values() for kind in dataclasses_in(record))}
    names = {kind.__name__ for kind in stored}
    assert names >= {"JobRequest", "Transcript", "Word", "Segment", "Feedback", "Edit", "Completion", "Answer", "Part"}
    assert names >= {"LessonSegments", "LessonSegment", "Assignment", "Student", "Attempt"}
