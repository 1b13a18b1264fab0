"""Single models with OpenAI's own client on a real server; the tests complete the stages by hand."""

import io
import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import pytest
from openai import OpenAI

from api.openai.models import ALIASES
from pipeline.api_keys import Keys, Limits
from pipeline.blob_store import FolderBlobs
from pipeline.errors import EngineFailed, NoSpeech
from pipeline.jobs.results import Answer, Completion, Gap, Segment, Transcript, Word
from tests.support.job_steps import claim_job, make_job_request
from tests.support.wait import wait_for

RECORDING = ("a.wav", b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 40)
HEARD = Transcript(
    "I go home.",
    "en",
    2.5,
    (Word("I", 0.1, 0.2, 0.9), Word("go", 0.3, 0.5, 0.8), Word("home.", 0.6, 1.0, 0.7)),
    (Segment(0.1, 1.0, "I go home.", -0.2, 0.9, 0.01),),
    (Gap(1.6, 2.4),),
)
SAID = Completion("Hello, Anna!", "stop", 12, 4)
PARTS = [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}]
ASKED = [{"role": "user", "content": "Hi, I am Anna."}]


def client_of(server, **chosen) -> OpenAI:
    web = openai.DefaultHttpxClient(trust_env=False)
    return OpenAI(
        base_url=f"{server.base_url}/v1", http_client=web, **{"api_key": "unused", "max_retries": 0, **chosen}
    )


@pytest.fixture
def client(server):
    with client_of(server) as client:
        yield client


@pytest.fixture
def worker(jobs):
    """Completes a stage in another thread, once a job is ready there; an error in it fails the test."""
    with ThreadPoolExecutor() as pool:
        begun = []

        def work(stage, do):
            begun.append(pool.submit(lambda: wait_for(lambda: jobs.waiting()[stage]) and do(claim_job(jobs, stage))))
            return begun[-1]

        yield work
        for each in begun:
            each.result(30)


@pytest.fixture
def answer(worker, jobs):
    """A worker that completes the next job of a stage with a result and returns the job."""

    def answer(stage, result):
        def complete(job):
            assert jobs.complete(stage, job, result(job) if callable(result) else result)[0]
            return job

        return worker(stage, complete)

    return answer


@pytest.fixture
def fail(worker, jobs):
    return lambda stage, error: worker(stage, lambda job: jobs.fail(stage, job, error, again=False))


def expect_nothing_left(redis, settings) -> bool:
    """Of the jobs there are only tombstones, no recording and no answer."""
    records = [redis.hgetall(key) for key in redis.keys("waijiao:job:*")]
    listed = [key for kind in ("turns", "open", "session", "progress") for key in redis.keys(f"waijiao:{kind}:*")]
    blobs = [path for path in settings.blobs_folder.glob("**/*") if path.is_file()]
    counted = redis.zcard("waijiao:jobs:default") + redis.zcard("waijiao:deadlines")
    return all("stages" not in record for record in records) and not (listed or blobs or counted)


# --- transcriptions ----------------------------------------------------------------------------------------------


def test_a_recording_is_transcribed_and_forgotten(client, answer, redis, settings):
    working = answer("asr", HEARD)
    transcription = client.audio.transcriptions.create(
        file=RECORDING, model="whisper-1", language="en", prompt="Anna", temperature=0
    )
    job_request = working.result().request
    assert transcription.text == "I go home."
    assert (job_request.task, job_request.language, job_request.details, job_request.lane) == (
        "transcribe", "en", {"prompt": "Anna"}, "interactive",
    )  # fmt: skip
    assert expect_nothing_left(redis, settings)


REQUESTS_OF_ONE_MODEL = {
    "transcription": ("/v1/audio/transcriptions", {"files": {"file": RECORDING, "model": (None, "whisper-1")}}),
    "speech": ("/v1/audio/speech", {"json": {"model": "tts-1", "input": "Hello.", "voice": "alloy"}}),
    "chat": ("/v1/chat/completions", {"json": {"model": "default", "messages": ASKED}}),
    "stream": ("/v1/chat/completions", {"json": {"model": "default", "messages": ASKED, "stream": True}}),
}


@pytest.mark.parametrize(("path", "body"), REQUESTS_OF_ONE_MODEL.values(), ids=REQUESTS_OF_ONE_MODEL)
def test_the_job_of_a_client_that_leaves_is_canceled_and_erased(server, jobs, redis, settings, path, body):
    with pytest.raises(httpx.ReadTimeout):  # which closes the connection
        server.post(path, **body, timeout=httpx.Timeout(30, read=1))
    wait_for(lambda: not sum(jobs.waiting().values()) and expect_nothing_left(redis, settings), seconds=10)


