"""What an OpenAI-compatible server's error responses mean, and how its stream ends before a stop text."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pipeline.errors import BadRequest, EngineFailed, PromptTooLong, Unavailable
from worker_llm.openai_api import errors
from worker_llm.openai_api.errors import ApiError, parse_retry_after
from worker_llm.openai_api.stream import Chunk, StreamedAnswer, Usage

QUOTE = "she dont like dogs"  # what a learner said, and a server repeats


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (400, {"error": {"message": f"maximum context length is 100 tokens: {QUOTE}"}}, PromptTooLong),
        (400, {"error": {"message": QUOTE, "type": "exceed_context_size_error"}}, PromptTooLong),
        (0, {"error": f"too many tokens: {QUOTE}"}, PromptTooLong),
        (422, {"detail": QUOTE}, BadRequest),
        (429, {"error": {"message": QUOTE}}, Unavailable),
        (503, {}, Unavailable),
        (0, {"error": {"message": QUOTE, "code": 500}}, Unavailable),
        (0, {"error": {"message": QUOTE, "code": "server_error"}}, EngineFailed),
        (401, {"error": {"message": QUOTE}}, EngineFailed),
        (404, {"message": QUOTE}, EngineFailed),
    ],
)
def test_errors_tell_the_caller_what_to_do_and_never_quote_the_server(status, content, expected):
    api_error = ApiError.from_json(status, content)
    assert type(api_error.to_waijiao_error()) is expected
    for text in (str(api_error), repr(api_error), str(api_error.to_waijiao_error())):
        assert QUOTE not in text


def test_the_text_for_a_log_has_status_type_code_and_field():
    content = {"error": {"message": QUOTE, "type": "invalid_request_error", "code": "unsupported", "param": "stop"}}
    assert str(ApiError.from_json(400, content)) == "status 400 invalid_request_error unsupported stop"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"message": "Unsupported parameter", "param": "temperature"}, "temperature"),
        ({"message": "Unsupported parameter: 'seed' is not supported"}, "seed"),
        ({"message": "Unsupported parameter: 'messages'", "param": "messages"}, None),  # without it there is no chat
        ({"message": "Unsupported parameter: 'top_p'"}, None),  # it was not sent
        ({"message": "stop must be a string"}, None),
    ],
)
def test_only_a_field_that_was_sent_and_can_be_missed_is_left_out(content, expected):
    request = {"messages": [], "temperature": 0.5, "seed": 1, "stop": ["\n"]}
    assert ApiError.from_json(400, {"error": content}).find_unsupported_field(request) == expected
    assert ApiError.from_json(500, {"error": content}).find_unsupported_field(request) is None


def test_a_spent_quota_is_permanent_and_a_busy_server_temporary():
    assert ApiError.from_json(429, {"error": {"code": "rate_limit_exceeded"}}).is_transient
    assert not ApiError.from_json(429, {"error": {"code": "insufficient_quota"}}).is_transient


def test_retry_after_is_seconds_or_a_date_or_nothing(monkeypatch):
    now = datetime(2024, 2, 29, 12, 0, tzinfo=UTC)
    monkeypatch.setattr(errors, "time", now.timestamp)
    assert parse_retry_after("7") == 7
    assert parse_retry_after(format_datetime(now + timedelta(seconds=90), usegmt=True)) == 90
    assert parse_retry_after(format_datetime(now - timedelta(days=1), usegmt=True)) == 0
    assert parse_retry_after("") == parse_retry_after("soon") == 0


def make_chunk(text="", finish_reason=None, usage=None):
    choices = [{"delta": {"content": text}, "finish_reason": finish_reason}]
    return Chunk.model_validate({"choices": choices, "usage": usage})


def test_the_beginning_of_a_stop_text_is_held_back_until_it_is_clear_whether_it_is_one():
    answer = StreamedAnswer(stop=("\nB", "xyz"))
    assert [answer.add(make_chunk(text)) for text in ("Hi x", "y", "!\n", "Bye")] == ["Hi ", "", "xy!", ""]
    assert (answer.text, answer.finish_reason, answer.is_complete) == ("Hi xy!", "stop", True)


def test_a_stream_is_complete_with_its_token_counts():
    answer = StreamedAnswer()
    answer.add(make_chunk("Hi", finish_reason="length"))
    assert not answer.is_complete
    answer.add(make_chunk(usage={"prompt_tokens": 3, "completion_tokens": 1}))
    assert answer.is_complete
    assert answer.usage == Usage(prompt_tokens=3, completion_tokens=1)


@pytest.mark.parametrize(
    ("chunk", "read"),
    [
        ('{"choices": [{"delta": {"content": "%s"}}]}', lambda chunk: chunk.choices[0].delta.content),
        ('{"error": "%s"}', lambda chunk: chunk.error),
    ],
)
def test_no_words_are_kept_when_they_were_read(chunk, read):
    """Identical objects would come from a cache, which outlives the answer."""
    text = chunk % QUOTE
    assert read(Chunk.model_validate_json(text)) is not read(Chunk.model_validate_json(text))
