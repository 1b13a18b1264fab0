"""Chinese sentences are spoken by a second engine, everything else by the first."""

import numpy as np
import pytest

from pipeline.audio.decode import Waveform
from pipeline.errors import UnknownVoice
from worker_tts.engine import Utterance
from worker_tts.two_engines import TwoEngines


class Recorder:
    """An engine that notes what it is given; a sentence has as many samples as characters."""

    def __init__(self, rate, *voices):
        self.rate, self.voices, self.given = rate, ("default", *voices), []

    def speak(self, utterances):
        self.given += [(each.text, each.voice) for each in utterances]
        return [
            Waveform(np.full(len(each.text) * self.rate // 1000, 0.5, np.float32), self.rate)
            if each.voice in self.voices
            else UnknownVoice()
            for each in utterances
        ]


@pytest.fixture
def engines():
    engines = TwoEngines(Recorder(24_000, "heart"), Recorder(24_000, "zf", "zm"))
    engines.main.given.clear()
    return engines


def test_each_sentence_goes_to_its_engine_and_the_order_stays(engines):
    texts = ["Hello.", "你好，went。", "Why?", "好"]
    waveforms = engines.speak([Utterance(text, "heart", chinese_voice="zm") for text in texts])
    assert engines.main.given == [("Hello.", "heart"), ("Why?", "heart")]
    assert engines.chinese.given == [("你好，went。", "zm"), ("好", "zm")]
    assert [len(waveform.samples) for waveform in waveforms] == [24 * len(text) for text in texts]


@pytest.mark.parametrize(
    ("utterance", "voice"),
    [
        (Utterance("好", "heart"), "default"),
        (Utterance("好", "heart", chinese_voice="gone"), "default"),
        (Utterance("好", "zf", chinese_voice="zm"), "zf"),
        (Utterance("Hello.", "zf"), "zf"),
    ],
)
def test_the_voice_that_was_asked_for_comes_before_the_persona_s(engines, utterance, voice):
    engines.speak([utterance])
    assert engines.chinese.given == [(utterance.text, voice)]
    assert engines.main.given == []


def test_an_error_keeps_its_place(engines):
    first, second = engines.speak([Utterance("Hello.", "nobody"), Utterance("好")])
    assert isinstance(first, UnknownVoice)
    assert isinstance(second, Waveform)


def test_all_has_the_rate_of_the_first_engine():
    engines = TwoEngines(Recorder(16_000), Recorder(24_000))
    first, second = engines.speak([Utterance("Hello."), Utterance("好好好好好好好好好好")])
    assert (first.rate, second.rate) == (16_000, 16_000)
    assert abs(len(second.samples) - 160) <= 2


def test_the_voices_are_those_of_both(engines):
    assert engines.voices == ("default", "heart", "zf", "zm")