def test_verbose_json_has_what_was_measured(client, answer):
    answer("asr", HEARD)
    transcription = verbose(client, timestamp_granularities=["word", "segment"])
    assert (transcription.text, transcription.language, transcription.duration) == (HEARD.text, "en", 2.5)
    (segment,) = transcription.segments
    assert (segment.id, segment.start, segment.end, segment.text) == (0, 0.1, 1.0, "I go home.")
    assert (segment.avg_logprob, segment.compression_ratio, segment.no_speech_prob) == (-0.2, 0.9, 0.01)
    assert [(word.word, word.start, word.end) for word in transcription.words][1] == ("go", 0.3, 0.5)
    assert transcription.gaps == [{"start": 1.6, "end": 2.4}]


def test_verbose_json_has_the_segments_unless_only_words_are_asked_for(client, answer):
    for chosen, has in (({}, (1, None)), ({"timestamp_granularities": ["word"]}, (None, 3))):
        answer("asr", HEARD)
        transcription = verbose(client, **chosen)
        assert (
            transcription.segments and len(transcription.segments),
            transcription.words and len(transcription.words),
        ) == has


def verbose(client, **chosen):
    return client.audio.transcriptions.create(
        file=RECORDING, model="whisper-base", response_format="verbose_json", **chosen
    )


def test_a_transcript_is_written_as_text_or_subtitles(client, answer):
    for written, expected in (
        ("text", "I go home.\n"),
        (
            "srt",
            "1\n00:00:00,100 --> 00:00:01,100\nI go home.\n\n2\n00:00:01,600 --> 00:00:02,500\n[unintelligible]\n\n",
        ),
        (
            "vtt",
            "WEBVTT\n\n00:00:00.100 --> 00:00:01.100\nI go home.\n\n"
            "00:00:01.600 --> 00:00:02.500\n[unintelligible]\n\n",
        ),
    ):
        answer("asr", HEARD)
        transcription = client.audio.transcriptions.create(file=RECORDING, model="whisper-1", response_format=written)
        assert transcription == expected


def test_silence_is_an_error_that_is_not_sent_again(server, fail, redis, settings):
    fail("asr", NoSpeech())
    with client_of(server, max_retries=2) as client, pytest.raises(openai.UnprocessableEntityError) as caught:
        client.audio.transcriptions.create(file=RECORDING, model="whisper-1")
    assert caught.value.code == "no_speech"
    assert expect_nothing_left(redis, settings)


def test_unsupported_parameters_of_a_transcription_are_refused_by_name(client, redis):
    for chosen, named in (
        ({"stream": True}, "stream"),
        ({"temperature": 0.4}, "temperature"),
        ({"response_format": "diarized_json"}, "response_format"),
        ({"timestamp_granularities": ["word"]}, "timestamp_granularities"),
        ({"include": ["logprobs"]}, "include"),
        ({"chunking_strategy": "auto"}, "chunking_strategy"),
        ({"language": "English"}, "language"),
        ({"extra_headers": {"Idempotency-Key": "k"}}, "Idempotency-Key"),
    ):
        with pytest.raises(openai.UnprocessableEntityError) as caught:
            client.audio.transcriptions.create(file=RECORDING, model="whisper-1", **chosen)
        assert (caught.value.code, caught.value.type) == ("bad_request", "invalid_request_error")
        assert named in caught.value.message
    assert not redis.keys("waijiao:job:*")


def test_a_file_that_is_not_a_recording_is_refused(client):
    for content, code in ((b"", "empty_request"), (b"hello" * 100, "not_audio")):
        with pytest.raises(openai.APIStatusError) as caught:
            client.audio.transcriptions.create(file=("a.wav", content), model="whisper-1")
        assert caught.value.code == code


# --- chats -------------------------------------------------------------------------------------------------------


def test_a_chat_is_continued_and_forgotten(client, answer, redis, settings):
    working = answer("llm", SAID)
    completion = client.chat.completions.create(
        model="default",
        messages=[{"role": "developer", "content": "Be kind."}, {"role": "user", "content": PARTS}],
        max_completion_tokens=20, temperature=0.5, top_p=0.9, seed=7, stop="\n\n", n=1, user="anna", presence_penalty=0,
    )  # fmt: skip
    (choice,) = completion.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", SAID.text, "stop")
    assert (completion.usage.prompt_tokens, completion.usage.total_tokens) == (12, 16)
    assert (completion.model, completion.object) == (settings.llm_model, "chat.completion")
    assert working.result().request.details == {
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}],
        "max_tokens": 20, "temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": ["\n\n"],
    }  # fmt: skip
    assert expect_nothing_left(redis, settings)


