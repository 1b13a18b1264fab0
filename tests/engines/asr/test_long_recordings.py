"""Recordings of more than 30 seconds: windows one after the other, and several at once as on a GPU; any Whisper."""

import json
from itertools import pairwise

import ctranslate2
import numpy as np
import pytest
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration, WhisperTokenizerFast

from pipeline.audio.decode import Waveform
from pipeline.errors import Canceled, ConfigurationError, ModelMissing, NoSpeech
from pipeline.jobs.results import Transcript
from pipeline.model_files.catalogue import locate
from pipeline.settings import Settings, settings
from tests.support.recordings import RECORDINGS, SPEECH, SPEECH_TEXT, TEXTS, load_recording
from tests.support.transcripts import word_error_rate, word_errors
from worker_asr.engine import Recording, load
from worker_asr.faster_whisper import FasterWhisper
from worker_asr.vad import SAMPLE_RATE, bridge_silences, detect_voice, find_windows, pack_windows

ONE_BY_ONE, AT_ONCE = 1, 4  # windows


@pytest.fixture(scope="module")
def whisper():
    return load(settings().model_copy(update={"asr_beam": 1}))


@pytest.fixture(scope="module", params=[ONE_BY_ONE, AT_ONCE], ids=["one by one", "at once"])
def engine(whisper, request):
    whisper.windows = request.param
    yield whisper
    whisper.windows = ONE_BY_ONE


@pytest.fixture(scope="module")
def class_talk():
    """Fourteen learners with pauses of 0.4 to 1.5 seconds between them, a minute in all: texts and samples."""
    paths = RECORDINGS[:14]
    pauses = np.random.default_rng(1).uniform(0.4, 1.5, len(paths))
    pieces = [
        np.concatenate([load_recording(path).samples, np.zeros(int(pause * SAMPLE_RATE), np.float32)])
        for path, pause in zip(paths, pauses, strict=True)
    ]
    return " ".join(TEXTS[path.stem] for path in paths), Waveform(np.concatenate(pieces), SAMPLE_RATE)


@pytest.fixture(scope="module")
def speech():
    return load_recording(SPEECH).samples


def transcribe(engine, samples, **more):
    (found,) = engine.transcribe([Recording(Waveform(samples.astype(np.float32), SAMPLE_RATE), **more)])
    return found


