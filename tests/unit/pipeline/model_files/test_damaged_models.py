"""A model of the catalogue with a flipped byte is refused when it is loaded, whichever byte of whichever file it is."""

import shutil

import pytest

from pipeline.errors import ModelDamaged
from pipeline.model_files.catalogue import find_model
from pipeline.settings import Settings, settings
from pipeline.worker.engine_loader import load_engine
from tests.support.memory_folder import memory_folder

ENGINES = dict.fromkeys(("faster-whisper", "llama.cpp", "hibari"), "builtins:tuple")
DEFAULT_MODELS = {stage: getattr(Settings(), f"{stage}_model") for stage in ("asr", "llm", "tts")}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A copy of the default models."""
    with memory_folder(tmp_path_factory.mktemp("models")) as folder:
        for name in DEFAULT_MODELS.values():
            shutil.copytree(settings().models_folder / name, folder / name)
        yield folder


def flip_bit(path, position: int) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 0x10]))


@pytest.mark.parametrize("position", [0.0, 0.37, 0.999])
@pytest.mark.parametrize("stage", DEFAULT_MODELS)
def test_a_model_with_a_flipped_bit_is_refused_with_the_command_that_mends_it(models, monkeypatch, stage, position):
    name = DEFAULT_MODELS[stage]
    chosen = Settings(models=models)
    monkeypatch.setattr("pipeline.worker.engine_loader.import_name", lambda path: lambda model, _: model)
    largest = max(find_model(name).files, key=lambda file: file.size)
    path, place = models / name / largest.name, int(position * largest.size)
    flip_bit(path, place)
    try:
        with pytest.raises(ModelDamaged, match=f"{largest.name}.*is damaged.*waijiao models fetch {name}"):
            load_engine(stage, ENGINES, chosen)
    finally:
        flip_bit(path, place)
    load_engine(stage, ENGINES, chosen)


def test_a_model_of_one_s_own_is_not_compared_with_the_catalogue(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.worker.engine_loader.import_name", lambda path: lambda model, _: model)
    own = tmp_path / "model.gguf"
    own.write_bytes(b"own")
    assert load_engine("llm", ENGINES, Settings(llm_model=str(own))) == own