def test_an_answer_can_be_sent_back_as_a_message(client, answer):
    answer("llm", SAID)
    first = client.chat.completions.create(model="default", messages=ASKED).choices[0].message
    working = answer("llm", SAID)
    client.chat.completions.create(model="default", messages=[*ASKED, first, *ASKED])
    assert working.result().request.details["messages"][1] == {"role": "assistant", "content": SAID.text}


def test_a_message_may_have_a_name_and_a_refusal_which_have_no_effect(client, answer):
    working = answer("llm", SAID)
    answers = [{"role": "assistant", "content": "No.", "refusal": "I may not.", "name": "William"}]
    messages = [{"role": "user", "content": "Hi", "name": "anna"}, *answers, *ASKED]
    client.chat.completions.create(model="default", messages=messages)
    assert working.result().request.details["messages"] == [
        {"role": each["role"], "content": each["content"]} for each in messages
    ]


TOOL = {"type": "function", "function": {"name": "look", "parameters": {}}}


def test_unsupported_parameters_of_a_chat_are_refused_by_name(client, redis):
    for chosen, named in (
        ({"tools": [TOOL]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"n": 2}, "n"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"logit_bias": {"1": 2}}, "logit_bias"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "messages"),
    ):
        with pytest.raises(openai.UnprocessableEntityError) as caught:
            client.chat.completions.create(**{"model": "default", "messages": ASKED, **chosen})
        assert (caught.value.code, named in caught.value.message) == ("bad_request", True)
    assert not redis.keys("waijiao:job:*")


def test_a_chat_longer_than_the_context_is_refused_at_once(client, redis):
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.chat.completions.create(model="default", messages=[{"role": "user", "content": "a" * 200_000}])
    assert (caught.value.code, caught.value.param) == ("prompt_too_long", "messages")
    assert not redis.keys("waijiao:job:*")


def text_of(chunks) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_a_chat_is_streamed_as_it_is_generated(client, worker, jobs, redis, settings):
    chunks = []

    def write(job):
        for number, piece in enumerate(["Hello", ", An", "na!"], 1):
            jobs.progress("llm", job, number, {"text": piece})
            wait_for(lambda seen=number: len(chunks) > seen)  # no piece before the client has the one before
        jobs.complete("llm", job, SAID)

    worker("llm", write)
    for chunk in client.chat.completions.create(
        model="default", messages=ASKED, stream=True, stream_options={"include_usage": True}
    ):
        chunks.append(chunk)
    assert [chunk.choices[0].delta.content for chunk in chunks[:4]] == ["", "Hello", ", An", "na!"]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (chunks[-1].choices, chunks[-1].usage.completion_tokens) == ([], 4)
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    wait_for(lambda: expect_nothing_left(redis, settings))


def test_text_that_was_not_published_is_sent_at_the_end(client, worker, jobs):
    def write(job):
        jobs.progress("llm", job, 1, {"text": "Hello"})
        jobs.complete("llm", job, SAID)

    worker("llm", write)
    assert text_of(client.chat.completions.create(model="default", messages=ASKED, stream=True)) == SAID.text


def test_an_empty_chat_ends_too(client, answer):
    answer("llm", Completion("", "stop", 3, 0))
    chunks = list(client.chat.completions.create(model="default", messages=ASKED, stream=True))
    assert (text_of(chunks), chunks[-1].choices[0].finish_reason) == ("", "stop")


@pytest.fixture
def stream(client, jobs):
    """A stream that "Hello" came from, before the worker died."""
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(client.chat.completions.create, model="default", messages=ASKED, stream=True)
        wait_for(lambda: jobs.waiting()["llm"])
        jobs.progress("llm", claim_job(jobs, "llm", "unlucky"), 1, {"text": "Hello"})
        with asking.result() as stream:
            assert text_of([next(stream), next(stream)]) == "Hello"
            yield stream


def test_a_stream_continues_without_repetition_when_another_worker_generates_the_same(stream, jobs):
    job = claim_job(jobs, "llm", "unlucky")
    for number, piece in enumerate(["Hel", "lo, ", "Anna!"], 1):
        jobs.progress("llm", job, number, {"text": piece})
    jobs.complete("llm", job, SAID)
    assert f"Hello{text_of(stream)}" == SAID.text


