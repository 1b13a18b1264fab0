"""What a language model corrects alone is taken from its reply as the product would: by fake models."""

from dataclasses import dataclass, field, replace

import pytest

from benchmarks.teaching import scores
from benchmarks.teaching.corpus import Mistake
from benchmarks.teaching.language_model import ModelAsChecker, load_model, parse_arguments
from benchmarks.teaching.scores import check_mistake, check_right
from pipeline import personas
from pipeline.errors import EngineFailed
from pipeline.jobs.results import Completion
from pipeline.settings import Settings
from tests.support.scripted_checker import ScriptedChecker

WRONG = Mistake("She go home.", ("She goes home.",), "verb_agreement", "A1")


@dataclass
class FakeModel:
    """Answers every prompt with the same text, or error."""

    reply_text: str = ""
    error: EngineFailed | None = None
    prompts: list = field(default_factory=list)

    def reply(self, prompts):
        self.prompts += prompts
        return [self.error or Completion(self.reply_text, "stop", 1, 1) for _ in prompts]

    def count_tokens(self, text):
        return len(text.split())


def make_checker(model: FakeModel) -> ModelAsChecker:
    settings = Settings()
    return ModelAsChecker(model, personas.load(settings.persona, settings.personas), settings)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ('"She goes home." Where does she live?', scores.PUT_RIGHT),
        ('"She go home." Where does she live?', scores.DOUBTFUL),
        ('"Paris is in France." Do you like it?', scores.DOUBTFUL),
        ('"She went home." When?', scores.OTHERWISE),
        ("", scores.DOUBTFUL),
    ],
)
def test_only_small_corrections_of_the_model_s_sentence_count(reply, outcome):
    assert check_mistake(make_checker(FakeModel(reply)), WRONG).outcome == outcome


@pytest.mark.parametrize(
    ("reply", "outcome"), [('"I am here." Where?', scores.DOUBTFUL), ('"I was here." When?', scores.TOUCHED)]
)
def test_a_right_sentence_that_is_left_alone_is_not_praised(reply, outcome):
    assert check_right(make_checker(FakeModel(reply)), "I am here.").outcome == outcome


def test_the_model_gets_the_prompt_of_a_learner_s_turn():
    model = FakeModel('"I am here." Where?')
    make_checker(model).check("I am here.")
    (prompt,) = model.prompts
    assert [message.role for message in prompt.messages[:2]] == ["system", "user"]
    assert prompt.messages[-1].content == "I am here."
    assert prompt.max_tokens == Settings().answer_tokens


@pytest.mark.parametrize(
    ("reply", "count"),
    [
        ('"She goes to school by bus." Does she like her school?', 1),
        ('"She goes to school by bus."', 0),
        ('"She goes to school by bus." Who the bus is?', 0),
    ],
)
def test_questions_that_the_product_would_ask_are_counted(reply, count):
    checker = make_checker(FakeModel(reply))
    checker.check("She goes to school by bus.")
    assert (checker.questions, checker.answers) == (count, 1)


def test_beside_a_checker_the_model_s_sentence_is_a_suggestion():
    checker = ScriptedChecker({"go": "goes"})
    model = replace(make_checker(FakeModel('"She goes home." Where does she live?')), checker=checker)
    assert check_mistake(model, WRONG).outcome == scores.PUT_RIGHT
    assert check_right(model, "I am here.").outcome == scores.PRAISED
    assert checker.suggestions == ["She goes home.", ""]


def test_a_model_that_fails_ends_the_measurement():
    with pytest.raises(EngineFailed):
        make_checker(FakeModel(error=EngineFailed("gone"))).check("I am here.")


def test_a_model_that_is_missing_ends_the_program_with_the_command_that_fetches_it(tmp_path):
    with pytest.raises(SystemExit, match=r"run: waijiao models fetch qwen2\.5-7b$"):
        load_model(Settings(llm_model="qwen2.5-7b", models=tmp_path))


@pytest.mark.parametrize("words", [["--half", "other"], ["--limit", "0"], ["--wrong"]])
def test_unknown_arguments_are_refused(words, capsys):
    with pytest.raises(SystemExit):
        parse_arguments(words)
    assert "error: " in capsys.readouterr().err
