"""The clearness of words with the real model, in the default voice and in the example recordings."""

import numpy as np
import pytest

from pipeline.audio.decode import Waveform
from pipeline.errors import BadRequest, ConfigurationError, NoSpeech
from pipeline.model_files.catalogue import locate
from pipeline.settings import settings
from tests.support.recordings import RECORDINGS, SPEECH, SPEECH_TEXT, TEXTS, load_recording
from worker_asr.clearness.meter import ClearnessMeter, SpokenText
from worker_asr.clearness.rules import load_rules
from worker_asr.whisper_model import load_whisper

OTHER_TEXT = (
    "Nobody could explain why thirteen purple elephants were quietly reading newspapers behind the dusty kitchen "
    "cupboard during our longest mathematics examination."
)


@pytest.fixture(scope="module")
def meter() -> ClearnessMeter:
    return ClearnessMeter(load_whisper(locate("whisper-base", settings().models_folder), settings()))


def mean_clearness(text: SpokenText) -> float:
    return float(np.mean([each.clearness for each in text.words]))


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_a_learner_s_own_words_are_clearer_than_others(meter, recording):
    waveform, own = load_recording(recording), TEXTS[recording.stem]
    other = " ".join(OTHER_TEXT.split()[: len(own.split())])
    assert mean_clearness(meter.measure(waveform, own, ())) > mean_clearness(meter.measure(waveform, other, ())) + 1


def test_words_come_in_order_within_the_recording_with_their_weakest_sound(meter):
    waveform = load_recording(SPEECH)
    spoken = meter.measure(waveform, SPEECH_TEXT, ())
    assert " ".join(each.word for each in spoken.words) == SPEECH_TEXT.replace(".", "").replace(",", "")
    starts = [each.start for each in spoken.words]
    assert starts == sorted(starts)
    assert all(0 <= each.start < each.end <= waveform.duration_s for each in spoken.words)
    assert all(each.weakest and each.weakest_clearness <= each.clearness for each in spoken.words)
    assert 5 < spoken.fluency.sounds_per_s < 20


def test_words_left_out_of_a_clear_voice_are_marked_and_its_own_are_not(meter):
    waveform = load_recording(SPEECH)
    rules = load_rules()
    own = meter.measure(waveform, SPEECH_TEXT, ())
    other = meter.measure(waveform, OTHER_TEXT, ())
    assert np.mean(rules.mark(own.words)) < 0.1
    assert np.mean(rules.mark(other.words)) > 0.5


def test_a_recording_of_several_windows_is_measured_whole(meter):
    waveform = load_recording(SPEECH)
    four = Waveform(np.tile(waveform.samples, 4), waveform.rate)
    spoken = meter.measure(four, " ".join([SPEECH_TEXT] * 4), ())
    once = meter.measure(waveform, SPEECH_TEXT, ())
    assert len(spoken.words) == 4 * len(once.words)
    assert mean_clearness(spoken) == pytest.approx(mean_clearness(once), abs=0.3)
    assert spoken.words[-1].end == pytest.approx(3 * waveform.duration_s + once.words[-1].end, abs=0.3)


def test_silence_and_texts_that_do_not_fit_are_refused(meter):
    with pytest.raises(NoSpeech):
        meter.measure(Waveform(np.zeros(32_000, np.float32), 16_000), "Hello", ())
    with pytest.raises(BadRequest, match="no words"):
        meter.measure(load_recording(SPEECH), " … ", ())
    with pytest.raises(BadRequest, match="too short for this text"):
        meter.measure(load_recording(SPEECH), SPEECH_TEXT * 20, ())


def test_another_model_is_refused():
    with pytest.raises(ConfigurationError, match="Whisper base only"):
        ClearnessMeter(load_whisper(locate("whisper-tiny-en", settings().models_folder), settings()))
