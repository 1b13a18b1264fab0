"""Bark's stages as we run them, held against `BarkModel.generate`, and a batch against its rows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.model_files.catalogue import find_model
from pipeline.model_files.download import fetch
from pipeline.settings import Settings, settings
from waijiao.tiny_models import bark
from worker_tts.bark.generate import BarkGenerator, RowSampler, TextPart
from worker_tts.bark.loading import load_bark
from worker_tts.bark.voices import VoiceCatalogue

NEVER = 1e-6  # a temperature at which chance has no say
TEXTS = {  # voice -> text
    "en_speaker_6": "Hello, how are you today?",
    "zh_speaker_9": "你好，我是老师。",  # the shortest prompt of all: its windows grow later
    "de_speaker_7": "I go to school every day, and you?",  # the longest
    "en_speaker_3": "Yes.",
}


@pytest.fixture(scope="module")
def voices():
    fetch(find_model("bark-voices"), settings().models_folder, lambda *_: None)
    return VoiceCatalogue(settings())


@pytest.fixture
def loaded(tmp_path):
    return load_bark(bark.make(tmp_path), Settings())


def rows_of(loaded, voices, seeds=(1, 2, 3, 4)):
    return [
        TextPart(loaded.tokenizer(text, add_special_tokens=False).input_ids, voices.prompts[name], seed)
        for (name, text), seed in zip(TEXTS.items(), seeds, strict=True)
    ]


def without_chance(loaded, most):
    """The model in a config in which each token is the likeliest, and no sentence ends before `most` tokens."""
    with torch.no_grad():
        loaded.model.semantic.lm_head.weight[10_000:] = 0
        loaded.model.coarse_acoustics.lm_head.weight[12_048:] = (
            0  # `generate` may choose them; what is trained never is
        )
    config = loaded.generation_config
    for each in (config.semantic_config, config.coarse_acoustics_config, config.fine_acoustics_config):
        each.temperature = NEVER
    config.semantic_config.max_new_tokens = most
    return BarkGenerator(loaded.model, config)


def as_transformers_says(model, row, most):
    tokens = torch.zeros((1, 256), dtype=torch.long)
    tokens[0, : len(row.tokens)] = torch.tensor(row.tokens)
    forms = {"semantic_prompt": row.voice.semantic, "coarse_prompt": row.voice.coarse, "fine_prompt": row.voice.fine}
    sound = model.generate(
        tokens,
        attention_mask=(torch.arange(256) < len(row.tokens)).long()[None],
        history_prompt={name: torch.from_numpy(form) for name, form in forms.items()},
        semantic_do_sample=False,
        semantic_max_new_tokens=most,
        coarse_do_sample=False,
        fine_temperature=None,
    )
    return sound[0].numpy()


@pytest.mark.parametrize(("most", "chosen"), [(40, [0, 3]), (350, [1, 2])])  # of the last two one needs a second window
def test_without_sampling_a_batch_is_what_transformers_computes_row_by_row(loaded, voices, most, chosen):
    rows = [rows_of(loaded, voices)[each] for each in chosen]

    spoken = without_chance(loaded, most).generate(rows)

    for row, samples in zip(rows, spoken, strict=True):
        np.testing.assert_allclose(samples, as_transformers_says(loaded.model, row, most), atol=1e-5)


def test_a_row_sounds_the_same_whatever_its_batch_mates(loaded, voices):
    generator, rows = BarkGenerator(loaded.model, loaded.generation_config), rows_of(loaded, voices)

    spoken = generator.generate(rows)

    assert len({len(samples) for samples in spoken}) > 2, "rows of one length would prove little"
    for row, samples in zip(rows, spoken, strict=True):
        np.testing.assert_array_equal(samples, generator.generate([row])[0])
    for samples, again in zip(spoken, reversed(generator.generate(rows[::-1])), strict=True):
        np.testing.assert_array_equal(samples, again)


def test_a_row_s_sound_depends_on_its_seed_its_voice_and_its_text(loaded, voices):
    generator, (row, other, *_) = BarkGenerator(loaded.model, loaded.generation_config), rows_of(loaded, voices)
    changed = [replace(row, seed=9), replace(row, voice=other.voice), replace(row, tokens=other.tokens)]

    spoken = generator.generate([row, *changed, row])

    assert len({samples.tobytes() for samples in spoken}) == 4
    assert spoken[0].tobytes() == spoken[-1].tobytes()


def test_a_sentence_ends_where_its_end_is_likely_enough(loaded, voices):
    with torch.no_grad():
        loaded.model.semantic.layernorm_final.bias *= 1.5  # the end's probability is then about a quarter

    spoken = BarkGenerator(loaded.model, loaded.generation_config).generate(rows_of(loaded, voices))

    assert [len(samples) for samples in spoken] == [0] * 4


def test_tokens_are_drawn_as_often_as_they_are_likely(loaded):
    chances = torch.tensor([0.5, 0.3, 0.15, 0.05])
    drawn = RowSampler([7], "cpu").sample(chances.log().expand(1, 20_000, 4) * 0.7, 0.7, [0])

    shares = torch.bincount(drawn[0], minlength=4) / 20_000
    np.testing.assert_allclose(shares, chances, atol=0.015)
