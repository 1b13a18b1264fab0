"""The API of lessons with a real Redis, whose stages the tests complete by hand."""

import io
import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from api import create_app
from pipeline.blob_store import FolderBlobs
from pipeline.errors import EngineFailed, NoSpeech
from pipeline.jobs.job import JobRequest
from pipeline.jobs.results import Edit, Gap, LessonSegment, LessonSegments, Segment, Transcript, Word
from pipeline.jobs.store import Jobs
from pipeline.schemas import lessons as shapes
from pipeline.worker.registry import register
from tests.support.job_steps import ANSWER, FEEDBACK, TRANSCRIPT, WORKER, claim_job, run_stage

LEARNER = Path(__file__).parents[3] / "examples" / "recordings" / "ruoxi-wu.wav"
MISTAKEN = replace(FEEDBACK, edits=(Edit("go", "went", (1, 2)),))
SEGMENTS = LessonSegments(
    400.0,
    (LessonSegment(1, 0.5, 4.0, "left"), LessonSegment(2, 5.0, 11.0, "right"), LessonSegment(3, 380.0, 390.5, "left")),
)


@pytest.fixture
def client(redis, settings):
    return create_app(settings).test_client()


def post_lesson(client, audio: bytes | None = None, headers=None, **fields):
    content = LEARNER.read_bytes() if audio is None else audio
    form = httpx.Request("POST", "http://test", data=fields, files={"audio": ("Monday.wav", content)})
    return client.post(
        "/v1/lessons", data=form.read(), content_type=form.headers["Content-Type"], headers=headers or {}
    )


def submit_lesson(client, **fields) -> str:
    answer = post_lesson(client, **fields)
    assert answer.status_code == 202, answer.text
    return answer.json["id"]


def make_transcript(number: int) -> Transcript:
    """The transcript "I go home yesterday N" of a turn."""
    words = tuple(Word(word, at, at + 0.4, 0.9) for at, word in enumerate(f"I go home yesterday {number}".split()))
    text = " ".join(word.word for word in words)
    return Transcript(text, "en", 5.0, words, (Segment(0.0, 4.4, text, -0.2, 1.0, 0.01),))


def segment_lesson(jobs: Jobs, settings, id_: str, segments: LessonSegments = SEGMENTS) -> list[str]:
    """Segment the lesson into turns, as a worker does; return their ids."""
    lesson, blobs = claim_job(jobs, "segment"), FolderBlobs(settings.blobs_folder)
    assert lesson.id == id_
    ids = [f"{segment.number:032x}" for segment in segments.turns]
    for turn, segment in zip(ids, segments.turns, strict=True):
        details = {"number": segment.number, "start": segment.start, "end": segment.end, "speaker": segment.speaker}
        learner = lesson.request.details.get("learner") in (None, segment.speaker)
        blob = blobs.put(f"default/{turn}", io.BytesIO(LEARNER.read_bytes()))
        job_request = JobRequest(turn, turn, lane="bulk", lesson=id_, task="turn" if learner else "transcribe")
        jobs.submit(replace(job_request, details=details, recording=blob.name))
    assert jobs.complete("segment", lesson, segments)[0]
    return ids


def transcribe_turns(jobs: Jobs, turns: int) -> None:
    for number in range(1, turns + 1):
        run_stage(jobs, "asr", make_transcript(number))


def summarise(jobs: Jobs, id_: str) -> None:
    while (job := claim_job(jobs, "llm")).id != id_:
        jobs.complete("llm", job, FEEDBACK)
    jobs.complete("llm", job, replace(FEEDBACK, spoken="Well done."))
    run_stage(jobs, "tts", replace(ANSWER, text="Well done."))


def get_lesson(client, id_: str) -> dict:
    answer = client.get(f"/v1/lessons/{id_}")
    assert answer.status_code == 200, answer.text
    shapes.LessonView.model_validate(answer.json)
    return answer.json


def code(answer) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json", answer.text
    return answer.status_code, answer.json["code"]


