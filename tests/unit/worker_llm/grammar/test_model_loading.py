"""What checks sentences is refused when it is missing or damaged, with the command that mends it."""

import shutil

import pytest

from pipeline.errors import ModelDamaged, ModelMissing
from pipeline.settings import Settings, settings
from worker_llm.grammar.model_loading import PARSER_MODEL, SCORER_MODEL, load_parser_model, load_scorer

MODELS = [(load_scorer, SCORER_MODEL, "tokenizer.json"), (load_parser_model, PARSER_MODEL, "tagger/model")]
each_model = pytest.mark.parametrize(("load", "name", "file"), MODELS, ids=[name for _, name, _ in MODELS])


@each_model
def test_a_missing_model_names_the_command_that_fetches_it(load, name, file, tmp_path):
    with pytest.raises(ModelMissing, match=rf"model {name}: .* is not there; run: waijiao models fetch {name}$"):
        load(Settings(models=tmp_path))


@each_model
def test_a_changed_byte_of_a_small_file_is_found_before_the_model_is_loaded(load, name, file, tmp_path):
    shutil.copytree(settings().models_folder / name, tmp_path / name)
    path = tmp_path / name / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(ModelDamaged, match=rf"{file} is damaged: .*run: waijiao models fetch {name}$"):
        load(Settings(models=tmp_path))