@pytest.mark.parametrize("other", ["Good day.", "He"])
def test_a_stream_ends_with_an_error_when_another_worker_generates_something_else(stream, jobs, other):
    job = claim_job(jobs, "llm", "unlucky")
    jobs.progress("llm", job, 1, {"text": other})
    jobs.complete("llm", job, Completion(other, "stop", 5, 3))
    with pytest.raises(openai.APIError) as caught:
        list(stream)
    assert (caught.value.code, caught.value.type) == ("begun_anew", "server_error")


def test_a_stream_whose_job_fails_ends_with_its_error(stream, jobs, redis, settings):
    job = claim_job(jobs, "llm", "unlucky")
    jobs.fail("llm", job, EngineFailed(), again=False)
    with pytest.raises(openai.APIError) as caught:
        list(stream)
    assert caught.value.code == "engine_failed"
    wait_for(lambda: expect_nothing_left(redis, settings))


def test_a_stream_whose_client_leaves_is_canceled(stream, jobs, redis, settings):
    job = claim_job(jobs, "llm", "unlucky")
    stream.close()
    texts = (f"{SAID.text * number}" for number in range(1, 10_000))
    wait_for(lambda: not jobs.progress("llm", job, int(time.monotonic() * 1e6), {"text": next(texts)}))
    wait_for(lambda: expect_nothing_left(redis, settings))


def test_a_failure_before_the_first_word_of_a_stream_is_a_plain_error(client, fail):
    fail("llm", EngineFailed())
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="default", messages=ASKED, stream=True)
    assert (caught.value.status_code, caught.value.code) == (500, "engine_failed")


# --- speech ------------------------------------------------------------------------------------------------------


def make_answer(settings):
    def speak(job):
        blob = FolderBlobs(settings.blobs_folder).put(job.name, io.BytesIO(b"sound" * 1000))
        return Answer(job.request.text, blob.name, blob.sha256, blob.size, 1.0, job.request.format)

    return speak


def test_a_text_is_spoken_and_forgotten(client, answer, redis, settings):
    for format_, content_type in (
        ("mp3", "audio/mpeg"),
        ("opus", "audio/ogg"),
        ("aac", "audio/aac"),
        ("flac", "audio/flac"),
        ("wav", "audio/wav"),
        ("pcm", "audio/pcm"),
    ):
        working = answer("tts", make_answer(settings))
        asked_for = {"model": "tts-1", "voice": "nova", "input": "Hello.", "speed": 1.5}
        speech = client.audio.speech.create(**asked_for, response_format=format_)
        job_request = working.result().request
        assert (speech.content, speech.response.headers["Content-Type"]) == (
            b"sound" * 1000,
            content_type,
        )
        assert speech.response.headers["Content-Length"] == "5000"
        assert (job_request.text, job_request.voice, job_request.speed, job_request.format) == (
            "Hello.",
            "default",
            1.5,
            format_,
        )
        assert expect_nothing_left(redis, settings)


def test_speech_is_mp3_by_default(client, answer, settings):
    working = answer("tts", make_answer(settings))
    client.audio.speech.create(model="default", voice="default", input="Hello.")
    assert working.result().request.format == "mp3"


def test_unsupported_parameters_of_speech_are_refused_by_name(client, redis):
    for chosen, named, code in (
        ({"speed": 4}, "speed", "bad_request"),
        ({"input": "a" * 4097}, "input", "bad_request"),
        ({"input": ""}, "input", "bad_request"),
        ({"instructions": "whisper"}, "instructions", "bad_request"),
        ({"stream_format": "sse"}, "stream_format", "bad_request"),
        ({"response_format": "ogg"}, "response_format", "bad_request"),
        ({"voice": "elvis"}, "voice", "unknown_voice"),
    ):
        with pytest.raises(openai.UnprocessableEntityError) as caught:
            client.audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": "Hello.", **chosen})
        assert (caught.value.code, named in caught.value.message) == (code, True)
    assert not redis.keys("waijiao:job:*")


# --- models ------------------------------------------------------------------------------------------------------


def test_the_configured_models_are_listed(client, settings):
    listed = client.models.list().data
    assert [model.id for model in listed] == [settings.asr_model, settings.llm_model, settings.tts_model]
    assert all(model.owned_by for model in listed)
    assert client.models.retrieve(settings.llm_model) == listed[1]