def test_an_accepted_lesson_is_answered_with_location_and_retry_after(client):
    answer = post_lesson(client, title="Monday's lesson", learner="left", class_name="7b", retention_h="24")
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/lessons/{answer.json['id']}"
    assert int(answer.headers["Retry-After"]) >= 1
    shown = get_lesson(client, answer.json["id"])
    assert shown == answer.json
    assert (shown["state"], shown["title"], shown["learner"], shown["class_name"]) == (
        "queued", "Monday's lesson", "left", "7b",
    )  # fmt: skip
    assert (shown["progress"], shown["turns"], shown["duration_s"]) == (
        {"turns": 0, "done": 0, "failed": 0, "eta_seconds": None}, [], None,
    )  # fmt: skip


def test_a_lesson_without_a_title_is_named_after_its_file(client):
    assert get_lesson(client, submit_lesson(client))["title"] == "Monday"
    assert get_lesson(client, submit_lesson(client))["file"] == "Monday.wav"


def test_the_fields_of_a_request_reach_the_record(client, jobs):
    id_ = submit_lesson(
        client, persona="emma", language="en", hint="Zyxelia", speed="0.8", format="mp3", retention_h="24"
    )
    asked = jobs.get("default", id_).request
    assert (asked.task, asked.lane, asked.retention_h, asked.stages) == (
        "lesson", "bulk", 24, ("segment", "parts", "llm", "tts"),
    )  # fmt: skip
    assert (asked.persona, asked.language, asked.hint, asked.speed, asked.format) == (
        "emma", "en", "Zyxelia", 0.8, "mp3",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"audio": b""}, (422, "empty_request")),
        ({"audio": b"this is no sound"}, (415, "not_audio")),
        ({"persona": "nobody"}, (422, "unknown_persona")),
        ({"learner": "middle"}, (422, "bad_request")),
        ({"retention_h": "0"}, (422, "bad_request")),
        ({"title": "a\nb"}, (422, "bad_request")),
        ({"title": "x" * 201}, (422, "bad_request")),
        ({"session": "anna"}, (422, "bad_request")),
        ({"webhook": "ftp://x"}, (422, "bad_request")),
    ],
)
def test_a_bad_field_is_refused_and_nothing_is_stored(client, redis, settings, fields, expected):
    assert code(post_lesson(client, **fields)) == expected
    assert redis.keys("waijiao:job:*") == []
    assert [path for path in settings.blobs_folder.rglob("*") if path.is_file()] == []


def test_a_lesson_may_be_larger_than_a_recording_but_has_a_limit(redis, settings):
    small = create_app(settings.model_copy(update={"max_upload_mb": 1, "max_lesson_mb": 2})).test_client()
    sound = LEARNER.read_bytes()
    assert post_lesson(small, sound + bytes(1_500_000 - len(sound))).status_code == 202
    assert code(post_lesson(small, sound + bytes(2_050_000 - len(sound)))) == (413, "too_large")
    assert code(post_lesson(small, sound + bytes(9_000_000))) == (413, "too_large")


def test_the_same_request_is_the_same_lesson(client):
    header = {"Idempotency-Key": "monday"}
    first, again = (post_lesson(client, headers=header).json["id"] for _ in range(2))
    assert first == again
    assert code(post_lesson(client, headers=header, title="Tuesday")) == (422, "idempotency_key_reused")


def test_finished_turns_are_shown_while_the_others_are_processed(client, jobs, settings):
    id_ = submit_lesson(client, learner="left")
    turns = segment_lesson(jobs, settings, id_)
    transcribe_turns(jobs, 1)
    shown = get_lesson(client, id_)
    assert (shown["state"], shown["duration_s"]) == ("listening", 400.0)
    assert shown["progress"] == {"turns": 3, "done": 0, "failed": 0, "eta_seconds": None}
    assert [(turn["number"], turn["job"], turn["text"], turn["learner"]) for turn in shown["turns"]] == [
        (1, turns[0], "I go home yesterday 1", True), (2, turns[1], "", False), (3, turns[2], "", True),
    ]  # fmt: skip
    assert shown["speakers"] == [
        {"speaker": "left", "learner": True, "turns": 2, "seconds": 14.0},
        {"speaker": "right", "learner": False, "turns": 1, "seconds": 6.0},
    ]
    assert (shown["summary"]["text"], shown["summary"]["audio"], shown["summary"]["words"]) == (None, None, 5)


