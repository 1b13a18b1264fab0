"""All missing models are named at once, with one command that fetches them."""

import shutil

import pytest

from pipeline.errors import ModelDamaged, ModelMissing
from pipeline.model_files.needed import CHECKER_MODELS, CHINESE_MODELS, check_models, list_needed
from worker_llm.grammar import model_loading

DEFAULT = ["whisper-base", "smollm2-135m", "hibari-heart", *CHECKER_MODELS]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, DEFAULT),
        ({"checker": "none"}, DEFAULT[:3]),
        ({"llm_engine": "openai", "llm_model": "anything"}, ["whisper-base", "hibari-heart", *CHECKER_MODELS]),
        ({"tts_chinese": "kokoro"}, [*DEFAULT, *CHINESE_MODELS]),
        (
            {"tts_engine": "bark", "tts_model": "bark", "checker": "none"},
            ["whisper-base", "smollm2-135m", "bark", "bark-voices"],
        ),
        ({"llm_model": CHECKER_MODELS[0]}, ["whisper-base", CHECKER_MODELS[0], "hibari-heart", CHECKER_MODELS[1]]),
    ],
)
def test_the_settings_say_which_models_are_needed(settings, changes, names):
    assert list_needed(settings.model_copy(update=changes)) == names


def test_they_are_those_that_the_workers_load():
    assert (model_loading.SCORER_MODEL, model_loading.PARSER_MODEL) == CHECKER_MODELS


def test_with_all_models_there_is_nothing_to_say(settings):
    check_models(settings)


def test_all_that_are_missing_are_named_with_one_command(settings, tmp_path):
    with pytest.raises(ModelMissing) as missing:
        check_models(settings.model_copy(update={"models": tmp_path, "tts_model": "/no/such/voice"}))
    lines = str(missing.value).splitlines()
    assert lines[0] == "5 models cannot be used:"
    assert len(lines) == 7
    assert [name for name in (*DEFAULT[:2], "/no/such/voice", *CHECKER_MODELS) if name not in str(missing.value)] == []
    assert lines[-1] == f"Run: waijiao models fetch {' '.join([*DEFAULT[:2], *CHECKER_MODELS])}"


def test_a_single_one_keeps_its_own_message(settings, tmp_path):
    for name in DEFAULT[:-1]:
        (tmp_path / name).symlink_to(settings.models_folder / name)
    with pytest.raises(ModelMissing, match=f"run: waijiao models fetch {DEFAULT[-1]}$"):
        check_models(settings.model_copy(update={"models": tmp_path}))


def test_a_damaged_one_is_named_too(settings, tmp_path):
    for name in DEFAULT[:-1]:
        (tmp_path / name).symlink_to(settings.models_folder / name)
    shutil.copytree(settings.models_folder / DEFAULT[-1], tmp_path / DEFAULT[-1])
    next(path for path in sorted((tmp_path / DEFAULT[-1]).rglob("*")) if path.is_file()).write_text("x")
    with pytest.raises((ModelDamaged, ModelMissing), match=f"waijiao models fetch {DEFAULT[-1]}"):
        check_models(settings.model_copy(update={"models": tmp_path}))
