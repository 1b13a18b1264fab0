"""The estimates of a transcript's words: with a model whose sounds can be measured, and with others."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
from celery.exceptions import SoftTimeLimitExceeded

from pipeline.audio.decode import Waveform
from pipeline.errors import BadRequest, ConfigurationError
from pipeline.jobs.results import Transcript, Word
from pipeline.settings import Settings
from pipeline.text.misheard import estimate_misheard
from worker_asr import misheard
from worker_asr.misheard import MisheardEstimator, join_parts

SILENCE = Waveform(np.zeros(16_000, np.float32), 16_000)
TRANSCRIPT = Transcript(
    "I like 你好 !", "en", 1.0,
    (Word("I", 0.0, 0.2, 0.9), Word("like", 0.2, 0.5, 0.8), Word("你好", 0.5, 0.9, 0.7), Word("!", 0.9, 0.9, 0.6)),
)  # fmt: skip


@pytest.fixture
def make_estimator(monkeypatch):
    """An estimator whose meter finds this clearness of the words, or raises this error."""

    def make(result, **settings):
        asked = []

        def measure_clearness(waveform, words):
            asked.append(words)
            if isinstance(result, BaseException):
                raise result
            return result

        monkeypatch.setattr(misheard, "ClearnessMeter", lambda _: SimpleNamespace(measure_clearness=measure_clearness))
        return MisheardEstimator(SimpleNamespace(), Settings(**settings)), asked

    return make


def test_each_word_gets_the_estimate_by_its_probability_and_its_sounds(make_estimator):
    estimator, asked = make_estimator([-0.5, -1.0, -4.0, -2.0])
    words = estimator.estimate(TRANSCRIPT, SILENCE).words
    assert asked == [["I", "like", "你", "好"]]
    expected = estimate_misheard(["I", "like", "你好", "!"], [0.9, 0.8, 0.7, 0.6], [-0.5, -1.0, -3.0, -1.875])
    assert [word.misheard for word in words] == pytest.approx(expected, abs=0.001)
    assert [(word.word, word.probability) for word in words] == [
        (word.word, word.probability) for word in TRANSCRIPT.words
    ]


def test_a_transcript_in_another_language_stays_as_it_is(make_estimator):
    estimator, asked = make_estimator([])
    german = Transcript("Hallo", "de", 1.0, (Word("Hallo", 0.0, 0.5, 0.9),))
    assert estimator.estimate(german, SILENCE) == german
    assert not asked


def test_nothing_is_measured_where_it_is_switched_off(make_estimator):
    estimator, asked = make_estimator([], misheard="probability")
    assert estimator.estimate(TRANSCRIPT, SILENCE) == TRANSCRIPT
    assert not asked


def test_with_another_speech_model_words_stay_as_they_are(monkeypatch, caplog):
    def refuse(whisper):
        raise ConfigurationError("Whisper base only")

    monkeypatch.setattr(misheard, "ClearnessMeter", refuse)
    with caplog.at_level(logging.INFO, "waijiao"):
        estimator = MisheardEstimator(SimpleNamespace(), Settings())
    assert "WAIJIAO_MISHEARD" in caplog.text
    assert estimator.estimate(TRANSCRIPT, SILENCE) == TRANSCRIPT


@pytest.mark.parametrize("error", [BadRequest("too short for this text"), ValueError("secret words")])
def test_a_turn_goes_on_without_estimates_when_they_fail(make_estimator, caplog, error):
    estimator, _ = make_estimator(error)
    with caplog.at_level(logging.INFO, "waijiao"):
        assert estimator.estimate(TRANSCRIPT, SILENCE) == TRANSCRIPT
    assert "by their probability alone" in caplog.text
    assert "secret" not in caplog.text


def test_the_end_of_the_time_for_a_stage_is_not_swallowed(make_estimator):
    estimator, _ = make_estimator(SoftTimeLimitExceeded())
    with pytest.raises(SoftTimeLimitExceeded):
        estimator.estimate(TRANSCRIPT, SILENCE)


def test_words_without_sounds_alone_are_not_measured(make_estimator):
    estimator, asked = make_estimator([])
    only_marks = Transcript("!", "en", 1.0, (Word("!", 0.0, 0.1, 0.5),))
    assert estimator.estimate(only_marks, SILENCE) == only_marks
    assert not asked


@pytest.mark.parametrize(
    ("clearness", "counts", "expected"),
    [([-1.0, -3.0], [1, 1], [-1.0, -3.0]), ([-1.0, -3.0], [2], [-2.0]), ([-1.0, -3.0], [1, 0, 1], [-1.0, -2.0, -3.0])],
)
def test_a_word_has_the_mean_of_its_parts(clearness, counts, expected):
    assert join_parts(clearness, counts) == expected
