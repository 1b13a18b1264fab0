"""The real recogniser on speech: learners, a text without mistakes, and recordings in which nobody speaks."""

import json
import re

import numpy as np
import pytest

from pipeline.audio.decode import Waveform
from pipeline.errors import BadRequest, ConfigurationError, ModelMissing, NoSpeech, UnknownEngine
from pipeline.jobs.records import to_json
from pipeline.jobs.results import Transcript
from pipeline.model_files.catalogue import locate
from pipeline.settings import Settings, settings
from tests.support import other_languages
from tests.support.recordings import RECORDINGS, SPEECH, SPEECH_TEXT, TEXTS, load_recording
from tests.support.transcripts import word_error_rate, word_errors
from worker_asr.engine import Recogniser, Recording, load
from worker_asr.faster_whisper import FasterWhisper
from worker_asr.vad import detect_voice

LESSON = "Lesson three: town, river, bridge, market, farmer, family, street, school. " * 2 + "x" * 5000
SAMPLE_RATE = 16_000
TIME = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE


def noise(level: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, level, 2 * SAMPLE_RATE).clip(-1, 1)


def clicks() -> np.ndarray:
    samples = np.zeros(SAMPLE_RATE)
    samples[::1600] = 0.9
    return samples


def hum(base: float) -> np.ndarray:
    return 0.2 * sum(np.sin(2 * np.pi * base * k * TIME) / k for k in range(1, 10))


NOBODY = {
    "silence": np.zeros(2 * SAMPLE_RATE),
    "a muted microphone": noise(0.0002),
    "soft noise": noise(0.01),
    "loud noise": noise(0.3),
    "hum at 50 Hz": hum(50),
    "hum at 120 Hz": hum(120),
    "a tone": 0.3 * np.sin(2 * np.pi * 440 * TIME),
    "a dialled key": 0.3 * (np.sin(2 * np.pi * 697 * TIME) + np.sin(2 * np.pi * 1209 * TIME)),
    "clicks": clicks(),
    "0.1 seconds": np.zeros(1600),
}


@pytest.fixture(scope="module")
def whisper() -> Recogniser:
    return load(settings())


@pytest.fixture(scope="module")
def learners() -> list[tuple[str, Waveform]]:
    return [(TEXTS[path.stem], load_recording(path)) for path in RECORDINGS]


@pytest.fixture(scope="module")
def transcripts(whisper, learners) -> list[Transcript]:
    transcripts = whisper.transcribe([Recording(sound, "en") for _, sound in learners])
    assert all(isinstance(transcript, Transcript) for transcript in transcripts)
    return transcripts


def test_learners_are_understood(learners, transcripts):
    pairs = [(said, transcript.text) for (said, _), transcript in zip(learners, transcripts, strict=True)]
    assert word_error_rate(pairs) < 0.12


def test_words_follow_each_other_inside_the_recording(learners, transcripts):
    for (_, sound), transcript in zip(learners, transcripts, strict=True):
        times = [time for word in transcript.words for time in (word.start, word.end)]
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] <= sound.duration_s + 0.01
        assert all(0 <= word.probability <= 1 for word in transcript.words)
        assert "".join(word.word for word in transcript.words) == transcript.text.replace(" ", "")
        assert transcript.duration_s == pytest.approx(sound.duration_s, abs=0.001)
        assert json.loads(to_json(transcript))["language"] == "en"


def test_the_same_recording_gives_the_same_words(whisper, learners, transcripts):
    again = whisper.transcribe([Recording(sound, "en") for _, sound in learners[:8]])
    assert again == transcripts[:8]


@pytest.mark.parametrize("language", ["en", None], ids=["given", "detected"])
def test_clear_speech_is_nearly_exact(whisper, language):
    [transcript] = whisper.transcribe([Recording(load_recording(SPEECH), language)])
    assert word_errors(SPEECH_TEXT, transcript.text) <= 1
    assert transcript.language == "en"


def test_word_times_are_those_of_the_recording_even_when_speech_begins_late(whisper):
    speech = load_recording(SPEECH)
    late = Waveform(np.concatenate([np.zeros(5 * SAMPLE_RATE, np.float32), speech.samples]), SAMPLE_RATE)
    first, second = whisper.transcribe([Recording(speech, "en"), Recording(late, "en")])
    assert word_errors(first.text, second.text) <= 1
    assert second.words[-1].end - first.words[-1].end == pytest.approx(5, abs=0.3)


def test_a_recording_longer_than_one_window_is_recognised_to_its_end(whisper):
    speech = load_recording(SPEECH).samples
    [transcript] = whisper.transcribe([Recording(Waveform(np.tile(speech, 4), SAMPLE_RATE), "en")])
    assert word_errors(" ".join([SPEECH_TEXT] * 4), transcript.text) <= 8
    assert transcript.words[-1].end > 40