def test_a_custom_model_is_listed_by_its_file_name_only(serve):
    with client_of(serve(llm_model="/somewhere/secret/mine.gguf")) as client:
        assert client.models.retrieve("mine.gguf").owned_by == "local"


def test_an_unknown_model_is_not_found_and_the_known_ones_are_listed(client, settings):
    for ask, known in (
        (lambda: client.models.retrieve("gpt-9"), settings.llm_model),
        (lambda: client.chat.completions.create(model="gpt-9", messages=ASKED), settings.llm_model),
        (lambda: client.chat.completions.create(model=settings.asr_model, messages=ASKED), settings.llm_model),
        (lambda: client.audio.speech.create(model="whisper-1", voice="alloy", input="Hi."), settings.tts_model),
        (lambda: client.audio.transcriptions.create(model="tts-1", file=RECORDING), settings.asr_model),
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            ask()
        assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
        assert known in caught.value.message


def test_every_alias_of_a_model_is_accepted(client, answer):
    for name in ALIASES["asr"]:
        answer("asr", HEARD)
        assert client.audio.transcriptions.create(file=RECORDING, model=name).text == HEARD.text


# --- waiting -----------------------------------------------------------------------------------------------------


def test_a_request_that_waits_too_long_fails_and_its_job_is_canceled(serve, redis, settings):
    with client_of(serve(alone_s=0.5), max_retries=2) as client:
        start_time = time.monotonic()
        for ask in (
            lambda: client.chat.completions.create(model="default", messages=ASKED),
            lambda: client.chat.completions.create(model="default", messages=ASKED, stream=True),
        ):
            with pytest.raises(openai.InternalServerError) as caught:
                ask()
            assert (caught.value.status_code, caught.value.code) == (504, "too_slow")
            assert expect_nothing_left(redis, settings)
        assert time.monotonic() - start_time < 10  # it was not sent again


def test_a_stream_that_takes_too_long_ends_with_an_error(serve, jobs, redis, settings):
    with client_of(serve(alone_s=3)) as client, ThreadPoolExecutor() as pool:
        asking = pool.submit(client.chat.completions.create, model="default", messages=ASKED, stream=True)
        wait_for(lambda: jobs.waiting()["llm"])
        jobs.progress("llm", claim_job(jobs, "llm"), 1, {"text": "Hello"})
        with pytest.raises(openai.APIError) as caught:
            list(asking.result())
    assert caught.value.code == "too_slow"
    wait_for(lambda: expect_nothing_left(redis, settings))


def test_when_too_many_wait_the_next_is_refused_and_retried(serve, jobs, redis):
    server = serve(most_waiting=1, api_processes=1)
    with client_of(server) as client, client_of(server, max_retries=2) as patient, ThreadPoolExecutor() as pool:
        first = pool.submit(client.chat.completions.create, model="default", messages=ASKED)
        wait_for(lambda: jobs.waiting()["llm"])
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(model="default", messages=ASKED)
        assert (caught.value.status_code, caught.value.code) == (503, "too_many_waiting")
        assert int(caught.value.response.headers["Retry-After"]) >= 1
        assert jobs.waiting()["llm"] == 1
        again = pool.submit(patient.chat.completions.create, model="default", messages=ASKED)
        jobs.complete("llm", claim_job(jobs, "llm"), SAID)
        assert first.result().choices[0].message.content == SAID.text
        wait_for(lambda: jobs.waiting()["llm"])
        jobs.complete("llm", claim_job(jobs, "llm"), SAID)
        assert again.result().choices[0].message.content == SAID.text


def test_a_waiting_place_is_free_again_after_every_kind_of_end(serve, jobs, fail, answer):
    with client_of(serve(most_waiting=1, api_processes=1)) as client:
        for _ in range(2):
            fail("llm", EngineFailed())
            with pytest.raises(openai.InternalServerError):
                client.chat.completions.create(model="default", messages=ASKED, stream=True)
            answer("llm", SAID)
            with client.chat.completions.create(model="default", messages=ASKED, stream=True) as stream:
                next(stream)
            expect_free_place(client, answer)


def expect_free_place(client, answer) -> None:
    """The next request is served eventually: a stream's place is free once its client has disconnected."""
    working = answer("llm", SAID)
    wait_for(lambda: is_served(client))
    working.result()


def is_served(client) -> bool:
    try:
        return bool(client.chat.completions.create(model="default", messages=ASKED).choices)
    except openai.InternalServerError as error:
        return not expect_too_many_waiting(error)


def expect_too_many_waiting(error: openai.APIStatusError) -> bool:
    assert error.code == "too_many_waiting"
    return True


def test_too_many_unfinished_jobs_are_429_with_retry_after(serve, jobs):
    server = serve(max_jobs_tenant=1)
    jobs.submit(make_job_request("a" * 32, recording=False))
    with client_of(server) as client, pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="default", messages=ASKED)
    assert (caught.value.code, caught.value.type) == ("quota_full", "rate_limit_error")
    assert int(caught.value.response.headers["Retry-After"]) >= 1