def test_a_long_recording_of_learners_is_recognised_to_its_end(engine, class_talk):
    said, sound = class_talk
    transcript = transcribe(engine, sound.samples, expected_languages=("en", "zh"))
    rate = word_error_rate([(said, transcript.text)])
    print(f"{sound.duration_s:.0f} s, windows {engine.windows}: word error rate {rate:.3f}")
    assert rate < 0.15
    assert transcript.language == "en"
    times = [time for word in transcript.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert sound.duration_s - 6 < times[-1] <= sound.duration_s
    assert " ".join(segment.text for segment in transcript.segments) == transcript.text


def test_a_recording_that_nobody_wants_any_more_is_not_recognised_to_its_end(engine, class_talk, monkeypatch):
    _, sound = class_talk
    computed = []
    encode = type(engine.whisper).encode
    monkeypatch.setattr(type(engine.whisper), "encode", lambda *args: computed.append(1) or encode(*args))
    found = transcribe(engine, sound.samples, language="en", still_wanted=lambda: len(computed) < 1)
    assert isinstance(found, Canceled)
    assert len(computed) == 1


def test_word_times_are_right_in_every_window(engine, speech):
    pause = np.zeros(2 * SAMPLE_RATE)
    transcript = transcribe(engine, np.concatenate([pause, speech, pause, speech, pause, speech]), hint="Our town")
    assert word_errors(" ".join([SPEECH_TEXT] * 3), transcript.text) <= 3
    starts = [word.start for word in transcript.words if word.word.startswith("bridge")]
    distance = 2 + len(speech) / SAMPLE_RATE
    assert np.diff(starts) == pytest.approx([distance, distance], abs=0.4)


def test_nothing_is_recognised_in_a_long_silence(engine, speech):
    transcript = transcribe(engine, np.concatenate([speech, np.zeros(25 * SAMPLE_RATE), speech]))
    assert word_errors(" ".join([SPEECH_TEXT] * 2), transcript.text) <= 2
    assert not [word for word in transcript.words if 13 < word.start < 34]
    assert transcript.language == "en"


def test_nothing_is_recognised_in_a_minute_of_noise(engine):
    assert isinstance(transcribe(engine, np.random.default_rng(0).normal(0, 0.05, 60 * SAMPLE_RATE)), NoSpeech)


def test_splitting_keeps_all_speech_and_fits_into_windows(class_talk):
    _, sound = class_talk
    intervals = find_windows(sound.samples)
    assert len(intervals) >= 2
    assert all(0 < end - start <= 30 for start, end in intervals)
    spoken = detect_voice(sound)
    assert intervals[0][0] < spoken[0][0] + 0.5
    assert intervals[-1][1] > spoken[-1][1] - 0.5
    # pauses of at most 1.5 s, between recordings that begin and end with silence
    assert all(following[0] - before[1] < 3 for before, following in pairwise(intervals))


def test_a_window_is_filled_as_far_as_possible_and_keeps_short_silences():
    assert pack_windows([(0, 10), (11, 29), (29.5, 31), (62, 90)]) == [(0, 29), (29.5, 31), (62, 90)]
    assert pack_windows([]) == []
    assert bridge_silences([(0, 10), (19, 30), (41, 50)]) == [(0, 30), (41, 50)]


# --- any Whisper in CTranslate2's form -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base():
    return locate("whisper-base", settings().models_folder)


@pytest.fixture(scope="module")
def large_v3(tmp_path_factory, base):
    """A tiny model like large-v3, with 128 bands, 100 languages and random weights, converted as usual."""
    folder = tmp_path_factory.mktemp("whisper")
    words = json.loads((base / "tokenizer.json").read_text())
    marks = words["added_tokens"]
    after = next(number for number, mark in enumerate(marks) if mark["content"] == "<|translate|>")
    cantonese = {**marks[after], "content": "<|yue|>"}
    words["added_tokens"] = [
        *marks[:after],
        cantonese,
        *({**mark, "id": mark["id"] + 1} for mark in marks[after:]),
    ]
    (folder / "tokenizer.json").write_text(json.dumps(words))
    sizes = {f"{part}_{what}": n for part in ("encoder", "decoder") for what, n in (("layers", 2), ("ffn_dim", 64))}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    model = WhisperForConditionalGeneration(
        WhisperConfig(vocab_size=51_866, num_mel_bins=128, d_model=32, **sizes, **heads)
    )
    model.generation_config = GenerationConfig(suppress_tokens=[], begin_suppress_tokens=[220, 50_257])
    model.save_pretrained(folder / "original")
    WhisperTokenizerFast(tokenizer_file=str(folder / "tokenizer.json")).save_pretrained(folder / "original")
    ctranslate2.converters.TransformersConverter(str(folder / "original")).convert(str(folder / "converted"))
    (folder / "tokenizer.json").rename(folder / "converted" / "tokenizer.json")
    return folder / "converted"


def test_a_model_with_128_bands_needs_no_file_that_says_so(large_v3, speech):
    assert (large_v3 / "vocabulary.json").is_file()
    assert not (large_v3 / "preprocessor_config.json").exists()
    engine = FasterWhisper(large_v3, Settings(asr_beam=1))
    assert engine.whisper.feature_extractor.mel_filters.shape[0] == 128
    for engine.windows in (ONE_BY_ONE, AT_ONCE):
        assert isinstance(transcribe(engine, np.tile(speech, 3), language="yue"), Transcript | NoSpeech)


def link_files_except(base, folder, *names):
    for path in base.iterdir():
        if path.name not in names:
            (folder / path.name).symlink_to(path)
    return folder


def test_a_model_that_cannot_tell_when_words_were_said_is_refused(base, tmp_path):
    folder = link_files_except(base, tmp_path, "config.json")
    config = json.loads((base / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "alignment_heads": []}))
    with pytest.raises(ConfigurationError, match="alignment_heads"):
        FasterWhisper(folder, Settings())


def test_a_model_without_its_vocabulary_says_so(base, tmp_path):
    with pytest.raises(ModelMissing, match=r"has no vocabulary\.json or vocabulary\.txt"):
        FasterWhisper(link_files_except(base, tmp_path, "vocabulary.txt"), Settings())


# --- device and compute type ---------------------------------------------------------------------------------------


def test_a_gpu_that_is_not_there_is_refused(base):
    assert ctranslate2.get_cuda_device_count() == 0
    with pytest.raises(ConfigurationError, match=r"WAIJIAO_ASR_DEVICE=cuda: .* choose cpu"):
        FasterWhisper(base, Settings(asr_device="cuda"))


def test_a_number_that_no_gpu_has_says_how_many_there_are(base, monkeypatch):
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 2)
    with pytest.raises(ConfigurationError, match=r"WAIJIAO_ASR_GPU=2: expected 0\.\.1; this machine has 2 GPUs"):
        FasterWhisper(base, Settings(asr_device="cuda", asr_gpu=2))


def test_an_unknown_device_names_the_known_ones(base):
    with pytest.raises(ConfigurationError, match="WAIJIAO_ASR_DEVICE='tpu': expected one of cpu, cuda"):
        FasterWhisper(base, Settings(asr_device="tpu"))


def test_a_type_that_cannot_be_computed_here_names_those_that_can(base):
    with pytest.raises(ConfigurationError, match=r"WAIJIAO_ASR_COMPUTE_TYPE=float16: this cpu can compute .*int8"):
        FasterWhisper(base, Settings(asr_compute_type="float16"))


def test_auto_is_int8_on_a_cpu(whisper):
    assert whisper.whisper.model.compute_type.startswith("int8")
