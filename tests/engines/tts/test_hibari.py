"""The real voice, whose speech the real recogniser transcribes."""

import re
import secrets
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from faster_whisper import WhisperModel

from pipeline.audio.decode import decode, resample
from pipeline.blob_store import FolderBlobs
from pipeline.errors import ModelDamaged, NothingToSay, UnknownVoice
from pipeline.jobs.job import JobRequest
from pipeline.jobs.records import to_fields
from pipeline.model_files.catalogue import find_model, locate
from pipeline.settings import Settings, settings
from tests.support.job_steps import always_wanted
from worker_tts.engine import Utterance, load
from worker_tts.hibari import HibariEngine
from worker_tts.sentences import join_waveforms, split_sentences
from worker_tts.speaker import SpeechSynthesizer

PAUSE_S = 0.25
SENTENCES = [
    "Yesterday I went to the library and read two books.",
    "What did you have for breakfast this morning?",
    "Well said! Can you tell me more about your family?",
    "The museum opens at nine and closes at five.",
    "I have been learning English since I was seven years old.",
    "She doesn't like coffee, but she drinks tea every day.",
    "Please bring three apples, two oranges and a bottle of water.",
    "If it rains tomorrow, we will stay at home and watch a film.",
    "My brother is taller than me, although he is younger.",
    "How often do you practise speaking with your friends?",
    "The weather was beautiful, so we walked along the river.",
    "Remember to say goes, not go, after he or she.",
]
STRANGE = [
    "a" * 3000,
    "9" * 300,
    "1,1." * 100,
    "word " * 400,
    "a'" * 500,
    "[" * 50 + "x" + "](/" * 50,
    "C++ & 50% @home #1 — “quoted”",
    "<script>alert(1)</script>",
    "ß ﬁ ʰ ª 1/0 $9e999 12:99 99/99/9999",
]


@pytest.fixture(scope="module")
def voice():
    return load(settings())


@cache
def recogniser():
    folder = locate(settings().asr_model, settings().models_folder)
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)


def recognise(sound):
    segments, _ = recogniser().transcribe(resample(sound, 16_000).samples, language="en", beam_size=1)
    return "".join(segment.text for segment in segments)


def words(text):
    return re.findall(r"[a-z0-9']+", text.lower())


def edits(wanted, got):
    """The Levenshtein distance between two lists of words."""
    row = list(range(len(got) + 1))
    for i, word in enumerate(wanted, 1):
        before, row = row, [i]
        for j, other in enumerate(got, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (word != other)))
    return row[-1]


def speak_text(engine, text, **how):
    """The text as one sound, or NothingToSay."""
    sounds = engine.speak([Utterance(sentence, **how) for sentence in split_sentences(text)])
    said = [sound for sound in sounds if not isinstance(sound, NothingToSay)]
    return join_waveforms(said, PAUSE_S) if said else NothingToSay()


@pytest.mark.parametrize("name", ["heart", "heart-low"])
def test_a_spoken_sentence_is_recognised_again(voice, name):
    sounds = [speak_text(voice, sentence, voice=name) for sentence in SENTENCES]

    wrong = sum(edits(words(text), words(recognise(sound))) for text, sound in zip(SENTENCES, sounds, strict=True))
    rate = wrong / sum(len(words(text)) for text in SENTENCES)
    print(f"word error rate of the voice, read back: {rate:.3f}")
    assert rate < 0.15


def test_a_spoken_answer_is_recognised_again(voice):
    answer = "Nice try, Mr. Smith! You said 3.5 dollars. “We went home.” Where did you go then?"

    text = recognise(speak_text(voice, answer))

    assert edits(words("you said 3.5 dollars we went home where did you go then"), words(text)[4:]) <= 3


@pytest.mark.parametrize("text", ["Yesterday I went to 图书馆 with my friend.", "Good 😀 work!", "你好。Hello, Anna."])
def test_of_mixed_text_the_english_is_spoken(voice, text):
    sound = speak_text(voice, text)

    assert edits(words(text), words(recognise(sound))) <= 1


@pytest.mark.parametrize(
    "text", ["", "  \n", "你好。我是威廉。", "😀🎉", "...", "Привет", "\x00\x07", "[laughs]", "()"]
)
def test_text_without_english_gives_nothing_to_say(voice, text):
    assert isinstance(speak_text(voice, text), NothingToSay)
    assert isinstance(voice.speak([Utterance(text)])[0], NothingToSay)


@pytest.mark.parametrize("text", STRANGE, ids=lambda text: text[:9])
def test_strange_text_is_spoken_all_the_same(voice, text):
    sound = speak_text(voice, text)

    assert sound.duration_s > 0.3
    assert np.isfinite(sound.samples).all()


@pytest.mark.parametrize("name", ["heart", "heart-low"])
def test_the_sound_is_clean(voice, name):
    for sound in (speak_text(voice, sentence, voice=name) for sentence in SENTENCES):
        assert sound.samples.dtype == np.float32
        assert np.isfinite(sound.samples).all()
        assert 0.05 < np.abs(sound.samples).max() < 0.99
        assert np.abs(sound.samples.mean()) < 0.01


