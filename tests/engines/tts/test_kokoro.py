"""The real Chinese voices, whose speech the real recogniser transcribes. What they need is fetched first: 100 MB."""

import re
from functools import cache

import numpy as np
import pytest
from faster_whisper import WhisperModel

from pipeline.audio.decode import resample
from pipeline.errors import NothingToSay, UnknownVoice
from pipeline.model_files.catalogue import find_model, locate, sets
from pipeline.model_files.download import fetch
from pipeline.settings import settings
from worker_tts.engine import Utterance
from worker_tts.kokoro.pinyin import change_tones
from worker_tts.two_engines import load_all

SENTENCES = [
    "今天天气很好，我们一起去公园玩吧。",
    "请再说一遍，我没有听清楚。",
    "别着急，慢慢来，你已经进步了很多。",
    "这里要用复数，因为苹果不止一个。",
    "你说得很清楚，只是有一个小错误。",
]
MAX_WRONG = 0.12  # of the syllables of all sentences; 0.05 to 0.08 were measured


@pytest.fixture(scope="module")
def engine():
    for name in sets()["chinese"]:
        fetch(find_model(name), settings().models_folder, lambda *progress: None)
    return load_all(settings().model_copy(update={"tts_chinese": "kokoro"}))


@cache
def recogniser():
    folder = locate(settings().asr_model, settings().models_folder)
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)


def recognise(sound, language):
    prompt = "以下是普通话的句子。" if language == "zh" else None
    segments, _ = recogniser().transcribe(
        resample(sound, 16_000).samples, language=language, initial_prompt=prompt, beam_size=5
    )
    return "".join(segment.text for segment in segments)


def count_edits(wanted, got):
    """The Levenshtein distance of two lists."""
    row = list(range(len(got) + 1))
    for i, each in enumerate(wanted, 1):
        before, row = row, [i]
        for j, other in enumerate(got, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (each != other)))
    return row[-1]


def read_syllables(engine, text):
    return engine.chinese.reader.read(re.sub("[^\u4e00-\u9fff]", "", text))


@pytest.mark.parametrize("voice", ["zf_xiaobei", "zm_yunxi"])
def test_chinese_sentences_are_understood(engine, voice):
    wrong = total = 0
    for sentence in SENTENCES:
        (sound,) = engine.speak([Utterance(sentence, "heart-low", chinese_voice=voice)])
        wanted = read_syllables(engine, sentence)
        wrong += count_edits(wanted, read_syllables(engine, recognise(sound, "zh")))
        total += len(wanted)
    assert wrong <= MAX_WRONG * total


def test_english_words_within_chinese_are_understood(engine):
    (sound,) = engine.speak([Utterance("She has three apples.", "zf_xiaobei")])
    assert re.findall("[a-z]+", recognise(sound, "en").lower()) in (["she", "has", "three", "apples"],)


def test_the_voices_differ_and_the_same_words_sound_the_same(engine):
    woman, again, man = engine.speak(
        [Utterance("你好。", chinese_voice=voice) for voice in ("zf_xiaobei", "zf_xiaobei", "zm_yunxi")]
    )
    assert np.array_equal(woman.samples, again.samples)
    assert not np.array_equal(woman.samples, man.samples)


def test_a_lower_speed_takes_longer(engine):
    slow, fast = engine.speak([Utterance("我们一起去公园。", speed=speed) for speed in (0.7, 1.4)])
    assert len(slow.samples) > 1.4 * len(fast.samples)


@pytest.mark.parametrize("text", ["，。！", "😀。", "", "→"])
def test_what_has_no_words_has_no_sound(engine, text):
    (result,) = engine.chinese.speak([Utterance(text)])
    assert isinstance(result, NothingToSay)


def test_an_unknown_voice_is_refused_with_the_known_ones(engine):
    (result,) = engine.chinese.speak([Utterance("你好。", "heart")])
    assert isinstance(result, UnknownVoice)
    assert "zf_xiaobei" in result.detail


@pytest.mark.parametrize("text", ["好" * 90, "好，" * 45, "龘靐齉爩", "9" * 40 + "个", "好[x](/y)", "好" + "a" * 90])
def test_strange_text_is_spoken_or_has_nothing_to_say(engine, text):
    (result,) = engine.chinese.speak([Utterance(text)])
    assert isinstance(result, NothingToSay) or np.isfinite(result.samples).all()


def test_tones_are_changed_before_they_are_spoken(engine):
    assert engine.chinese.reader.read("你好") == change_tones("你好", ["ni3", "hao3"]) == ["ni2", "hao3"]
