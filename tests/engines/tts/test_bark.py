"""The engine "bark" with a tiny Bark and the real voice prompts."""

import pickle
import secrets
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.errors import (
    ConfigurationError,
    EngineFailed,
    ModelDamaged,
    ModelMissing,
    NothingToSay,
    OutOfMemory,
    UnknownVoice,
)
from pipeline.jobs.job import JobRequest
from pipeline.model_files.catalogue import find_model
from pipeline.model_files.download import fetch
from pipeline.settings import Settings, settings
from tests.support.job_steps import always_wanted
from waijiao.tiny_models import bark as tiny
from worker_tts.bark.engine import PAUSE_S, Bark
from worker_tts.engine import Utterance, load
from worker_tts.sentences import join_waveforms
from worker_tts.speaker import SpeechSynthesizer

HELLO = "Hello, how are you today?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    fetch(find_model("bark-voices"), settings().models_folder, lambda *_: None)
    return tiny.make(tmp_path_factory.mktemp("bark"))


def make_settings(folder, **more):
    return Settings(tts_engine="bark", tts_model=str(folder), **{"tts_batch": 8, **more})


@pytest.fixture(scope="module")
def voice(folder):
    return load(make_settings(folder))


@pytest.fixture
def breakable_voice(folder):
    """A voice that a test may break."""
    return Bark(folder, make_settings(folder))


def speak_line(speaker, text, **how):
    """The samples of a line that is spoken alone."""
    return speaker.speak([Utterance(text, **how)])[0].samples


def has_samples(sound, samples):
    return sound.samples.tobytes() == samples.tobytes()


# --- speech


def test_it_speaks_clean_sound(voice):
    (sound,) = voice.speak([Utterance(HELLO)])

    assert (sound.rate, sound.samples.dtype) == (24_000, np.float32)
    assert 0.05 < np.abs(sound.samples).max() <= 1
    assert np.isfinite(sound.samples).all()


@pytest.mark.parametrize("batch", [2, 8])
def test_a_line_sounds_the_same_alone_and_among_others(folder, voice, batch):
    lines = [
        Utterance(HELLO, seed=1),
        Utterance("I went to 图书馆 with her.", voice="en_speaker_9", seed=2),
        Utterance("你好，我是老师。", language="zh", seed=3),
        Utterance("Yes.", voice="v2/de_speaker_3", seed=4),
    ]

    together = Bark(folder, make_settings(folder, tts_batch=batch)).speak(lines)

    for line, sound in zip(lines, together, strict=True):
        assert has_samples(sound, voice.speak([line])[0].samples)


def test_the_same_seed_gives_the_same_samples(voice):
    first, second, other = (speak_line(voice, HELLO, seed=seed).tobytes() for seed in (7, 7, 8))

    assert first == second != other


def test_a_line_in_two_languages_is_spoken_by_a_voice_of_each_in_its_order(voice):
    (mixed,) = voice.speak([Utterance("I read 两本书 in the 图书馆.", voice="en_speaker_9")])

    parts = [
        Utterance("I read", "en_speaker_9"),
        Utterance("两本书", "zh_speaker_9"),
        Utterance("in the", "en_speaker_9"),
    ]
    alone = voice.speak([*parts, Utterance("图书馆.", "zh_speaker_9", language="zh")])
    assert has_samples(mixed, join_waveforms(alone, PAUSE_S).samples)


def test_the_default_voice_is_a_man_in_both_languages_of_the_teacher(voice):
    assert speak_line(voice, HELLO).tobytes() == speak_line(voice, HELLO, voice="en_speaker_6").tobytes()
    assert (
        speak_line(voice, "你好", language="zh").tobytes() == speak_line(voice, "你好", voice="zh_speaker_8").tobytes()
    )


def test_a_long_line_is_spoken_whole_in_pieces(voice):
    text = ", ".join(["I go to school every day"] * 10)

    (sound,) = voice.speak([Utterance(text)])

    pieces = [", ".join(["I go to school every day"] * count) for count in (6, 4)]
    alone = voice.speak([Utterance(pieces[0] + ","), Utterance(pieces[1])])
    assert has_samples(sound, join_waveforms(alone, PAUSE_S).samples)