def test_a_job_that_is_canceled_elsewhere_is_a_conflict(server, client, worker):
    worker("llm", lambda job: server.delete(f"/v1/jobs/{job.id}").raise_for_status())
    with pytest.raises(openai.ConflictError) as caught:
        client.chat.completions.create(model="default", messages=ASKED)
    assert caught.value.code == "canceled"


OPENAI_S = {"type": "invalid_request_error", "code": "bad_request", "param": "stream_options"}


def test_an_error_is_a_problem_and_has_openai_s_fields(server):
    answer = server.post("/v1/chat/completions", json={"messages": ASKED, "stream_options": {}})
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Should-Retry"] == "false"
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (422, "bad_request")
    assert problem["error"] == {**OPENAI_S, "message": problem["detail"]}
    assert "error" not in server.get("/v1/jobs/" + "0" * 32).json()


def test_a_body_of_the_wrong_kind_is_refused(server):
    for path, sent in (
        ("/v1/chat/completions", {"data": {"messages": "hi"}}),
        ("/v1/audio/speech", {"data": {"input": "hi"}}),
        ("/v1/audio/transcriptions", {"json": {"file": "hi"}}),
        ("/v1/chat/completions", {"content": b"{", "headers": {"Content-Type": "application/json"}}),
    ):
        answer = server.post(path, **sent)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_request"), answer.text


def test_a_stream_is_made_of_events_that_end_with_done(server, answer):
    answer("llm", SAID)
    stream = server.post("/v1/chat/completions", json={"messages": ASKED, "stream": True})
    assert stream.headers["Content-Type"].startswith("text/event-stream")
    *events, done, rest = stream.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    assert all(json.loads(event.removeprefix("data: "))["object"] == "chat.completion.chunk" for event in events)


# --- keys --------------------------------------------------------------------------------------------------------


def test_a_key_is_required_counted_and_named_in_the_job(serve, redis, answer):
    server = serve(keys=True)
    key, text = Keys(redis).create("default", "learner", "Anna", Limits(per_minute=1))
    working = answer("llm", SAID)
    with client_of(server, api_key=text) as anna:
        anna.chat.completions.create(model="default", messages=ASKED)
        assert (working.result().request.owner, working.result().request.key) == (key.id, key.id)
        with pytest.raises(openai.RateLimitError) as caught:
            anna.chat.completions.create(model="default", messages=ASKED)
        assert caught.value.code == "rate_limited"
        assert int(caught.value.response.headers["Retry-After"]) >= 1
    with client_of(server) as nobody, pytest.raises(openai.AuthenticationError) as refused:
        nobody.models.list()
    assert (refused.value.code, refused.value.type) == ("key_unknown", "authentication_error")


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize(
    ("role", "tokens", "is_refused"),
    [("learner", 101, True), ("learner", 1_000_000, True), ("learner", 100, False), ("teacher", 5000, False)],
)
def test_a_learner_may_not_ask_for_any_number_of_tokens(serve, redis, answer, name, role, tokens, is_refused):
    server = serve(keys=True, chat_tokens_learner=100)
    _, text = Keys(redis).create("default", role, "Anna", Limits())
    with client_of(server, api_key=text) as anna:
        if is_refused:
            with pytest.raises(openai.UnprocessableEntityError) as caught:
                anna.chat.completions.create(model="default", messages=ASKED, **{name: tokens})
            assert caught.value.param == name
            assert "100 tokens" in caught.value.message
        else:
            working = answer("llm", SAID)
            anna.chat.completions.create(model="default", messages=ASKED, **{name: tokens})
            assert working.result().request.details["max_tokens"] == tokens


def test_a_stream_without_redis_ends_with_an_error(stream, redis):
    redis.shutdown(nosave=True)
    with pytest.raises(openai.APIError) as caught:
        list(stream)
    assert caught.value.code == "unavailable"
