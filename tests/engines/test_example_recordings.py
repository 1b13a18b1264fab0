"""The recordings of `examples/` are what their list says, and its script still makes them."""

import importlib.util
import io
import sys
from pathlib import Path

import pytest

from pipeline import personas
from pipeline.audio.decode import decode
from pipeline.audio.formats import sniff
from pipeline.errors import NoSpeech
from pipeline.settings import settings
from tests.support.recordings import EXAMPLES, load_recording
from tests.support.transcripts import word_errors
from worker_asr import engine as asr
from worker_asr.engine import Recording
from worker_llm import engine as llm
from worker_llm.tutor.model_reply import correct_by_model
from worker_llm.tutor.prompt import compose
from worker_tts import engine as tts

MAX_BYTES = 1_600_000  # of all recordings together


def load_script():
    spec = importlib.util.spec_from_file_location("make_recordings", EXAMPLES / "make_recordings.py")
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()
LIST = SCRIPT.read_scripts()
SPOKEN = [entry for entry in LIST if entry.text]
each_spoken = pytest.mark.parametrize("entry", SPOKEN, ids=[entry.name for entry in SPOKEN])


@pytest.fixture(scope="module")
def recogniser():
    return asr.load(settings())


@pytest.fixture(scope="module")
def voice():
    return tts.load(settings())


def recognise(recogniser, sound):
    (found,) = recogniser.transcribe([Recording(sound, expected_languages=("en", "zh"))])
    return found


def test_the_list_names_every_recording_and_nothing_else():
    listed = {EXAMPLES / entry.file for entry in LIST}
    assert len(listed) == len({entry.name for entry in LIST}) == len(LIST)
    assert listed == {*(EXAMPLES / "recordings").iterdir(), EXAMPLES / "speech.flac", EXAMPLES / "silence.wav"}
    assert sum(path.stat().st_size for path in listed) < MAX_BYTES
    assert all((entry.mistake == "") == (entry.text == entry.corrected) for entry in LIST)


def test_recordings_differ_in_voice_pace_noise_and_format():
    assert {entry.voice for entry in SPOKEN} == set(SCRIPT.PITCH_FACTORS)
    assert {Path(entry.file).suffix for entry in SPOKEN} == set(SCRIPT.CODEC_BY_SUFFIX)
    assert len({entry.pace for entry in SPOKEN}) >= 5
    assert len({entry.noise_db for entry in SPOKEN}) >= 5
    for entry in LIST:
        with (EXAMPLES / entry.file).open("rb") as file:
            demuxer = sniff(file).demuxer
        suffix = Path(entry.file).suffix[1:]
        assert demuxer == {"webm": "matroska", "m4a": "mov"}.get(suffix, suffix)


@each_spoken
def test_recordings_made_by_the_script_have_the_same_words_as_the_stored_ones(entry, recogniser, voice):
    there = load_recording(EXAMPLES / entry.file)
    made = decode(io.BytesIO(SCRIPT.make(entry, voice)), 60)
    text = recognise(recogniser, there).text
    assert recognise(recogniser, made).text == text
    assert made.duration_s == pytest.approx(there.duration_s, abs=0.1)
    assert word_errors(entry.text, text) <= 4  # the recogniser corrects some mistakes by itself


def test_nobody_speaks_in_the_silence(recogniser):
    assert isinstance(recognise(recogniser, load_recording(EXAMPLES / "silence.wav")), NoSpeech)


def test_the_mistake_of_the_demo_is_corrected(recogniser):
    (entry,) = [entry for entry in LIST if entry.name == "ruoxi-wu"]
    chosen = settings()
    model, persona = llm.load(chosen), personas.load("william", chosen.personas)
    text = recognise(recogniser, load_recording(EXAMPLES / entry.file)).text
    (raw,) = model.reply([compose(persona, [], text, chosen, model.count_tokens)])
    assert (text, correct_by_model(text, raw.text).corrected) == (entry.text, entry.corrected)
