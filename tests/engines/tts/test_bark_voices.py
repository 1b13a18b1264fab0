"""Bark's voice prompts: the real ones, and files that are not prompts."""

import os
import pickle

import numpy as np
import pytest

from pipeline.errors import ModelDamaged, ModelMissing, UnknownVoice
from pipeline.model_files.catalogue import find_model
from pipeline.model_files.download import fetch
from pipeline.settings import Settings, settings
from worker_tts.bark.voices import VoiceCatalogue, find_counterpart

GOOD = {
    "semantic_prompt": np.arange(100),
    "coarse_prompt": np.arange(300).reshape(2, 150),
    "fine_prompt": np.arange(960).reshape(8, 120),
}


@pytest.fixture(scope="module")
def voices():
    fetch(find_model("bark-voices"), settings().models_folder, lambda *_: None)
    return VoiceCatalogue(settings())


def test_the_catalogue_lists_the_voices(voices):
    assert set(find_model("bark-voices").voices) == set(voices.names)
    assert len(voices.names) == 131


def test_every_language_has_a_default_speaker(voices):
    for language in ("de", "en", "es", "fr", "hi", "it", "ja", "ko", "pl", "pt", "ru", "tr", "zh"):
        own = [prompt for name, prompt in voices.prompts.items() if name.startswith(language)]
        assert any(voices.find_prompt("default", language) is prompt for prompt in own)


def test_a_voice_is_known_by_its_name_with_and_without_suno_s_folder(voices):
    expected = voices.prompts["fr_speaker_4"]
    assert all(voices.find_prompt(name, "fr") is expected for name in ("v2/fr_speaker_4", "fr_speaker_4"))


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        ("en_speaker_3", "en", "en_speaker_3"),
        ("en_speaker_3", "zh", "zh_speaker_3"),
        ("en_speaker_6", "zh", "zh_speaker_8"),  # number 6 is a woman in Chinese
        ("en_speaker_9", "zh", "zh_speaker_9"),
        ("zh_speaker_4", "en", "en_speaker_9"),
        ("zh_speaker_9", "de", "de_speaker_9"),
        ("anna", "zh", "anna"),
    ],
)
def test_another_language_keeps_the_number_of_the_voice_unless_its_sex_differs(name, language, expected):
    assert find_counterpart(name, language) == expected


@pytest.mark.parametrize("name", ["nobody", "v2/", "v2/nobody", "../en_speaker_6", "en_speaker_10", ""])
def test_an_unknown_voice_is_refused_with_the_known_ones(voices, name):
    with pytest.raises(UnknownVoice, match="expected one of default, de_speaker_0, "):
        voices.find_prompt(name, "en")


def test_a_folder_of_one_s_own_voices_may_have_any_names(tmp_path):
    np.savez(tmp_path / "anna.npz", **GOOD)

    voices = VoiceCatalogue(Settings(tts_voices=str(tmp_path)))

    assert voices.names == ("default", "anna")
    assert voices.find_prompt("default", "zh") is voices.find_prompt("anna", "en")


@pytest.mark.parametrize(
    "wrong",
    [
        {"semantic_prompt": np.arange(100) + 9_950},
        {"semantic_prompt": -np.arange(100)},
        {"semantic_prompt": np.arange(100.0)},
        {"semantic_prompt": np.arange(10)},
        {"semantic_prompt": np.array([{}] * 100)},
        {"coarse_prompt": np.arange(300).reshape(3, 100)},
        {"fine_prompt": np.arange(960) + 100},
        {"fine_prompt": np.full((8, 120), 1024)},
    ],
)
def test_a_prompt_of_other_shapes_or_values_is_damaged(tmp_path, wrong):
    np.savez(tmp_path / "en_speaker_6.npz", **{**GOOD, **wrong})

    with pytest.raises(
        ModelDamaged, match=r"en_speaker_6\.npz is not a voice of Bark: .*waijiao models fetch bark-voices"
    ):
        VoiceCatalogue(Settings(tts_voices=str(tmp_path)))


class Hostile:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.mark.parametrize("content", ["truncated", "pickle", "array", "text", "empty", "incomplete"])
def test_a_file_that_is_not_a_prompt_is_refused_and_runs_no_code(tmp_path, content):
    mark, file = tmp_path / "ran", tmp_path / "zh_speaker_1.npz"
    np.savez(file, **GOOD)
    whole = file.read_bytes()
    if content == "array":
        with file.open("wb") as stream:
            np.save(stream, np.arange(100))
    elif content == "incomplete":
        np.savez(file, **{name: form for name, form in GOOD.items() if name != "fine_prompt"})
    else:
        contents = {"truncated": whole[: len(whole) // 2], "pickle": pickle.dumps(Hostile(str(mark))), "text": b"hi"}
        file.write_bytes(contents.get(content, b""))

    with pytest.raises(ModelDamaged, match=r"zh_speaker_1\.npz is not a voice of Bark"):
        VoiceCatalogue(Settings(tts_voices=str(tmp_path)))
    assert not mark.exists()


def test_a_folder_without_voices_says_how_to_get_them(tmp_path):
    with pytest.raises(ModelMissing, match="waijiao models fetch bark-voices"):
        VoiceCatalogue(Settings(tts_voices=str(tmp_path)))
    with pytest.raises(ModelMissing, match="waijiao models fetch bark-voices"):
        VoiceCatalogue(Settings(models=tmp_path))
