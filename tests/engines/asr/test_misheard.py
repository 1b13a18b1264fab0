"""Which words were misheard, with the real model, in the default voice."""

from dataclasses import replace

import pytest

from pipeline.jobs.results import Transcript
from pipeline.model_files.catalogue import locate
from pipeline.settings import settings
from pipeline.text.misheard import any_misheard
from tests.support.recordings import SPEECH, load_recording
from worker_asr.engine import Recording
from worker_asr.faster_whisper import FasterWhisper


@pytest.fixture(scope="module")
def engine() -> FasterWhisper:
    return FasterWhisper(locate("whisper-base", settings().models_folder), settings())


@pytest.fixture(scope="module")
def transcript(engine) -> Transcript:
    (result,) = engine.transcribe([Recording(load_recording(SPEECH), "en", estimate_misheard=True)])
    return result


def test_hardly_a_word_of_a_clear_voice_was_misheard(transcript):
    assert len(transcript.words) > 5
    estimates = [word.misheard for word in transcript.words]
    assert sum(estimates) < 0.1 * len(estimates)
    assert max(estimates) < 0.5


def test_a_word_that_was_not_said_is_likelier_misheard_however_probable_it_is(engine, transcript):
    number = len(transcript.words) // 2
    words = list(transcript.words)
    words[number] = replace(words[number], word="newspapers")
    again = engine.misheard_estimator.estimate(replace(transcript, words=tuple(words)), load_recording(SPEECH))
    estimates = [word.misheard for word in again.words]
    assert estimates[number] == max(estimates) > 10 * transcript.words[number].misheard
    assert any_misheard(estimates) > any_misheard([word.misheard for word in transcript.words])


def test_words_of_other_recordings_have_no_estimate(engine):
    (result,) = engine.transcribe([Recording(load_recording(SPEECH), "en")])
    assert {word.misheard for word in result.words} == {None}
