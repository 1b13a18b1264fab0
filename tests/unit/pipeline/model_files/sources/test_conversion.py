"""A model that is computed from another one: when that is in place, in one step, and verified from then on."""

import hashlib
import json

import pytest

from pipeline.errors import ModelDamaged, ModelMissing, SourcesExhausted
from pipeline.model_files import catalogue
from pipeline.model_files.catalogue import LOCK_FILE, locate_files, verify
from pipeline.model_files.download import fetch
from pipeline.model_files.sources import local

ORIGINAL = b"weights of the original"
SHA256 = hashlib.sha256(ORIGINAL).hexdigest()
COMMON = 'engine = "any"\nabout = ""\nlicence = "MIT"\ncredit = ""\nhomepage = ""\n'
ENTRIES = f"""
[original]
stage = "llm"
{COMMON}
files = [{{ name = "weights.gguf", size = {len(ORIGINAL)}, sha256 = "{SHA256}" }}]
sources = []

[converted]
stage = "checker"
{COMMON}
unlisted_patterns = ["*"]
approximate_bytes = 100

[[converted.sources]]
kind = "conversion"
model = "original"
revision = "{SHA256}"
"""
PROGRAM = """
import sys
from pathlib import Path
source, folder = map(Path, sys.argv[1:])
(folder / "model.bin").write_bytes(source.read_bytes()[::-1])
(folder / "config.json").write_bytes(b"{}")
"""
FAILING_PROGRAM = f"{local.SHORT_ERRORS}\nraise ValueError('no such architecture')"
CONVERTED = {"model.bin": ORIGINAL[::-1], "config.json": b"{}"}


def ignore_progress(*_: object) -> None:
    pass


@pytest.fixture
def models(monkeypatch):
    models = catalogue.parse(ENTRIES)
    monkeypatch.setattr(catalogue, "catalogue", lambda: models)
    monkeypatch.setattr(local, "CONVERSION_PROGRAM", PROGRAM)
    return models


@pytest.fixture
def folder(models, tmp_path):
    """A models folder with the original."""
    (tmp_path / "models" / "original").mkdir(parents=True)
    (tmp_path / "models" / "original" / "weights.gguf").write_bytes(ORIGINAL)
    return tmp_path / "models"


def test_a_model_is_computed_and_appears_with_a_lock_and_nothing_else(models, folder):
    place = fetch(models["converted"], folder, ignore_progress)

    assert {path.name: path.read_bytes() for path in place.iterdir() if path.name != LOCK_FILE} == CONVERTED
    assert {path.name for path in folder.iterdir()} == {"original", "converted", ".lock"}
    lock = json.loads((place / LOCK_FILE).read_text())
    assert lock["revision"] == SHA256
    assert {each["name"]: each["sha256"] for each in lock["files"]} == {
        name: hashlib.sha256(data).hexdigest() for name, data in CONVERTED.items()
    }


def test_it_is_computed_once(models, folder, monkeypatch):
    fetch(models["converted"], folder, ignore_progress)
    monkeypatch.setattr(local, "CONVERSION_PROGRAM", FAILING_PROGRAM)

    assert fetch(models["converted"], folder, ignore_progress) == folder / "converted"


def test_a_damaged_one_is_found_and_computed_again(models, folder):
    place = fetch(models["converted"], folder, ignore_progress)
    (place / "model.bin").write_bytes(ORIGINAL)
    with pytest.raises(ModelDamaged, match=r"model\.bin is damaged: .*run: waijiao models fetch converted"):
        verify(models["converted"], folder)

    fetch(models["converted"], folder, ignore_progress)
    verify(models["converted"], folder)


def test_one_made_from_another_version_of_the_original_counts_as_damaged(models, folder):
    place = fetch(models["converted"], folder, ignore_progress)
    lock = (place / LOCK_FILE).read_text()
    (place / LOCK_FILE).write_text(lock.replace(SHA256, "0" * 64))

    with pytest.raises(ModelDamaged, match="does not match the catalogue"):
        locate_files(models["converted"], folder)


def test_a_copy_from_another_machine_is_enough_without_the_original(models, folder, tmp_path, monkeypatch):
    fetch(models["converted"], folder, ignore_progress)
    monkeypatch.setattr(local, "CONVERSION_PROGRAM", FAILING_PROGRAM)

    fetch(models["converted"], tmp_path / "elsewhere", ignore_progress, start_from=folder)

    verify(models["converted"], tmp_path / "elsewhere")


@pytest.mark.parametrize("content", [None, ORIGINAL[:-1], ORIGINAL[:-1] + b"?"])
def test_a_missing_or_damaged_original_is_named_with_what_to_do(models, folder, content):
    path = folder / "original" / "weights.gguf"
    path.unlink()
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SourcesExhausted, match=r"conversion of original: .*run: waijiao models fetch original"):
        fetch(models["converted"], folder, ignore_progress)
    with pytest.raises(ModelMissing):
        locate_files(models["converted"], folder)


def test_a_failed_conversion_says_why_and_how_to_do_without(models, folder, monkeypatch):
    monkeypatch.setattr(local, "CONVERSION_PROGRAM", FAILING_PROGRAM)

    with pytest.raises(SourcesExhausted, match=r"ValueError no such architecture") as failed:
        fetch(models["converted"], folder, ignore_progress)
    assert "WAIJIAO_CHECKER=none" in failed.value.detail
    assert "WAIJIAO_CHECKER_MODEL" not in failed.value.detail
    assert {path.name for path in folder.iterdir()} == {"original", ".lock"}


def test_the_real_program_refuses_what_is_no_gguf_in_one_line(models, folder, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(catalogue, "catalogue", lambda: models)

    with pytest.raises(SourcesExhausted, match=r"conversion of original: ValueError .*GGUF"):
        fetch(models["converted"], folder, ignore_progress)


def test_files_in_folders_are_fetched_into_folders(tmp_path):
    content = {"config.cfg": b"[nlp]", "tagger/model": b"tags", "lemmatizer/lookups/lookups.bin": b"words"}
    files = tuple(catalogue.File(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in content.items())
    model = catalogue.Model("tree", "checker", "spacy", "", "MIT", "", "", files, sources=())
    for name, data in content.items():
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    place = fetch(model, tmp_path / "models", ignore_progress, start_from=tmp_path / "mine")

    assert {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()} == content