def test_no_text_has_more_tokens_than_bark_reads(voice):
    parts = voice.plan(Utterance("éÀßÆ!" * 200 + "书" * 200))

    counts = [len(part.tokens) for part in parts]
    assert max(counts) <= 256
    assert sum(counts) == 5 * 200 + 200 - 600  # a word without a known beginning is one token


@pytest.mark.parametrize("text", ["", " \n", "😀🎉", "...", "[laughs]", "[music] 👍", "سلام"])
def test_a_text_that_no_voice_can_speak_gives_nothing_to_say(voice, text):
    silent, spoken = voice.speak([Utterance(text), Utterance("Yes.")])

    assert isinstance(silent, NothingToSay)
    assert has_samples(spoken, speak_line(voice, "Yes."))


def test_a_text_cannot_give_stage_directions(voice):
    assert (
        speak_line(voice, "[laughs] Hello [clears throat] ♪ **Anna**! 😀").tobytes()
        == speak_line(voice, "Hello Anna!").tobytes()
    )


def test_twice_the_speed_takes_half_the_time(voice):
    slow, plain, fast = (len(speak_line(voice, HELLO, speed=speed)) for speed in (0.5, 1, 2))

    assert slow == pytest.approx(2 * plain, rel=0.05)
    assert fast == pytest.approx(plain / 2, rel=0.05)


def test_an_unknown_voice_fails_its_line_alone(voice):
    unknown, known = voice.speak([Utterance(HELLO, voice="nobody"), Utterance(HELLO)])

    assert isinstance(unknown, UnknownVoice)
    assert "expected one of default, de_speaker_0" in unknown.detail
    assert has_samples(known, speak_line(voice, HELLO))


def test_a_worker_speaks_with_it(redis, settings, jobs, folder):
    chosen = settings.model_copy(update={"tts_engine": "bark", "tts_model": str(folder), "tts_batch": 2})
    jobs.submit(JobRequest("1" * 32, "1" * 32, task="speak", text="Hello. 你好。", voice="en_speaker_1", speed=2))
    claimed_jobs, _ = jobs.claim("tts", secrets.token_hex(4), 1)

    (answer,) = SpeechSynthesizer(chosen).speak(claimed_jobs, always_wanted)

    assert [part.text for part in answer.parts] == ["Hello.", "你好。"]


# --- failures


def test_when_memory_runs_out_the_lines_of_that_batch_fail_and_the_next_ones_are_spoken(breakable_voice, voice):
    def too_much(module, args, kwargs):
        if len(kwargs.get("inputs_embeds", ())) > 2:
            raise torch.OutOfMemoryError

    breakable_voice.generator.model.semantic.register_forward_pre_hook(too_much, with_kwargs=True)

    assert [type(each) for each in breakable_voice.speak([Utterance(HELLO)] * 3)] == [OutOfMemory] * 3
    assert has_samples(breakable_voice.speak([Utterance(HELLO)] * 2)[1], speak_line(voice, HELLO))


def test_a_line_with_logits_that_are_not_numbers_fails_alone(breakable_voice, voice, caplog):
    def breaking(module, args, output):
        if len(output.logits) == 2:
            output.logits[1] = float("nan")

    breakable_voice.generator.model.coarse_acoustics.register_forward_hook(breaking)
    whole, failed = breakable_voice.speak([Utterance("Yes.", seed=1), Utterance(HELLO, seed=1)])

    assert has_samples(whole, speak_line(voice, "Yes.", seed=1))
    assert isinstance(failed, EngineFailed)
    assert "NaN" in caplog.text
    assert "how are you" not in caplog.text


def test_an_empty_result_is_generated_once_more_with_another_seed(voice):
    (part,), generator = voice.plan(Utterance("Yes.")), voice.generator

    def generate(seed):
        sampler = generator.create_sampler([replace(part, seed=seed)])
        return generator.semantic.generate([part.tokens], [part.voice], sampler)[0]

    empty = next(seed for seed in range(500) if not generate(seed))
    assert speak_line(voice, "Yes.", seed=empty).tobytes() == speak_line(voice, "Yes.", seed=empty + 1).tobytes()