def test_a_sentence_repeated_many_times_is_recognised_as_often(whisper, learners):
    _, sound = learners[7]
    [transcript] = whisper.transcribe([Recording(Waveform(np.tile(sound.samples, 12), SAMPLE_RATE), "en")])
    assert transcript.text.lower().count("hair") >= 9


def test_repetitions_of_a_looping_model_are_removed(whisper, learners):
    english = [sound for _, sound in learners[6:9]]
    answers = whisper.transcribe([Recording(sound, "la") for sound in english])
    for sound, answer in zip(english, answers, strict=True):
        assert isinstance(answer, NoSpeech) or len(answer.text) < 20 * sound.duration_s


def test_quiet_speech_is_recognised(whisper, learners):
    _, sound = learners[5]
    [transcript] = whisper.transcribe([Recording(Waveform(sound.samples * 0.02, SAMPLE_RATE), "en")])
    assert isinstance(transcript, Transcript)


@pytest.mark.parametrize("name", NOBODY)
def test_nothing_is_recognised_where_nobody_speaks(whisper, name):
    sound = Waveform(NOBODY[name].astype(np.float32), SAMPLE_RATE)
    with pytest.raises(NoSpeech):
        detect_voice(sound)
    [error] = whisper.transcribe([Recording(sound)])
    assert isinstance(error, NoSpeech)


def test_a_silent_recording_does_not_affect_the_others_of_its_batch(whisper, learners):
    silence = Waveform(np.zeros(SAMPLE_RATE, np.float32), SAMPLE_RATE)
    answers = whisper.transcribe([Recording(silence), Recording(learners[0][1], "en"), Recording(silence)])
    assert [type(answer) for answer in answers] == [NoSpeech, Transcript, NoSpeech]


def test_a_hint_does_no_harm_however_long(whisper):
    [transcript] = whisper.transcribe([Recording(load_recording(SPEECH), "en", hint=LESSON)])
    assert word_errors(SPEECH_TEXT, transcript.text) <= 1


def test_an_unknown_language_is_a_bad_request(whisper, learners):
    [error] = whisper.transcribe([Recording(learners[0][1], "tlh")])
    assert isinstance(error, BadRequest)


@pytest.fixture(scope="module")
def english_whisper() -> Recogniser:
    return load(Settings(asr_model="whisper-tiny-en"))


@pytest.fixture(scope="module")
def spoken() -> dict[str, Waveform]:
    """A sentence in each of several languages, by language."""
    voice = other_languages.load_voice()
    return {each.language: other_languages.speak(voice, each) for each in other_languages.SENTENCES}


@pytest.mark.parametrize("any_language", [False, True])
@pytest.mark.parametrize("expected_languages", [("en",), ("zh", "en")])
@pytest.mark.parametrize("sentence", other_languages.SENTENCES, ids=lambda sentence: sentence.language)
def test_a_sentence_in_another_language_is_not_translated(whisper, spoken, sentence, expected_languages, any_language):
    recording = Recording(spoken[sentence.language], None, expected_languages, any_language)
    [transcript] = whisper.transcribe([recording])
    assert transcript.language == sentence.language
    assert sentence.clear_words <= set(re.findall(r"\w+", transcript.text.lower()))


@pytest.mark.parametrize("any_language", [False, True])
@pytest.mark.parametrize("expected_languages", [(), ("en",), ("en", "zh"), ("zh", "en"), ("zh",)])
def test_a_model_of_one_language_recognises_that_whatever_is_expected(
    english_whisper, expected_languages, any_language
):
    recording = Recording(load_recording(SPEECH), None, expected_languages, any_language)
    (transcript,) = english_whisper.transcribe([recording])
    assert transcript.language == "en"
    assert word_errors(SPEECH_TEXT, transcript.text) <= 2


def test_the_detected_language_stays_known_when_no_more_windows_may_be_computed(whisper):
    whisper.whisper.windows_left = 1
    segments, language = whisper.recognise_clip(Recording(Waveform(noise(0.3), SAMPLE_RATE)))
    assert segments == []
    assert language in whisper.whisper.supported_languages


def test_an_unknown_engine_names_the_known_ones():
    with pytest.raises(UnknownEngine, match="WAIJIAO_ASR_ENGINE='dragon': expected one of faster-whisper"):
        load(Settings(asr_engine="dragon"))


def test_a_folder_without_a_model_says_which_files_are_missing(tmp_path):
    with pytest.raises(ModelMissing, match=r"config\.json, model\.bin, tokenizer\.json"):
        FasterWhisper(tmp_path, Settings())


def test_a_compute_type_that_cannot_work_here_names_the_setting():
    model = locate(settings().asr_model, settings().models_folder)
    with pytest.raises(ConfigurationError, match="WAIJIAO_ASR_COMPUTE_TYPE=float8"):
        FasterWhisper(model, Settings(asr_compute_type="float8"))