def test_a_lesson_that_has_ended_has_its_summary_mistakes_and_practice(client, jobs, settings):
    id_ = submit_lesson(client, learner="left")
    segment_lesson(jobs, settings, id_)
    transcribe_turns(jobs, 3)
    summarise(jobs, id_)
    shown = get_lesson(client, id_)
    assert (shown["state"], shown["progress"]) == (
        "succeeded", {"turns": 3, "done": 3, "failed": 0, "eta_seconds": None},
    )  # fmt: skip
    summary = shown["summary"]
    assert (summary["text"], summary["audio"]) == ("Well done.", f"/v1/jobs/{id_}/audio")
    assert (summary["mistakes"], summary["practice"]) == ([], [])
    assert [chapter["title"] for chapter in shown["chapters"]] == ["I go home yesterday 1"]


def test_a_failed_turn_is_named_and_a_silent_one_is_not_a_failure(client, jobs, settings):
    id_ = submit_lesson(client)
    segment_lesson(jobs, settings, id_)
    run_stage(jobs, "asr", TRANSCRIPT)
    jobs.fail("asr", claim_job(jobs, "asr"), EngineFailed(), again=False)
    jobs.fail("asr", claim_job(jobs, "asr"), NoSpeech(), again=False)
    summarise(jobs, id_)
    shown = get_lesson(client, id_)
    assert shown["state"] == "succeeded"
    assert shown["failed"] == [{"number": 2, "start": 5.0, "end": 11.0, "code": "engine_failed"}]
    assert (shown["progress"]["done"], shown["progress"]["failed"], shown["summary"]["silent"]) == (3, 1, 1)
    text = client.get(f"/v1/lessons/{id_}/transcript").text
    assert "[0:00:05] Right: (failed: engine_failed)" in text
    assert "[0:06:20]" not in text


def test_the_remaining_time_follows_from_the_speed_of_transcription(client, jobs, settings, redis):
    id_ = submit_lesson(client)
    segment_lesson(jobs, settings, id_)
    pace = {"ran:asr": 2, "each:asr": 2, "ran:llm": 1, "each:llm": 1, "ran:tts": 3, "each:tts": 3}
    redis.hset("waijiao:pace", mapping=pace)
    for stage in ("asr", "llm", "tts"):
        register(redis, stage, WORKER, "ready", 60)
    client = create_app(settings).test_client()  # which has no older figures
    assert get_lesson(client, id_)["progress"]["eta_seconds"] == 3 * 2 + 1 + 3
    answer = client.get(f"/v1/lessons/{id_}")
    assert answer.headers["Retry-After"] == "10"


