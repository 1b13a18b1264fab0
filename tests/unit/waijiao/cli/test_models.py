"""`waijiao models`: sets, sizes, disk space, and which models are listed as installed."""

import io

import pytest
from rich.console import Console

from pipeline.errors import ConfigurationError, ModelMissing
from pipeline.model_files import catalogue
from waijiao.cli import models as models_command

CHECKER = ["en-core-web-sm", "smollm2-135m", "smollm2-135m-scorer"]
LARGE = ["whisper-large-v3", "glm-4-9b-chat", "bark", "bark-voices", *CHECKER]


def select_names(*names: str) -> list[str]:
    return [model.name for model in models_command.select(names)]


def test_one_name_stands_for_the_large_teachers():
    assert select_names("large") == LARGE


def test_what_a_model_is_made_from_comes_before_it():
    assert select_names("checker") == CHECKER
    assert select_names("smollm2-135m-scorer", "smollm2-135m") == ["smollm2-135m", "smollm2-135m-scorer"]


def test_a_model_named_twice_is_fetched_once():
    assert select_names("bark", "large", "whisper-base", "large") == [
        "bark",
        *(n for n in LARGE if n != "bark"),
        "whisper-base",
    ]


def test_without_a_name_the_default_models_are_fetched():
    assert select_names() == [model.name for model in catalogue.catalogue().values() if model.default]


def test_an_unknown_name_lists_models_and_sets():
    with pytest.raises(
        ModelMissing, match=r"no model 'larg'; known are whisper-base, .*, large, checker, chinese, voices, teacher\."
    ):
        select_names("larg")


def test_a_disk_too_small_for_all_models_is_an_error_before_anything_is_fetched(tmp_path, monkeypatch):
    usage = models_command.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(models_command.shutil, "disk_usage", lambda _: usage._replace(free=20_000_000_000))
    with pytest.raises(ConfigurationError) as refused:
        models_command.check_disk(models_command.select(["large"]), tmp_path / "not" / "yet" / "there")
    assert "26.7 GB are needed in" in refused.value.detail
    assert "glm-4-9b-chat ~18.8 GB" in refused.value.detail
    assert "but only 20.0 GB are free" in refused.value.detail
    models_command.check_disk(models_command.select(["bark"]), tmp_path)


def test_verifying_a_folder_without_models_is_an_error(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ModelMissing, match=r"There are no models in .*waijiao models fetch"):
            models_command.verify_all(folder, Console(file=io.StringIO()))


def test_the_table_shows_which_models_are_present_and_damaged(tmp_path):
    whole, short = catalogue.find_model("hibari-heart"), catalogue.find_model("smollm2-135m")
    for model, missing in ((whole, 0), (short, 1)):
        (tmp_path / model.name).mkdir()
        with (tmp_path / model.name / model.files[0].name).open("wb") as out:
            out.truncate(model.size - missing)
    assert models_command.install_state(whole, tmp_path) == "yes"
    assert models_command.install_state(short, tmp_path) == "damaged"
    assert models_command.install_state(catalogue.find_model("bark"), tmp_path) == "no"
    output = io.StringIO()
    models_command.print_catalogue(tmp_path, Console(file=output, width=200))
    rows = {line.split("│")[1].strip(): line for line in output.getvalue().splitlines() if line.startswith("│")}
    assert "yes" in rows["hibari-heart"]
    assert "damaged" in rows["smollm2-135m"]
    assert "default" in rows["whisper-base"]
    assert "~18.8 GB" in rows["glm-4-9b-chat"]
    assert "~166 MB" in rows["smollm2-135m-scorer"]
    assert "large stands for whisper-large-v3, glm-4-9b-chat, bark, bark-voices, en-core-web-sm" in output.getvalue()
    assert "checker stands for en-core-web-sm, smollm2-135m-scorer" in output.getvalue()
