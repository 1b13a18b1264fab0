"""Every format that phones and browsers record goes the whole road; every bad recording ends with its own code."""

import os

import numpy as np
import pytest

from tests.support.recordings import FORMS, claiming_four_gigabytes, hour_of_silence, learner, wav, write
from tests.support.transcripts import word_errors

ROAD = ["wav 16 bit", "mp3", "m4a", "aac", "ogg opus", "webm", "flac"]
NAN = np.full(16_000, np.nan)


@pytest.fixture(scope="module")
def said(app) -> str:
    return app.ask(write(learner(), *FORMS["wav no change"]), language="en")["transcript"]["text"]


@pytest.mark.parametrize("form", ROAD)
def test_every_format_is_heard_alike(app, said, form):
    job = app.ask(write(learner(), *FORMS[form]), language="en")
    assert job["state"] == "succeeded"
    assert word_errors(said, job["transcript"]["text"]) <= 2  # lossy formats may cost a word


@pytest.mark.parametrize(
    ("recording", "code"),
    [
        (wav(np.zeros(0)), "bad_audio"),
        (wav(NAN, "FLOAT"), "bad_audio"),
        (b"OggS\0\2" + os.urandom(50_000), "bad_audio"),
        (write(learner(), *FORMS["m4a"])[:9_000], "bad_audio"),
        (hour_of_silence(), "too_long"),
        (claiming_four_gigabytes(16_000), "no_speech"),
    ],
    ids=["no samples", "not numbers", "random behind a header", "cut m4a", "an hour", "4 GiB header"],
)
def test_a_bad_recording_ends_with_its_code_and_without_a_second_try(app, recording, code):
    job = app.ask(recording)
    assert (job["state"], job["error"]["code"], job["attempts"]) == ("failed", code, {"asr": 1})
    assert job["error"]["detail"]


def test_a_truncated_recording_is_used_as_far_as_it_goes(app):
    whole = write(learner(), *FORMS["mp3"])
    assert app.ask(whole[: len(whole) * 2 // 3], language="en")["state"] == "succeeded"