def test_a_line_that_stays_silent_fails(breakable_voice):
    last = breakable_voice.generator.model.codec_model.decoder.layers[-1].conv
    with torch.no_grad():
        for weights in last.parameters():
            weights.zero_()

    assert isinstance(breakable_voice.speak([Utterance(HELLO)])[0], EngineFailed)


# --- loading


@pytest.fixture
def folder_copy(folder, tmp_path):
    """A copy of the model's folder that a test may damage."""
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    "name", ["config.json", "generation_config.json", "tokenizer_config.json", "model.safetensors"]
)
def test_a_folder_that_lacks_a_file_is_refused_with_the_file_s_name(folder_copy, name):
    (folder_copy / name).unlink()

    with pytest.raises(ModelMissing, match=name):
        load(make_settings(folder_copy))


def test_a_folder_of_another_model_is_refused(folder_copy):
    (folder_copy / "config.json").write_text('{"model_type": "whisper"}')

    with pytest.raises(ConfigurationError, match="type 'whisper', not 'bark'"):
        load(make_settings(folder_copy))


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"])
def test_a_truncated_file_is_reported(folder_copy, name):
    (folder_copy / name).write_bytes((folder_copy / name).read_bytes()[:-100])

    with pytest.raises(ModelDamaged, match=r"WAIJIAO_TTS_MODEL|cannot be read"):
        load(make_settings(folder_copy))


@pytest.mark.parametrize("name", ["semantic.lm_head.weight", "codec_model.quantizer.layers.7.codebook.embed"])
def test_a_model_without_all_its_weights_is_refused(folder_copy, name):
    weights = load_file(folder_copy / "model.safetensors")
    del weights[name]
    save_file(weights, folder_copy / "model.safetensors", {"format": "pt"})

    with pytest.raises(ModelDamaged, match=rf"lacks 1 of Bark's weights, such as {name}"):
        load(make_settings(folder_copy))


def test_weights_of_the_older_form_are_read_too(folder_copy, voice):
    weights = load_file(folder_copy / "model.safetensors")
    for new, old in (("original0", "weight_g"), ("original1", "weight_v")):  # as the published files name the codec's
        weights = {name.replace(f"parametrizations.weight.{new}", old): each for name, each in weights.items()}
    torch.save(weights, folder_copy / "pytorch_model.bin")
    (folder_copy / "model.safetensors").unlink()

    assert has_samples(load(make_settings(folder_copy)).speak([Utterance("Yes.")])[0], speak_line(voice, "Yes."))


def test_a_model_s_file_cannot_run_code(folder_copy):
    class Hostile:
        def __reduce__(self):
            return (folder_copy / "ran").touch, ()

    (folder_copy / "model.safetensors").unlink()
    (folder_copy / "pytorch_model.bin").write_bytes(pickle.dumps({"semantic.lm_head.weight": Hostile()}, protocol=2))

    with pytest.raises(ModelDamaged):
        load(make_settings(folder_copy))
    assert not (folder_copy / "ran").exists()


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        ({"tts_device": "gpu"}, "WAIJIAO_TTS_DEVICE='gpu': expected cpu or cuda"),
        (
            {"tts_device": "cuda", "tts_gpu": 99},
            "WAIJIAO_TTS_(DEVICE=cuda: torch .* finds no GPU|GPU=99: expected less)",
        ),
        ({"tts_compute_type": "int8"}, "WAIJIAO_TTS_COMPUTE_TYPE='int8': expected auto, float32 or float16"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_the_start(folder, chosen, why):
    with pytest.raises(ConfigurationError, match=why):
        Bark(folder, make_settings(folder, **chosen))


def test_half_precision_speaks_as_well(folder):
    (sound,) = load(make_settings(folder, tts_compute_type="float16")).speak([Utterance(HELLO)])

    assert sound.samples.dtype == np.float32
    assert sound.duration_s > 0
