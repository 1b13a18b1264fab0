"""The catalogue is complete, and missing or damaged models give clear errors."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hibari.voices import VOICES

from pipeline.errors import ConfigurationError, ModelDamaged, ModelMissing
from pipeline.model_files import catalogue
from pipeline.model_files.catalogue import commits
from pipeline.model_files.download import fetch
from pipeline.model_files.sources.hub import Hub
from pipeline.model_files.sources.local import Conversion, Package
from pipeline.model_files.sources.registries import Npm, Wheels
from pipeline.model_files.sources.source import sources_of
from pipeline.settings import Settings
from worker_llm.grammar.model_loading import PARSER_MODEL, SCORER_MODEL
from worker_tts.kokoro.engine import MODEL as KOKORO_MODEL
from worker_tts.kokoro.engine import PINYIN as KOKORO_PINYIN
from worker_tts.kokoro.engine import VOICES as KOKORO_VOICES

CONTENT = {"model.bin": b"weights" * 1000, "config.json": b"{}"}


def make_model(files: dict[str, bytes]) -> catalogue.Model:
    """A model of these files that has no source."""
    listed = tuple(catalogue.File(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items())
    return catalogue.Model("small", "asr", "faster-whisper", "", "MIT", "", "", listed, sources=())


def write_model(folder: Path, name: str, files: dict[str, bytes]) -> None:
    (folder / name).mkdir(parents=True)
    for file, data in files.items():
        (folder / name / file).write_bytes(data)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The only model of the catalogue, in place."""
    model = make_model(CONTENT)
    monkeypatch.setattr(catalogue, "catalogue", lambda: {model.name: model})
    write_model(tmp_path, model.name, CONTENT)
    return model


# --- the catalogue


@pytest.mark.parametrize("model", catalogue.catalogue().values(), ids=lambda model: model.name)
def test_every_entry_of_the_catalogue_is_complete(model):
    assert re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", model.name)
    assert model.stage in {"asr", "llm", "tts", "checker"}
    assert model.licence
    assert model.credit
    assert model.homepage.startswith("https://")
    assert model.sources
    assert model.files or model.unlisted_patterns
    for file in model.files:
        assert re.fullmatch(r"[A-Za-z0-9_-][\w.-]*(/[A-Za-z0-9_-][\w.-]*)*", file.name)
        assert file.size > 0
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
    listed = sum(file.size for file in model.files)
    assert model.size == (model.approximate_bytes if model.unlisted_patterns else listed)
    assert not model.unlisted_patterns or model.size > listed


@pytest.mark.parametrize("model", catalogue.catalogue().values(), ids=lambda model: model.name)
def test_every_source_is_pinned_and_has_every_file(model):
    names = {file.name for file in model.files}
    for source in sources_of(model):
        match source:
            case Wheels(wheels, files):
                assert set(files) == names
                for wheel in wheels:
                    assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+", wheel.requirement)
                    assert re.fullmatch("[0-9a-f]{64}", wheel.sha256)
                    assert wheel.size > 0
            case Hub(_, revision, files):
                is_pinned_by_its_files = revision == "main" and not model.unlisted_patterns
                assert re.fullmatch("[0-9a-f]{40}", revision) or is_pinned_by_its_files
                assert set(files) <= names
            case Npm(requirement, size, digest, files):
                assert re.fullmatch(r"[a-z0-9-]+@[0-9.]+", requirement)
                assert re.fullmatch("[0-9a-f]{64}", digest)
                assert size > 0
                assert set(files) == names
            case Package(_, files):
                assert set(files) == names
            case Conversion(original, revision, _):
                (file,) = catalogue.find_model(original).files
                assert revision == file.sha256
                assert model.made_from == (original,)
            case _:
                pytest.fail(f"{source} is of no kind that may be listed")
    assert not model.unlisted_patterns or len(commits(model)) == 1


def test_a_set_names_models_of_the_catalogue():
    assert set(catalogue.sets()) == {"large", "checker", "chinese", "voices"}
    for names in catalogue.sets().values():
        assert set(names) <= set(catalogue.catalogue())
    assert not set(catalogue.sets()) & set(catalogue.catalogue())


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("large", {"asr", "llm", "tts", "checker"}),
        ("checker", {"checker"}),
        ("chinese", {"tts"}),
        ("voices", {"tts"}),
    ],
)
def test_a_set_has_a_model_of_each_stage_that_it_is_for(name, stages):
    assert {catalogue.find_model(model).stage for model in catalogue.sets()[name]} == stages


def test_the_voices_are_those_for_chinese_and_all_of_hibari_that_are_not_here_by_default():
    chinese, voices = catalogue.sets()["chinese"], catalogue.sets()["voices"]
    hibari = [name for name, model in catalogue.catalogue().items() if model.engine == "hibari" and not model.default]

    assert set(chinese) == {KOKORO_MODEL, KOKORO_VOICES, KOKORO_PINYIN}
    assert sorted(voices) == sorted((*chinese, *hibari))
    assert voices[: len(chinese)] == chinese  # first, since what a hub alone has cannot be fetched everywhere


