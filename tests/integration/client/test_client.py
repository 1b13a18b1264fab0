"""The Python client, blocking and awaited, over the API as it is served: what it sends, returns and raises."""

import io
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from pipeline.api_keys import Keys, Limits
from pipeline.errors import (
    AnswerNotReady,
    BadRequest,
    Canceled,
    Erased,
    KeyMissing,
    NoSpeech,
    NotAudio,
    NotDead,
    QuotaFull,
    UnknownJob,
    UnknownPersona,
    UnknownSession,
)
from pipeline.schemas.jobs import Job
from tests.support.echo_worker import SILENT, BlockingAsyncClient, EchoWorker, recording
from tests.support.job_steps import let_job_die, make_job_request
from waijiao import Client

both = pytest.mark.parametrize("client", [Client, BlockingAsyncClient], indirect=True)


@pytest.fixture
def client(request, server):
    with getattr(request, "param", Client)(str(server.base_url), "") as client:
        yield client


@both
def test_a_recording_is_answered(client, echo_worker, tmp_path):
    answer = client.ask(recording(1), session="anna", metadata={"lesson": "7"})
    assert answer.save(tmp_path / "answer.wav").read_bytes() == recording(1)
    assert (answer.heard, answer.corrected, answer.text) == (str(len(recording(1))), "I went home yesterday", "Why?")
    assert (answer.job.state, answer.job.session, answer.job.metadata) == ("succeeded", "anna", {"lesson": "7"})


@both
def test_every_field_arrives(client, echo_worker, jobs):
    fields = {"text": "Hé, 你好 & more", "session": "a b", "persona": "emma", "language": "en", "format": "mp3"}
    more = {"speed": 0.8, "voice": "default", "lane": "bulk", "hint": "小明", "metadata": {"na me": "v=1,2"}}
    job = client.ask(None, **fields, **more, webhook=None).job
    assert (job.question.text, job.session, job.persona) == ("Hé, 你好 & more", "a b", "emma")
    assert (job.lane, job.metadata, job.answer.format) == ("bulk", {"na me": "v=1,2"}, "mp3")
    assert jobs.get("default", job.id).request.hint == "小明"


@pytest.mark.parametrize("kind", ["path", "name of a path", "bytes", "file", "file in its middle", "pipe"])
@both
def test_a_recording_may_be_a_path_bytes_or_a_file(client, echo_worker, tmp_path, kind):
    path = tmp_path / "hw.wav"
    path.write_bytes(recording(1))
    with path.open("rb") as file, open_pipe(recording(1)) as pipe, path.open("rb") as middle:
        middle.seek(20)
        ways = {"path": path, "name of a path": str(path), "bytes": recording(1), "pipe": pipe}
        given = {**ways, "file": file, "file in its middle": middle}[kind]
        assert client.ask(given).audio == recording(1)


def open_pipe(content: bytes) -> io.BufferedReader:
    out, into = os.pipe()
    threading.Thread(target=lambda: write_all(into, content)).start()
    return os.fdopen(out, "rb")


