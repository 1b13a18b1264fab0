"""Every format that phones and browsers record is answered; every bad recording fails with its own code."""

import os

import numpy as np
import pytest

from tests.support.recordings import (
    FILE_FORMATS,
    encode_recording,
    load_clear_speaker,
    make_hour_of_silence,
    make_wav,
    make_wav_claiming_4_gib,
)
from tests.support.transcripts import word_errors

ROAD = ["wav 16 bit", "mp3", "m4a", "aac", "ogg opus", "webm", "flac"]
NAN = np.full(16_000, np.nan)


@pytest.fixture(scope="module")
def transcript(app) -> str:
    return app.ask(encode_recording(load_clear_speaker(), *FILE_FORMATS["wav no change"]), language="en")["transcript"][
        "text"
    ]


@pytest.mark.parametrize("form", ROAD)
def test_every_format_is_recognised_alike(app, transcript, form):
    job = app.ask(encode_recording(load_clear_speaker(), *FILE_FORMATS[form]), language="en")
    assert job["state"] == "succeeded"
    assert word_errors(transcript, job["transcript"]["text"]) <= 2  # lossy formats may cost a word


@pytest.mark.parametrize(
    ("recording", "code"),
    [
        (make_wav(np.zeros(0)), "bad_audio"),
        (make_wav(NAN, "FLOAT"), "bad_audio"),
        (b"OggS\0\2" + os.urandom(50_000), "bad_audio"),
        (encode_recording(load_clear_speaker(), *FILE_FORMATS["m4a"])[:9_000], "bad_audio"),
        (make_hour_of_silence(), "too_long"),
        (make_wav_claiming_4_gib(16_000), "no_speech"),
    ],
    ids=["no samples", "not numbers", "random behind a header", "cut m4a", "an hour", "4 GiB header"],
)
def test_a_bad_recording_fails_with_its_code_and_is_not_tried_again(app, recording, code):
    job = app.ask(recording)
    assert (job["state"], job["error"]["code"], job["attempts"]) == ("failed", code, {"asr": 1})
    assert job["error"]["detail"]


def test_a_truncated_recording_is_used_as_far_as_it_goes(app):
    whole = encode_recording(load_clear_speaker(), *FILE_FORMATS["mp3"])
    assert app.ask(whole[: len(whole) * 2 // 3], language="en")["state"] == "succeeded"
