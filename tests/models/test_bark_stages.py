"""Bark's stages as we run them, held against `BarkModel.generate`, and a batch against its rows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.model_files.catalogue import find
from pipeline.model_files.download import fetch
from pipeline.settings import Settings, settings
from tiny import bark
from worker_tts.bark_dice import Dice
from worker_tts.bark_loading import load
from worker_tts.bark_stages import Row, Stages
from worker_tts.bark_voices import Voices

NEVER = 1e-6  # a temperature at which chance has no say
TEXTS = {  # voice -> text
    "en_speaker_6": "Hello, how are you today?",
    "zh_speaker_9": "你好，我是老师。",  # the shortest prompt of all: its windows grow later
    "de_speaker_7": "I go to school every day, and you?",  # the longest
    "en_speaker_3": "Yes.",
}


@pytest.fixture(scope="module")
def voices():
    fetch(find("bark-voices"), settings().models_folder, lambda *_: None)
    return Voices(settings())


@pytest.fixture
def loaded(tmp_path):
    return load(bark.make(tmp_path), Settings())


def rows_of(loaded, voices, seeds=(1, 2, 3, 4)):
    return [
        Row(loaded.tokenizer(text, add_special_tokens=False).input_ids, voices.prompts[name], seed)
        for (name, text), seed in zip(TEXTS.items(), seeds, strict=True)
    ]


def without_chance(loaded, most):
    """The model in a manner in which each token is the likeliest, and no sentence ends before `most` tokens."""
    with torch.no_grad():
        loaded.model.semantic.lm_head.weight[10_000:] = 0
        loaded.model.coarse_acoustics.lm_head.weight[12_048:] = (
            0  # `generate` may choose them; what is trained never is
        )
    manner = loaded.manner
    for each in (manner.semantic_config, manner.coarse_acoustics_config, manner.fine_acoustics_config):
        each.temperature = NEVER
    manner.semantic_config.max_new_tokens = most
    return Stages(loaded.model, manner)


def as_transformers_says(model, row, most):
    tokens = torch.zeros((1, 256), dtype=torch.long)
    tokens[0, : len(row.text)] = torch.tensor(row.text)
    forms = {"semantic_prompt": row.voice.semantic, "coarse_prompt": row.voice.coarse, "fine_prompt": row.voice.fine}
    sound = model.generate(
        tokens,
        attention_mask=(torch.arange(256) < len(row.text)).long()[None],
        history_prompt={name: torch.from_numpy(form) for name, form in forms.items()},
        semantic_do_sample=False,
        semantic_max_new_tokens=most,
        coarse_do_sample=False,
        fine_temperature=None,
    )
    return sound[0].numpy()


@pytest.mark.parametrize(("most", "chosen"), [(40, [0, 3]), (350, [1, 2])])  # of the last two one needs a second window
def test_without_chance_a_batch_is_what_transformers_computes_row_by_row(loaded, voices, most, chosen):
    rows = [rows_of(loaded, voices)[each] for each in chosen]

    spoken = without_chance(loaded, most).speak(rows)

    for row, samples in zip(rows, spoken, strict=True):
        np.testing.assert_allclose(samples, as_transformers_says(loaded.model, row, most), atol=1e-5)


def test_a_row_sounds_the_same_whatever_its_batch_mates(loaded, voices):
    stages, rows = Stages(loaded.model, loaded.manner), rows_of(loaded, voices)

    spoken = stages.speak(rows)

    assert len({len(samples) for samples in spoken}) > 2, "rows of one length would prove little"
    for row, samples in zip(rows, spoken, strict=True):
        np.testing.assert_array_equal(samples, stages.speak([row])[0])
    for samples, again in zip(spoken, reversed(stages.speak(rows[::-1])), strict=True):
        np.testing.assert_array_equal(samples, again)


def test_a_row_s_sound_depends_on_its_seed_its_voice_and_its_text(loaded, voices):
    stages, (row, other, *_) = Stages(loaded.model, loaded.manner), rows_of(loaded, voices)
    changed = [replace(row, seed=9), replace(row, voice=other.voice), replace(row, text=other.text)]

    spoken = stages.speak([row, *changed, row])

    assert len({samples.tobytes() for samples in spoken}) == 4
    assert spoken[0].tobytes() == spoken[-1].tobytes()


def test_a_sentence_ends_where_its_end_is_likely_enough(loaded, voices):
    with torch.no_grad():
        loaded.model.semantic.layernorm_final.bias *= 1.5  # the end's probability is then about a quarter

    spoken = Stages(loaded.model, loaded.manner).speak(rows_of(loaded, voices))

    assert [len(samples) for samples in spoken] == [0] * 4


def test_tokens_are_drawn_as_often_as_they_are_likely(loaded):
    chances = torch.tensor([0.5, 0.3, 0.15, 0.05])
    drawn = Dice([7], "cpu").throw(chances.log().expand(1, 20_000, 4) * 0.7, 0.7, [0])

    shares = torch.bincount(drawn[0], minlength=4) / 20_000
    np.testing.assert_allclose(shares, chances, atol=0.015)