def write_all(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


@both
def test_on_change_is_called_after_each_change_from_acceptance_to_the_end(client, echo_worker):
    echo_worker.held_recording = recording(1)
    snapshots = []

    def on_change(job: Job) -> None:
        snapshots.append(job)
        if job.state == "transcribing":
            echo_worker.released.set()

    client.ask(recording(1), on_change=on_change)
    assert snapshots[0].state == "queued"
    assert snapshots[-1].state == "succeeded"
    assert all(before != after for before, after in pairwise(snapshots))


@both
def test_progress_yields_each_change_until_the_end(client, echo_worker):
    echo_worker.held_recording = recording(1)
    states = []
    for job in client.progress(client.submit(recording(1))):
        states.append(job.state)
        if job.state == "transcribing":
            echo_worker.released.set()
    assert "transcribing" in states
    assert states[-1] == "succeeded"
    assert states.count("succeeded") == 1


@both
def test_a_job_that_has_ended_already_is_the_only_progress(client, echo_worker):
    job = client.ask(text="hi").job
    assert [seen.state for seen in client.progress(job.id)] == ["succeeded"]


@both
def test_a_new_position_in_the_queue_is_a_change_though_nothing_else_changed(client, jobs, echo_worker):
    echo_worker.idle.set()
    first, second = client.submit(text="first"), client.submit(text="second")
    changes = client.progress(second, every_s=0.3)
    assert next(changes).queue_position == 2
    client.cancel(first)
    assert next(changes).queue_position == 1


@both
def test_a_job_without_an_answer_raises_the_error_of_its_code(client, echo_worker):
    with pytest.raises(NoSpeech, match="Nobody speaks") as failed:
        client.ask(SILENT)
    assert (failed.value.job.state, failed.value.status, failed.value.retryable) == ("failed", 422, True)
    with pytest.raises(NoSpeech):
        client.answer(failed.value.job.id)


@both
def test_a_job_that_is_canceled_meanwhile_raises_canceled(client, jobs):
    job = client.submit(recording(1))
    assert client.cancel(job).state == "canceled"
    with pytest.raises(Canceled):
        client.wait(job)


@both
def test_a_refused_request_raises_the_error_of_its_code(client, tmp_path):
    with pytest.raises(NotAudio) as refused:
        client.ask(b"no audio, by no means")
    assert (refused.value.status, refused.value.job) == (415, None)
    with pytest.raises(UnknownPersona):
        client.ask(text="hi", persona="nobody")
    with pytest.raises(BadRequest, match="speed"):
        client.submit(text="hi", speed=9)
    with pytest.raises(UnknownJob):
        client.job("0" * 32)
    with pytest.raises(FileNotFoundError):
        client.ask(tmp_path / "gone.wav")


@both
def test_an_answer_that_is_not_ready_raises_an_error_with_retry_after(client):
    job = client.submit(text="hi")
    with pytest.raises(AnswerNotReady) as early:
        client.answer(job)
    assert (early.value.status, early.value.retry_after_s >= 1) == (409, True)


@both
def test_jobs_are_listed_over_all_pages(client, jobs):
    for number in range(25):
        jobs.submit(make_job_request(f"{number:032x}", session=f"s{number % 2}"))
    assert [job.id for job in client.jobs(page=10)] == [f"{number:032x}" for number in reversed(range(25))]
    assert len(list(client.jobs(session="s1", state="queued", dead=False, task="teach", page=5))) == 12


@both
def test_lists_are_narrowed_by_every_entry_of_the_metadata(client):
    for lesson, group in (("7", "a"), ("7", "b"), ("8", "a")):
        client.submit(text="hi", metadata={"lesson": lesson, "group": group})
    assert len(list(client.jobs(metadata={"lesson": "7"}))) == 2
    (job,) = client.jobs(metadata={"lesson": "7", "group": "b"})
    assert job.metadata == {"lesson": "7", "group": "b"}


@both
def test_canceling_erases_nothing_that_has_ended(client, echo_worker):
    job = client.ask(text="hi").job
    assert client.cancel(job).state == "succeeded"
    assert client.answer(job).audio == b"hi"


@both
def test_erasing_leaves_nothing_whether_a_job_has_ended_or_not(client, echo_worker):
    ended = client.ask(text="hi").job
    echo_worker.idle.set()
    for job in (ended, client.submit(recording(1))):
        client.erase(job)
        with pytest.raises(Erased) as gone:
            client.job(job)
        assert gone.value.status == 410


@both
def test_a_dead_job_is_retried(client, jobs):
    dead = client.submit(text="hi")
    let_job_die(jobs, "llm")
    assert [job.id for job in client.jobs(dead=True)] == [dead.id]
    again = client.retry(dead.id)
    assert client.retry(dead).id == again.id
    with pytest.raises(NotDead):
        client.retry(again)


@pytest.mark.parametrize("name", ["anna", "a b", "..", "a?b#c%d", "小明"])
@both
def test_a_session_is_read_reset_and_erased_whatever_it_is_called(client, echo_worker, name):
    client.ask(text="hi", session=name)
    assert [turn.question.text for turn in client.session(name).turns] == ["hi"]
    client.reset_session(name)
    assert client.session(name).turns == []
    client.erase_session(name)
    with pytest.raises(UnknownSession):
        client.session(name)


@both
def test_readiness_describes_each_model_even_if_none_is_ready(client, jobs):
    client.submit(text="hi")
    readiness = client.readiness()
    assert (readiness.ready, readiness.models["llm"].waiting, readiness.models["asr"].ready) == (False, 1, 0)


@both
def test_the_same_idempotency_key_is_the_same_job(client):
    assert client.submit(text="hi", idempotency_key="k").id == client.submit(text="hi", idempotency_key="k").id
    assert client.submit(text="hi").id != client.submit(text="hi").id


@pytest.mark.parametrize("kind", [Client, BlockingAsyncClient])
def test_the_key_is_sent(serve, redis, kind):
    url = str(serve(keys="true").base_url)
    _, key = Keys(redis).create("north", "teacher", "Anna", Limits(0, 0))
    with kind(url, key) as client:
        assert client.submit(text="hi").state == "queued"
    with kind(url, "") as client, pytest.raises(KeyMissing, match="WAIJIAO_KEY") as refused:
        client.submit(text="hi")
    assert refused.value.status == 401


def test_the_settings_name_the_server_and_the_key(server, monkeypatch):
    monkeypatch.setenv("WAIJIAO_URL", str(server.base_url))
    with Client() as client:
        assert not client.readiness().ready


def test_proxies_of_the_environment_are_ignored(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with Client(str(server.base_url), "") as client:
        assert not client.readiness().ready


def test_threads_may_share_a_client(client, echo_worker):
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(client.ask, map(recording, range(24)))
    assert [answer.audio for answer in answers] == list(map(recording, range(24)))


@both
def test_many_recordings_are_answered_in_order_and_a_failure_stops_no_other(client, echo_worker, tmp_path):
    given = [recording(1), b"no audio", SILENT, tmp_path / "gone.wav", recording(2)]
    first, refused, silent, gone, last = client.ask_all(given, at_once=2)
    assert [outcome.item for outcome in (first, refused, silent, gone, last)] == given
    assert (first.answer.audio, last.answer.audio) == (recording(1), recording(2))
    assert (first.error, first.job.state) == (None, "succeeded")
    assert (type(refused.error), refused.answer, refused.job) == (NotAudio, None, None)
    assert (type(silent.error), silent.answer, silent.job.state) == (NoSpeech, None, "failed")
    assert (type(gone.error), gone.answer, gone.job) == (FileNotFoundError, None, None)


@pytest.mark.parametrize("at_once", [1, 3])
@both
def test_at_once_jobs_run_at_a_time_and_no_more(client, echo_worker, at_once):
    echo_worker.idle.set()
    started = set()

    def on_change(number: int, job: Job) -> None:
        started.add(number)
        if len(started) == at_once:
            echo_worker.idle.clear()

    outcomes = list(client.ask_all(map(recording, range(12)), at_once=at_once, on_change=on_change))
    assert [outcome.answer.audio for outcome in outcomes] == list(map(recording, range(12)))
    assert echo_worker.max_unfinished == at_once


@both
def test_the_turns_of_a_session_have_the_order_of_the_recordings(client, echo_worker):
    outcomes = list(client.ask_all(map(recording, range(12)), at_once=6, session="anna"))
    assert [outcome.job.seq for outcome in outcomes] == list(range(1, 13))


@both
def test_a_slow_recording_does_not_delay_the_next_ones(client, echo_worker):
    echo_worker.held_recording = recording(0)
    ended = []

    def on_change(number: int, job: Job) -> None:
        if job.state == "succeeded":
            ended.append(number)
        if len(ended) == 4:
            echo_worker.released.set()

    assert len(list(client.ask_all(map(recording, range(5)), at_once=2, on_change=on_change))) == 5
    assert ended == [1, 2, 3, 4, 0]


@both
def test_each_of_many_has_an_idempotency_key_of_its_own(client, echo_worker):
    first = [outcome.job.id for outcome in client.ask_all([recording(1), recording(2)], idempotency_key="homework")]
    again = [outcome.job.id for outcome in client.ask_all([recording(1), recording(2)], idempotency_key="homework")]
    assert first == again
    assert len(set(first)) == 2


@both
def test_jobs_that_were_submitted_before_are_waited_for(client, echo_worker):
    echo_worker.idle.set()
    submitted = [client.submit(recording(1)), client.submit(SILENT), client.submit(recording(2))]
    echo_worker.idle.clear()
    outcomes = list(client.wait_all([submitted[0].id, submitted[1], "f" * 32, submitted[2]]))
    assert [type(outcome.error) for outcome in outcomes] == [type(None), NoSpeech, UnknownJob, type(None)]
    assert outcomes[3].answer.audio == recording(2)


@both
def test_closing_the_outcomes_early_takes_no_time_and_leaves_no_thread(client, echo_worker):
    outcomes = client.ask_all(map(recording, range(20)), at_once=2)
    assert next(outcomes).answer
    echo_worker.idle.set()
    start = time.monotonic()
    outcomes.close()
    assert time.monotonic() - start < 5
    assert "waijiao-event-loop" not in {thread.name for thread in threading.enumerate()}


@both
def test_at_once_must_be_at_least_one(client):
    with pytest.raises(ValueError, match="at_once"):
        list(client.ask_all([recording(1)], at_once=0))


def test_a_submission_over_the_quota_is_repeated_until_there_is_room(serve, jobs, settings):
    with Client(str(serve(max_jobs_session=1).base_url), "") as client:
        client.submit(text="first", session="anna")
        with ThreadPoolExecutor() as pool:
            second = pool.submit(client.submit, text="second", session="anna")
            time.sleep(0.5)
            assert not second.done()
            echo_worker = EchoWorker(jobs, settings.blobs_folder)
            assert second.result(20).seq == 2
            echo_worker.close()


def test_waiting_ends_after_the_client_s_patience(serve):
    with Client(str(serve(max_jobs_session=1).base_url), "", patience_s=0.5) as client:
        client.submit(text="first", session="anna")
        start = time.monotonic()
        with pytest.raises(QuotaFull) as refused:
            client.submit(text="second", session="anna")
        assert time.monotonic() - start < 5
        assert (refused.value.status, refused.value.retry_after_s >= 1) == (429, True)


def test_a_server_without_long_polls_is_polled(serve, jobs, settings):
    with Client(str(serve(most_waiting=0).base_url), "") as client:
        job = client.submit(text="hi")
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(client.wait, job)
            time.sleep(1)
            echo_worker = EchoWorker(jobs, settings.blobs_folder)
            assert waiting.result(20).audio == b"hi"
            echo_worker.close()
