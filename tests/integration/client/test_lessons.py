"""The client's methods for lessons, whose stages the tests complete by hand; and what the command saves."""

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from api import create_app
from pipeline.errors import EngineFailed, Erased, NoSpeech, UnknownLesson
from pipeline.jobs.results import LessonSegment, LessonSegments
from pipeline.schemas.lessons import LessonView
from tests.support.job_steps import ANSWER, FEEDBACK, TRANSCRIPT, claim_job, make_job_request, run_stage
from waijiao import AsyncClient, Client
from waijiao.cli.lesson import LessonProgress, save_lesson

LEARNER = Path(__file__).parents[3] / "examples" / "recordings" / "ruoxi-wu.wav"
SEGMENTS = LessonSegments(12.0, (LessonSegment(1, 0.5, 4.0), LessonSegment(2, 5.0, 11.0)))


@pytest.fixture
def client(redis, settings):
    """A client that calls the application without a server."""
    opened = Client("http://127.0.0.1", "", patience_s=0)
    opened._session.close()
    opened._session = httpx.Client(transport=httpx.WSGITransport(create_app(settings)), base_url=opened.url)
    with opened:
        yield opened


def segment(jobs) -> None:
    lesson = claim_job(jobs, "segment")
    for number, start, end in ((1, 0.5, 4.0), (2, 5.0, 11.0)):
        job_request = replace(
            make_job_request(f"{number:032x}", session=f"turn{number}"), task="turn", lesson=lesson.id
        )
        details = {"number": number, "start": start, "end": end, "speaker": ""}
        jobs.submit(replace(job_request, lane="bulk", details=details, text=""))
    jobs.complete("segment", lesson, SEGMENTS)


def listen(jobs) -> None:
    for _ in range(2):
        run_stage(jobs, "asr", TRANSCRIPT)
    for _ in range(3):
        run_stage(jobs, "llm", FEEDBACK)


def test_a_lesson_is_followed_to_its_end_and_read(client, jobs):
    lesson = client.submit_lesson(LEARNER, title="Monday", class_name="7b", metadata={"room": "12"})
    assert (lesson.title, lesson.file, lesson.metadata) == ("Monday", LEARNER.name, {"room": "12"})
    states = []

    def answer_turns(seen: LessonView) -> None:
        """What comes of it while it is looked at."""
        states.append(seen.state)
        steps = {
            "queued": segment,
            "listening": listen,
            "speaking": lambda jobs: run_stage(jobs, "tts", ANSWER),
        }
        steps.get(seen.state, lambda jobs: None)(jobs)

    ended = client.wait_lesson(lesson, on_change=answer_turns)
    assert (states, ended.progress.done) == (["queued", "listening", "speaking", "succeeded"], 2)
    assert ended == client.lesson(lesson.id)
    assert [each.id for each in client.lessons(class_name="7b", page=1)] == [lesson.id]
    assert list(client.lessons(class_name="7c")) == []
    assert "I go home yesterday" in client.lesson_transcript(lesson)
    assert client.lesson_transcript(lesson, "vtt").startswith("WEBVTT")
    assert client.lesson_report(lesson).startswith("<!doctype html>")


def test_all_lessons_are_listed_page_by_page(client):
    ids = [client.submit_lesson(LEARNER).id for _ in range(3)]
    assert [each.id for each in client.lessons(page=1)] == ids[::-1]


def test_a_lesson_that_fails_raises_the_error_of_its_code(client, jobs):
    lesson = client.submit_lesson(LEARNER)
    jobs.fail("segment", claim_job(jobs, "segment"), NoSpeech(), again=False)
    with pytest.raises(NoSpeech):
        client.wait_lesson(lesson)


def test_a_lesson_is_canceled_and_erased(client, jobs):
    lesson = client.submit_lesson(LEARNER)
    segment(jobs)
    assert client.cancel_lesson(lesson).state == "canceled"
    assert client.cancel_lesson(lesson).state == "canceled"
    client.erase_lesson(lesson)
    with pytest.raises(Erased):
        client.lesson(lesson)
    running = client.submit_lesson(LEARNER)
    client.erase_lesson(running)
    with pytest.raises(Erased):
        client.lesson(running)
    with pytest.raises(UnknownLesson):
        client.lesson("0" * 32)


def test_the_async_client_does_the_same_with_a_real_server(server, tmp_path):
    (tmp_path / "monday.wav").write_bytes(LEARNER.read_bytes())

    async def submit_and_read() -> LessonView:
        async with AsyncClient(str(server.base_url), "") as awaited:
            lesson = await awaited.submit_lesson(tmp_path / "monday.wav")
            assert [each.id async for each in awaited.lessons()] == [lesson.id]
            return await awaited.lesson(lesson)

    assert asyncio.run(submit_and_read()).title == "monday"


def test_saved_files_name_failures_and_leave_out_missing_parts(client, jobs, tmp_path):
    lesson = client.submit_lesson(LEARNER, title="Monday")
    segment(jobs)
    run_stage(jobs, "asr", TRANSCRIPT)
    jobs.fail("asr", claim_job(jobs, "asr"), EngineFailed(), again=False)
    folder = tmp_path / "a" / "b"
    save_lesson(client, client.lesson(lesson), folder)
    assert {path.name for path in folder.iterdir()} == {
        "transcript.txt", "transcript.srt", "transcript.vtt", "transcript.json", "report.html", "summary.txt",
    }  # fmt: skip
    summary = folder.joinpath("summary.txt").read_text()
    assert summary.startswith("Monday\n\n0:00:12, 2 turns, 4 words of the learner's, 0 corrections, 1 failed")
    assert summary.endswith("Turns that failed\n- 2, from 0:00:05 to 0:00:11: engine_failed\n")


def test_where_there_is_no_terminal_each_step_is_a_line(client, jobs, tmp_path):
    with tmp_path.joinpath("log").open("w") as log, LessonProgress(Console(file=log)) as progress:
        progress.add_lesson("monday.wav")
        with progress.open_upload(LEARNER) as file:
            lesson = client.submit_lesson(file, file="monday.wav")
        progress.update(lesson)
        segment(jobs)
        progress.update(client.lesson(lesson))
        progress.update(client.lesson(lesson))
        listen(jobs)
        progress.update(client.lesson(lesson))
    said = tmp_path.joinpath("log").read_text().splitlines()
    assert said[:3] == ["monday.wav: queued", "monday.wav: listening, 2 turns", "monday.wav: speaking"]