@pytest.mark.parametrize("name", [name for name in catalogue.sets()["voices"] if name.startswith("hibari")])
def test_the_voices_of_hibari_are_those_that_its_package_lists(name):
    model = catalogue.find_model(name)
    (file,) = model.files
    listed = VOICES[model.voices[1]]

    assert (file.name, file.size, file.sha256) == (listed["file"], listed["bytes"], listed["sha256"])


def test_every_teacher_is_fetched_with_what_checks_sentences():
    checker = {name for name, model in catalogue.catalogue().items() if model.stage == "checker"}

    assert checker == set(catalogue.sets()["checker"]) == {SCORER_MODEL, PARSER_MODEL}
    assert checker <= set(catalogue.sets()["large"])
    assert all(catalogue.find_model(name).default for name in checker)


def test_the_models_that_the_settings_name_are_fetched_by_default():
    named = {Settings.model_fields[f"{stage}_model"].default for stage in ("asr", "llm", "tts")}
    of_stages = {model.name for model in catalogue.catalogue().values() if model.default and model.stage != "checker"}
    assert of_stages == named


def test_the_catalogue_cannot_be_changed():
    with pytest.raises(TypeError):
        catalogue.catalogue()["mine"] = make_model(CONTENT)


def test_reading_the_catalogue_imports_no_downloader_and_no_engine():
    heavy = {"huggingface_hub", "pip", "hibari", "faster_whisper", "xllamacpp", "numpy"}
    program = "import sys; from pipeline.model_files import catalogue; catalogue.catalogue(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert not heavy & set(loaded.split())


# --- locating


def test_a_model_of_several_files_is_its_folder(small, tmp_path):
    assert catalogue.locate("small", tmp_path) == tmp_path / "small"


def test_a_model_of_one_file_is_that_file(monkeypatch, tmp_path):
    model = make_model({"voice.onnx": b"v"})
    monkeypatch.setattr(catalogue, "catalogue", lambda: {model.name: model})
    write_model(tmp_path, "small", {"voice.onnx": b"v"})
    assert catalogue.locate("small", tmp_path) == tmp_path / "small" / "voice.onnx"


def test_a_missing_model_names_the_command_that_fetches_it(tmp_path):
    with pytest.raises(ModelMissing, match=r"run: waijiao models fetch whisper-base$"):
        catalogue.locate("whisper-base", tmp_path)


def test_one_missing_file_is_a_missing_model(small, tmp_path):
    (tmp_path / "small" / "config.json").unlink()
    with pytest.raises(ModelMissing, match=r"config\.json is not there; run: waijiao models fetch small"):
        catalogue.locate("small", tmp_path)


def test_a_truncated_file_is_found_without_reading_it(small, tmp_path):
    os.truncate(tmp_path / "small" / "model.bin", 6999)
    with pytest.raises(ModelDamaged, match=r"6999 bytes, not 7000; run: waijiao models fetch small"):
        catalogue.locate("small", tmp_path)


@pytest.mark.parametrize("name", ["whisper-bass", "", "WHISPER-BASE"])
def test_an_unknown_name_lists_the_known_ones(name, tmp_path):
    with pytest.raises(ModelMissing, match=r"expected one of whisper-base, .*hibari-heart.*, or a path"):
        catalogue.locate(name, tmp_path)


def test_a_user_s_own_folder_is_used_unchanged(tmp_path):
    own = tmp_path / "my-whisper"
    own.mkdir()
    assert catalogue.locate(str(own), tmp_path / "models") == own


def test_a_user_s_own_file_in_the_working_folder_needs_no_separator(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("mine.gguf").write_bytes(b"GGUF")
    assert catalogue.locate("mine.gguf", tmp_path / "models") == Path("mine.gguf")


def test_a_folder_that_happens_to_have_a_known_name_does_not_hide_the_catalogue(small, monkeypatch, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "small").mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    assert catalogue.locate("small", tmp_path) == tmp_path / "small"


def test_a_user_s_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(ModelMissing, match=r"/nowhere/mine\.gguf: there is no such file or folder"):
        catalogue.locate("/nowhere/mine.gguf", tmp_path)


# --- verifying


def test_a_complete_model_is_verified(small, tmp_path):
    catalogue.verify(small, tmp_path)


def test_one_changed_byte_is_found(small, tmp_path):
    path = tmp_path / "small" / "model.bin"
    path.write_bytes(b"W" + path.read_bytes()[1:])
    assert catalogue.locate("small", tmp_path)  # the size is right
    with pytest.raises(ModelDamaged, match=r"model\.bin is damaged: .* run: waijiao models fetch small"):
        catalogue.verify(small, tmp_path)


def test_verifying_a_model_that_is_not_there_says_it_is_missing(small, tmp_path):
    with pytest.raises(ModelMissing):
        catalogue.verify(small, tmp_path / "empty")


# --- fetching, without a source


def test_a_complete_model_is_not_fetched_again(small, tmp_path):
    told = []
    place = fetch(small, tmp_path, lambda *progress: told.append(progress))
    assert place == tmp_path / "small"
    assert told[-1] == ("small", small.size, small.size)
    assert [path.name for path in tmp_path.iterdir()] == ["small"]


def test_a_models_folder_that_cannot_be_made_is_a_configuration_error(small, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="Not a directory; name another folder with WAIJIAO_MODELS"):
        fetch(small, tmp_path / "file" / "models", print)
