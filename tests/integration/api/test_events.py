"""A job's changes as server-sent events, over a real server: in order, resumed, repeated after a lost worker."""

import json
from contextlib import contextmanager

import pytest

from pipeline.jobs.job import JobRequest
from pipeline.jobs.records import to_fields
from pipeline.jobs.results import Completion, Part
from tests.support.job_steps import ANSWER, FEEDBACK, claim_job, make_job_request, run_stage

ID = "a" * 32
PLACE = f"/v1/jobs/{ID}/events"
SENTENCES = ("I went home.", "Why?")


def make_part_entry(text: str) -> dict:
    return {"part": to_fields(Part(text, f"default/{ID}/x", "00", 1, 1.0))}


@contextmanager
def open_stream(server, last: str | None = None):
    """The events of the job, each (id, kind, data), as they come."""
    headers = {"Last-Event-ID": last} if last else {}
    with server.stream("GET", PLACE, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield read_events(answer.iter_lines())


def read_events(lines):
    said: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            said[name] = value
        elif "event" in said:
            yield said["id"], said["event"], json.loads(said["data"])
            said = {}


@pytest.fixture
def job(jobs):
    jobs.submit(make_job_request(ID, recording=False))


def test_every_state_is_an_event_and_the_stream_ends_with_the_job(server, jobs, job):
    with open_stream(server) as events:
        assert next(events)[1:] == ("job", get_job(server))
        run_stage(jobs, "llm", FEEDBACK)
        spoken = claim_job(jobs, "tts")
        for number, sentence in enumerate(SENTENCES, 1):
            jobs.progress("tts", spoken, number, make_part_entry(sentence))
            data = next(data for _, kind, data in events if kind == "part")
            assert (data["number"], data["text"]) == (number, sentence)
            assert data["audio"] == f"/v1/jobs/{ID}/audio?part={number}"
        jobs.complete("tts", spoken, ANSWER)
        assert [data["state"] for _, kind, data in events if kind == "job"][-1] == "succeeded"


def get_job(server) -> dict:
    return server.get(f"/v1/jobs/{ID}").json()


def test_a_broken_stream_resumes_where_it_broke(server, jobs, job):
    run_stage(jobs, "llm", FEEDBACK)
    spoken = claim_job(jobs, "tts")
    jobs.progress("tts", spoken, 1, make_part_entry(SENTENCES[0]))
    with open_stream(server) as events:
        seen = [next(events) for _ in range(2)]
    assert {kind for _, kind, _ in seen} == {"part", "job"}
    jobs.progress("tts", spoken, 2, make_part_entry(SENTENCES[1]))
    with open_stream(server, last=seen[-1][0]) as events:
        assert next(events)[2]["text"] == SENTENCES[1]
        jobs.complete("tts", spoken, ANSWER)
        last, kind, data = next(events)
        assert (kind, data["state"]) == ("job", "succeeded")
    done = server.get(PLACE, headers={"Last-Event-ID": last})
    assert (done.status_code, done.content) == (204, b"")


def test_after_a_lost_worker_the_sentences_begin_again(server, jobs, job):
    run_stage(jobs, "llm", FEEDBACK)
    jobs.progress("tts", claim_job(jobs, "tts", "unlucky"), 1, make_part_entry("A sentence of the dead."))
    with open_stream(server) as events:
        assert {next(events)[1] for _ in range(2)} == {"part", "job"}
        again = claim_job(jobs, "tts", "unlucky")
        jobs.progress("tts", again, 1, make_part_entry(SENTENCES[0]))
        told = [next(events)]
        while told[-1][1] != "part":
            told.append(next(events))
        assert "restart" in {kind for _, kind, _ in told}
        assert (told[-1][2]["number"], told[-1][2]["text"]) == (1, SENTENCES[0])


def test_a_chat_is_streamed_word_by_word(server, jobs):
    jobs.submit(JobRequest(ID, ID, task="chat", details={"messages": [{"role": "user", "content": "hi"}]}))
    chat = claim_job(jobs, "llm")
    jobs.progress("llm", chat, 1, {"text": "Hel"})
    with open_stream(server) as events:
        first = [next(events), next(events)]
        assert [data["text"] for _, kind, data in first if kind == "text"] == ["Hel"]
        jobs.progress("llm", chat, 2, {"text": "lo"})
        assert next(events)[1:] == ("text", {"text": "lo"})
        jobs.complete("llm", chat, Completion("Hello", "stop", 5, 2))
        (_, kind, data) = next(events)
        assert (kind, data["completion"]["text"], data["state"]) == ("job", "Hello", "succeeded")


def test_an_ended_job_is_one_complete_event(server, jobs, job):
    run_stage(jobs, "llm", FEEDBACK)
    run_stage(jobs, "tts")
    with open_stream(server) as events:
        assert [(kind, data["state"]) for _, kind, data in events] == [("job", "succeeded")]


def test_a_job_that_is_erased_ends_its_stream_with_the_reason(server, jobs, job):
    with open_stream(server) as events:
        next(events)
        jobs.erase("default", "anna")
        (_, kind, data) = next(events)
        assert (kind, data["code"]) == ("error", "erased")


def test_a_stream_ends_properly_without_redis_so_that_its_client_reconnects(server, cluster, jobs, job):
    with open_stream(server) as events:
        assert next(events)[1] == "job"
        jobs.redis.shutdown(nosave=True)
        assert list(events) == []
    assert "Traceback" not in cluster["api1"].output()


def test_when_too_many_wait_the_stream_sends_the_state_and_a_retry_time(serve, jobs, job):
    server = serve(most_waiting=0)
    answer = server.get(PLACE)
    assert answer.text.startswith("retry: ")
    assert answer.text.count("event: job") == 1


def test_a_long_stream_ends_so_that_its_client_reconnects(serve, jobs, job):
    server = serve(events_s=0.3)
    with open_stream(server) as events:
        assert [(kind, data["state"]) for _, kind, data in events] == [("job", "queued")]


def test_events_of_an_unknown_job_are_a_problem(server):
    assert server.get(PLACE).json()["code"] == "unknown_job"


def test_an_invalid_last_event_id_is_ignored(server, jobs, job):
    run_stage(jobs, "llm", FEEDBACK)
    run_stage(jobs, "tts")
    for nonsense in ("-", "1-2", "9" * 40, "1-1-1; DROP"):
        with open_stream(server, last=nonsense) as events:
            assert next(events)[1] == "job"
