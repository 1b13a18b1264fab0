"""Measuring how clearly a text was read aloud never loses what was recognised."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
from celery.exceptions import SoftTimeLimitExceeded

from pipeline.audio.decode import Waveform
from pipeline.errors import BadRequest
from pipeline.jobs.results import Transcript
from pipeline.settings import Settings
from worker_asr.clearness.fluency import Fluency
from worker_asr.clearness.meter import SpokenText, SpokenWord
from worker_asr.clearness.rules import load_rules
from worker_asr.reading import ReadingMeter

TEXT = "The cat sat on the mat today."
HEARD = Transcript("The hat sat down on mat again", "en", 3.0)
SILENCE = Waveform(np.zeros(48_000, np.float32), 16_000)


class FakeMeter:
    """Places the words one second apart, raises `error` if there is one, and keeps what it was to measure."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.texts = error, []

    def measure(self, waveform, text, transcript_words):
        self.texts.append(text)
        if self.error:
            raise self.error
        words = tuple(
            SpokenWord(word, at, at + 0.5, -1, "θ", -2, 0, 0, 3, -1, -5, 1, True, 1)
            for at, word in enumerate(text.split())
        )
        return SpokenText(words, Fluency(7.123, 2.0, 0.0, 0.0, 0.0))


@pytest.fixture
def make_meter(monkeypatch):
    def make(meter, marked=(), **settings):
        rules = load_rules()
        marks = SimpleNamespace(mark=lambda words: [each.word in marked for each in words], ranges=rules.ranges)
        reading_meter = ReadingMeter(SimpleNamespace(), Settings(**settings))
        monkeypatch.setattr(reading_meter, "loaded", (meter, marks))
        return reading_meter

    return make


def test_words_of_the_text_in_whose_place_something_was_said_may_be_not_clear(make_meter):
    meter = FakeMeter()
    reading = make_meter(meter, marked=("cat", "sat", "down", "the")).add_reading(HEARD, SILENCE, TEXT).reading
    assert meter.texts == ["The cat sat down on mat today"]
    assert [(each.word, each.state, each.start, each.weakest) for each in reading.words] == [
        ("The", "said", 0, ""),
        ("cat", "not_clear", 1, "θ"),
        ("sat", "not_clear", 2, "θ"),
        ("down", "added", 3, ""),
        ("on", "said", 4, ""),
        ("the", "left_out", None, ""),
        ("mat", "said", 5, ""),
        ("today", "misread", 6, ""),
    ]
    sounds = reading.fluency.sounds_per_s
    assert sounds.value == 7.12
    assert sounds.low < sounds.value < sounds.high


@pytest.mark.parametrize(
    ("heard", "text", "settings"),
    [
        (HEARD, "", {}),
        (HEARD, TEXT, {"clearness": "off"}),
        (Transcript("Die Katze saß auf der Matte", "de", 3.0), TEXT, {}),
        (Transcript("Nobody could explain why thirteen elephants were reading", "en", 3.0), TEXT, {}),
    ],
)
def test_without_a_text_in_english_that_was_read_nothing_is_measured(make_meter, heard, text, settings):
    meter = FakeMeter()
    assert make_meter(meter, **settings).add_reading(heard, SILENCE, text) == heard
    assert not meter.texts


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BadRequest("The recording is too short for this text."), "too short for this text"),
        (RuntimeError("of the cat"), "RuntimeError"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_an_error_is_logged_without_the_learner_s_words_and_the_transcript_stays(make_meter, caplog, error, words):
    with caplog.at_level(logging.WARNING, "waijiao"):
        assert make_meter(FakeMeter(error)).add_reading(HEARD, SILENCE, TEXT) == HEARD
    assert words in caplog.text
    assert "of the cat" not in caplog.text


def test_a_stage_that_takes_too_long_is_not_kept_from_ending(make_meter):
    with pytest.raises(SoftTimeLimitExceeded):
        make_meter(FakeMeter(SoftTimeLimitExceeded())).add_reading(HEARD, SILENCE, TEXT)


def test_another_model_is_said_once_and_goes_on_without(caplog):
    whisper = SimpleNamespace(model=SimpleNamespace(is_multilingual=False))
    reading_meter = ReadingMeter(whisper, Settings())
    with caplog.at_level(logging.WARNING, "waijiao"):
        assert [reading_meter.add_reading(HEARD, SILENCE, TEXT) for _ in range(2)] == [HEARD, HEARD]
    assert caplog.text.count("Whisper base only") == 1
