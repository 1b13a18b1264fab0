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
def bark_model(tmp_path):
    return load_bark(bark.make(tmp_path), Settings())


def make_rows(bark_model, voices, seeds=(1, 2, 3, 4)):
    return [
        TextPart(bark_model.tokenizer(text, add_special_tokens=False).input_ids, voices.prompts[name], seed)
        for (name, text), seed in zip(TEXTS.items(), seeds, strict=True)
    ]


def make_deterministic(bark_model, most):
    """The model in a config in which each token is the likeliest, and no sentence ends before `most` tokens."""
    with torch.no_grad():
        bark_model.model.semantic.lm_head.weight[10_000:] = 0
        bark_model.model.coarse_acoustics.lm_head.weight[12_048:] = (
            0  # `generate` may choose them; what is trained never is
        )
    config = bark_model.generation_config
    for each in (config.semantic_config, config.coarse_acoustics_config, config.fine_acoustics_config):
        each.temperature = NEVER
    config.semantic_config.max_new_tokens = most
    return BarkGenerator(bark_model.model, config)


def generate_with_transformers(model, row, most):
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
def test_without_sampling_a_batch_is_what_transformers_computes_row_by_row(bark_model, voices, most, chosen):
    rows = [make_rows(bark_model, voices)[each] for each in chosen]

    spoken = make_deterministic(bark_model, most).generate(rows)

    for row, samples in zip(rows, spoken, strict=True):
        np.testing.assert_allclose(samples, generate_with_transformers(bark_model.model, row, most), atol=1e-5)


def test_a_row_sounds_the_same_whatever_its_batch_mates(bark_model, voices):
    generator, rows = BarkGenerator(bark_model.model, bark_model.generation_config), make_rows(bark_model, voices)

    spoken = generator.generate(rows)

    assert len({len(samples) for samples in spoken}) > 2, "rows of one length would prove little"
    for row, samples in zip(rows, spoken, strict=True):
        np.testing.assert_array_equal(samples, generator.generate([row])[0])
    for samples, again in zip(spoken, reversed(generator.generate(rows[::-1])), strict=True):
        np.testing.assert_array_equal(samples, again)


def test_a_row_s_sound_depends_on_its_seed_its_voice_and_its_text(bark_model, voices):
    generator, (row, other, *_) = (
        BarkGenerator(bark_model.model, bark_model.generation_config),
        make_rows(bark_model, voices),
    )
    changed = [replace(row, seed=9), replace(row, voice=other.voice), replace(row, tokens=other.tokens)]

    spoken = generator.generate([row, *changed, row])

    assert len({samples.tobytes() for samples in spoken}) == 4
    assert spoken[0].tobytes() == spoken[-1].tobytes()


def test_a_sentence_ends_where_its_end_is_likely_enough(bark_model, voices):
    with torch.no_grad():
        bark_model.model.semantic.layernorm_final.bias *= 1.5  # the end's probability is then about a quarter

    spoken = BarkGenerator(bark_model.model, bark_model.generation_config).generate(make_rows(bark_model, voices))

    assert [len(samples) for samples in spoken] == [0] * 4


def test_tokens_are_drawn_as_often_as_they_are_likely(bark_model):
    chances = torch.tensor([0.5, 0.3, 0.15, 0.05])
    drawn = RowSampler([7], "cpu").sample(chances.log().expand(1, 20_000, 4) * 0.7, 0.7, [0])

    shares = torch.bincount(drawn[0], minlength=4) / 20_000
    np.testing.assert_allclose(shares, chances, atol=0.015)