def test_the_tag_changes_with_every_turn_and_with_nothing_else(client, jobs, settings):
    id_ = submit_lesson(client)
    segment_lesson(jobs, settings, id_)
    tag = client.get(f"/v1/lessons/{id_}").headers["ETag"]
    again = client.get(f"/v1/lessons/{id_}", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    transcribe_turns(jobs, 1)
    changed = client.get(f"/v1/lessons/{id_}?wait=20", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json["turns"][0]["text"]) == (200, "I go home yesterday 1")


def test_the_transcript_has_every_format_with_the_turns_in_order(client, jobs, settings):
    id_ = submit_lesson(client, learner="left", title="Monday")
    segment_lesson(jobs, settings, id_)
    transcribe_turns(jobs, 2)

    def get_transcript(format_: str):
        answer = client.get(f"/v1/lessons/{id_}/transcript?format={format_}")
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"].endswith(f'.{format_}"')
        return answer

    assert get_transcript("txt").text == (
        "Monday\n\n== 0:00:00 I go home yesterday 1 ==\n\n[0:00:00] Learner: I go home yesterday 1\n"
        "[0:00:05] Other: I go home yesterday 2\n[0:06:20] Learner: (not transcribed yet)\n\n"
        "(not all of the lesson has been transcribed yet)\n"
    )
    assert get_transcript("srt").text == (
        "1\n00:00:00,500 --> 00:00:04,900\nLearner: I go home yesterday 1\n\n"
        "2\n00:00:05,000 --> 00:00:09,400\nOther: I go home yesterday 2\n\n"
    )
    assert get_transcript("vtt").text == (
        "WEBVTT\n\n00:00:00.500 --> 00:00:04.900\n<v Learner>I go home yesterday 1\n\n"
        "00:00:05.000 --> 00:00:09.400\n<v Other>I go home yesterday 2\n\n"
    )
    found = get_transcript("json").json
    shapes.LessonTranscript.model_validate(found)
    assert (found["complete"], len(found["turns"])) == (False, 2)
    assert found["turns"][1]["words"][0] == {"word": "I", "start": 5.0, "end": 5.4, "probability": 0.9}


def test_what_was_not_understood_is_named_in_every_format_and_the_report(client, jobs, settings):
    id_ = submit_lesson(client)
    segment_lesson(jobs, settings, id_)
    run_stage(jobs, "asr", make_transcript(1))
    run_stage(jobs, "asr", replace(make_transcript(2), gaps=(Gap(4.5, 4.8), Gap(6.0, 9.5))))

    def get(path: str) -> str:
        return client.get(f"/v1/lessons/{id_}/{path}").text

    assert "yesterday 2 (not understood: 0:00:09, 0:00:11–0:00:14)\n" in get("transcript?format=txt")
    for format_, clock in (("srt", "00:00:11,000 --> 00:00:14,500"), ("vtt", "00:00:11.000 --> 00:00:14.500")):
        (cue,) = re.findall(rf"{clock}\n(.*)\n", get(f"transcript?format={format_}"))
        assert cue.endswith("[unintelligible]")
    turns = client.get(f"/v1/lessons/{id_}/transcript?format=json").json["turns"]
    assert [turn["gaps"] for turn in turns] == [[], [{"start": 9.5, "end": 9.8}, {"start": 11.0, "end": 14.5}]]
    report = get("report")
    assert "Not understood" in report
    assert "没听清" in report
    assert "0:00:09, 0:00:11–0:00:14" in report


def test_transcripts_are_escaped_in_subtitles(client, jobs, settings):
    id_ = submit_lesson(client)
    segment_lesson(jobs, settings, id_)
    nasty = "<script> --> 00:00"
    words = tuple(Word(word, 0.0, 1.0, 0.9) for word in nasty.split())
    run_stage(jobs, "asr", Transcript(nasty, "en", 2.0, words, (Segment(0.0, 1.0, nasty, 0, 1, 0),)))
    vtt = client.get(f"/v1/lessons/{id_}/transcript?format=vtt").text
    assert "<script>" not in vtt
    assert vtt.count("-->") == 1
    assert client.get(f"/v1/lessons/{id_}/transcript?format=srt").text.count("-->") == 1


def test_the_turns_of_a_lesson_are_in_no_list_but_its_own(client, jobs, settings):
    id_ = submit_lesson(client)
    turns = segment_lesson(jobs, settings, id_)
    typed = client.post("/v1/jobs", json={"text": "hi"}).json["id"]

    def list_lessons(query: str = "") -> list[str]:
        return [job["id"] for job in client.get(f"/v1/jobs{query}").json["jobs"]]

    assert list_lessons() == [typed, id_]
    assert list_lessons("?task=turn") == []
    assert list_lessons(f"?lesson={id_}") == turns[::-1]
    assert list_lessons(f"?lesson={id_}&limit=2") == turns[:0:-1]
    assert list_lessons(f"?lesson={'0' * 32}") == []
    assert client.get(f"/v1/jobs/{turns[0]}").json["lesson"] == id_


def test_the_turns_of_a_lesson_count_towards_no_quota(client, jobs, redis, settings):
    id_ = submit_lesson(client)
    segment_lesson(jobs, settings, id_)
    full = create_app(settings.model_copy(update={"max_jobs": 2, "max_jobs_tenant": 2})).test_client()
    assert full.post("/v1/jobs", json={"text": "hi"}).status_code == 202
    assert code(full.post("/v1/jobs", json={"text": "hi"})) == (503, "server_full")


def test_the_turns_of_an_expired_lesson_end_with_it(client, jobs, settings, redis):
    id_ = submit_lesson(client)
    segment_lesson(jobs, settings, id_)
    redis.zadd("waijiao:deadlines", {f"default/{id_}": 1})
    jobs.sweep({})
    shown = get_lesson(client, id_)
    assert (shown["state"], {turn["state"] for turn in shown["turns"]}) == ("expired", {"canceled"})
    assert jobs.claim("asr", WORKER, 9)[0] == []


def test_lessons_are_listed_newest_first_page_by_page(client, jobs, settings):
    first = submit_lesson(client, class_name="7a")
    segment_lesson(jobs, settings, first)
    second, third = (submit_lesson(client, class_name=name) for name in ("7b", "7a"))
    client.post("/v1/jobs", json={"text": "hi"})
    page = client.get("/v1/lessons?limit=2").json
    shapes.LessonList.model_validate(page)
    assert [each["id"] for each in page["lessons"]] == [third, second]
    rest = client.get(f"/v1/lessons?limit=2&cursor={page['next']}").json
    assert [(each["id"], each["progress"]) for each in rest["lessons"]] == [(first, {"turns": 3, "done": 0})]
    named = client.get("/v1/lessons?class_name=7a").json["lessons"]
    assert [each["id"] for each in named] == [third, first]
    assert [each["id"] for each in client.get("/v1/lessons?state=listening").json["lessons"]] == [first]


def test_a_lesson_is_canceled_with_its_turns_and_then_erased(client, jobs, settings, redis):
    id_ = submit_lesson(client)
    turns = segment_lesson(jobs, settings, id_)
    transcribe_turns(jobs, 1)
    canceled = client.delete(f"/v1/lessons/{id_}")
    assert (canceled.status_code, canceled.json["state"]) == (200, "canceled")
    assert canceled.json["turns"][0]["text"] == "I go home yesterday 1"
    assert [path for path in settings.blobs_folder.rglob("*") if path.is_file()] == []
    assert jobs.claim("asr", WORKER, 9)[0] == []
    assert client.delete(f"/v1/lessons/{id_}").status_code == 204
    assert code(client.get(f"/v1/lessons/{id_}")) == (410, "erased")
    assert code(client.get(f"/v1/jobs/{turns[0]}")) == (410, "erased")
    assert "yesterday" not in str([redis.hgetall(key) for key in redis.keys("waijiao:job:*")])


def test_erasing_a_lesson_s_job_leaves_nothing_of_its_turns_either(client, jobs, settings):
    id_ = submit_lesson(client)
    segment_lesson(jobs, settings, id_)
    assert client.delete(f"/v1/jobs/{id_}").status_code == 200
    assert [path for path in settings.blobs_folder.rglob("*") if path.is_file()] == []


def test_other_jobs_are_not_found_as_lessons(client):
    job = client.post("/v1/jobs", json={"text": "hi"}).json["id"]
    for path in (f"/v1/lessons/{job}", f"/v1/lessons/{job}/transcript", f"/v1/lessons/{'0' * 32}"):
        assert code(client.get(path)) == (404, "unknown_lesson")
    assert code(client.delete(f"/v1/lessons/{job}")) == (404, "unknown_lesson")


def test_the_report_is_one_self_contained_page(client, jobs, settings):
    id_ = submit_lesson(client, learner="left", title="<Monday>")
    segment_lesson(jobs, settings, id_)
    transcribe_turns(jobs, 1)
    jobs.fail("asr", claim_job(jobs, "asr"), EngineFailed(), again=False)
    answer = client.get(f"/v1/lessons/{id_}/report")
    assert "not all of the lesson" in answer.text.lower()
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    run_stage(jobs, "asr", replace(make_transcript(3), text="<b>I</b> go home yesterday"))
    job = claim_job(jobs, "llm")
    jobs.complete("llm", job, MISTAKEN)
    summarise(jobs, id_)
    page = client.get(f"/v1/lessons/{id_}/report").text
    assert "&lt;Monday&gt;" in page
    assert "&lt;b&gt;I&lt;/b&gt;" in page
    assert "<b>I</b>" not in page
    assert re.search(r"<del>.*go</del>.*<ins>.*went</ins>", page)
    assert "engine_failed" in page
    assert "Well done." in page
    assert not re.search(r"(src|href)=\"(?!#)", page)


def test_a_lesson_that_was_not_segmented_yet_has_a_report_too(client):
    page = client.get(f"/v1/lessons/{submit_lesson(client)}/report")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "No turns yet." in page.text
