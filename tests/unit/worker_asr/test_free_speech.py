"""In which jobs the recogniser estimates which words it misheard."""

import pytest

from pipeline.jobs.job import Job, JobRequest
from worker_asr.transcriber import is_free_speech


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"task": "turn", "lesson": "l"}, True),
        ({"assignment": "a", "details": {"instructions": "Tell me about your day."}}, True),
        ({"assignment": "a", "details": {"text": "I like dogs."}}, False),
        ({"task": "transcribe"}, False),
        ({"task": "transcribe", "lesson": "l"}, False),
    ],
)
def test_only_speech_that_is_answered_and_has_no_known_text_is_estimated(fields, expected):
    job_request = JobRequest("id", "anna", recording="default/id/x", **fields)
    assert is_free_speech(Job(job_request, 1, "asr", "", 1, 0.0, 0.0, 0.0)) is expected
