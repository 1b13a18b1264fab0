"""The parser with the real model: parts of speech, base forms and dependencies."""

import subprocess
import sys

import pytest

from pipeline.errors import ModelDamaged
from pipeline.settings import settings
from worker_llm.grammar.model_loading import load_parser_model
from worker_llm.grammar.parser import load_parser


@pytest.fixture(scope="module")
def parse():
    return load_parser_model(settings())


def test_words_have_parts_of_speech_base_forms_and_dependencies(parse):
    words = parse("Our teacher bought three mice.")

    assert [word.tag_ for word in words] == ["PRP$", "NN", "VBD", "CD", "NNS", "."]
    assert [word.lemma_ for word in words] == ["our", "teacher", "buy", "three", "mouse", "."]
    assert [word.dep_ for word in words] == ["poss", "nsubj", "ROOT", "nummod", "dobj", "punct"]


@pytest.mark.parametrize("text", ["", " ", "我喜欢苹果。", "Yes! " * 400, "🙂 ok"])
def test_every_text_is_parsed_into_words_that_make_it_again(parse, text):
    assert "".join(word.text_with_ws for word in parse(text)) == text


def test_people_and_places_are_not_looked_for(parse):
    assert parse("Anna lives in London.").ents == ()


@pytest.mark.parametrize("content", [None, "", "[nlp]\nlang = 'en'\n"])
def test_a_folder_without_the_model_is_damaged(tmp_path, content):
    if content is not None:
        (tmp_path / "config.cfg").write_text(content)
        (tmp_path / "meta.json").write_text("{}")

    with pytest.raises(ModelDamaged, match=r"cannot be loaded by spaCy"):
        load_parser(tmp_path)


def test_loading_and_using_the_models_imports_no_torch():
    script = """
import sys
from pipeline.settings import settings
from worker_llm.grammar.model_loading import load_parser_model, load_scorer
load_scorer(settings()).score([load_parser_model(settings())("She sings.").text])
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert not {"torch", "transformers", "pandas"} & set(done.stdout.split())