def test_speed_changes_the_duration(voice):
    slowest, slow, plain, fast, fastest = (
        speak_text(voice, SENTENCES[0], speed=speed).duration_s for speed in (0.01, 0.5, 1.0, 2.0, 99.0)
    )

    assert slow > 1.5 * plain > 2 * fast
    assert (slowest, fastest) == (slow, fast)


def test_the_same_seed_gives_the_same_samples(voice):
    first, second, other = (
        speak_text(voice, SENTENCES[0], seed=seed).samples.tobytes() for seed in (7, 7, zlib.crc32(b"anna"))
    )

    assert first == second != other


def test_the_lowered_voice_is_another_sound_of_the_same_length(voice):
    heart, lowered, again = (
        speak_text(voice, SENTENCES[0], voice=name) for name in ("heart", "heart-low", "heart-low")
    )

    assert lowered.duration_s == pytest.approx(heart.duration_s, abs=0.02)
    assert np.abs(lowered.samples - heart.samples).max() > 0.05
    np.testing.assert_array_equal(lowered.samples, again.samples)


@pytest.mark.parametrize("text", STRANGE, ids=lambda text: text[:9])
def test_the_lowered_voice_speaks_strange_text_too(voice, text):
    sound = speak_text(voice, text, voice="heart-low")

    assert sound.duration_s > 0.3
    assert np.isfinite(sound.samples).all()


def test_the_engine_speaks_with_each_voice_of_the_catalogue(voice):
    names = find_model("hibari-heart").voices
    assert voice.voices == names
    assert all(speak_text(voice, "Hello.", voice=name).duration_s > 0.3 for name in names)


def test_an_unknown_voice_fails_its_line_alone(voice):
    unknown, known = voice.speak([Utterance("Hello.", voice="nobody"), Utterance("Hello.", voice="heart")])

    assert isinstance(unknown, UnknownVoice)
    assert "expected one of default, heart, heart-low" in unknown.detail
    assert known.duration_s > 0.3


def test_two_threads_give_the_same_samples(voice):
    model = Path(voice.hibari.model_path)

    threaded = HibariEngine(model, Settings(tts_threads=2)).speak([Utterance(SENTENCES[0])])[0]

    np.testing.assert_allclose(threaded.samples, voice.speak([Utterance(SENTENCES[0])])[0].samples, atol=0.05)


def test_a_file_that_is_not_a_model_is_reported(tmp_path):
    (tmp_path / "broken.onnx").write_bytes(b"not a model")

    with pytest.raises(ModelDamaged, match="waijiao models fetch"):
        HibariEngine(tmp_path / "broken.onnx", Settings())


@pytest.fixture
def speak_job(redis, settings, jobs):
    def speak_job(text, **fields):
        """The job and its answer, spoken by a worker's synthesizer."""
        id_ = secrets.token_hex(16)
        jobs.submit(JobRequest(id_, id_, task="speak", text=text, **fields))
        (job,), _ = jobs.claim("tts", id_, 1)
        (answer,) = SpeechSynthesizer(settings).speak([job], always_wanted)
        return job, answer

    return speak_job


@pytest.mark.parametrize("format", ["wav", "mp3", "aac"])
def test_each_sentence_of_an_answer_is_recognised_alone(speak_job, jobs, settings, format):
    job, answer = speak_job(" ".join(SENTENCES[:3]), format=format)

    assert [entry["part"] for _, entry in jobs.partial_results(job)] == [to_fields(part) for part in answer.parts]
    assert [part.text for part in answer.parts] == [
        *SENTENCES[:2],
        "Well said!",
        "Can you tell me more about your family?",
    ]
    for part in answer.parts:
        assert edits(words(part.text), words(recognise(read_answer(settings, part.blob)))) <= 1
    pauses_s = settings.tts_pause_s * (len(answer.parts) - 1)
    assert sum(part.duration_s for part in answer.parts) + pauses_s == pytest.approx(answer.duration_s, abs=0.01)
    assert read_answer(settings, answer.blob).duration_s == pytest.approx(answer.duration_s, abs=0.1)


def read_answer(settings, blob):
    with FolderBlobs(settings.blobs_folder).open(blob) as file:
        return decode(file, 300)


def test_a_long_text_is_spoken_whole(speak_job, settings):
    text = (" ".join(SENTENCES) + " ") * 8

    _, answer = speak_job(text[:4096], format="mp3")

    assert answer.duration_s > 200
    assert read_answer(settings, answer.blob).duration_s == pytest.approx(answer.duration_s, abs=0.2)


def test_a_voice_and_a_speed_are_those_asked_for(speak_job):
    _, slow = speak_job("Hello, Anna. How are you?", voice="heart", speed=0.5)
    _, fast = speak_job("Hello, Anna. How are you?", voice="default", speed=2.0)

    assert slow.duration_s > 1.5 * fast.duration_s


def test_an_unknown_voice_says_which_there_are(speak_job):
    _, error = speak_job("Hello.", voice="nobody")

    assert isinstance(error, UnknownVoice)
