"""The figures of a level are counted in the answers: made by hand here."""

import pytest

from benchmarks.teaching.corpus import LEVELS
from benchmarks.teaching.levels import Answerer, FirstTurnTeacher, find_explained, measure_level, read_turns
from pipeline.errors import EngineFailed
from pipeline.jobs.results import Completion, Edit, Feedback
from pipeline.settings import Settings
from tests.support.scripted_checker import ScriptedChecker

GO = Edit("go", "went", (1, 2), "R:VERB:TENSE", {"en": "Say went."})
IN = Edit("in", "on", (3, 4), "R:PREP", {"en": "Say on."})
ANSWER = Feedback(
    "I go home in Monday.",
    "I went home on Monday.",
    "What did you gargle there?",
    "We say: I went home on Monday. Say went. What did you gargle there?",
    (GO, IN),
    "Say went.",
    verdict="corrected",
)


class FakeModel:
    def __init__(self, reply=None):
        self.completion, self.count = reply or Completion('"I went home."', "stop", 1, 1), 0

    def reply(self, prompts):
        self.count += len(prompts)
        return [self.completion for _ in prompts]


def make_answerer(model):
    return Answerer(FirstTurnTeacher(Settings(), len, ScriptedChecker({"go": "went"})), model)


def test_only_what_stands_in_the_answer_counts_as_explained():
    assert find_explained(ANSWER) == [GO]
    figures = measure_level([ANSWER], "A1")
    assert (figures.explained, figures.of_beginners, figures.explanations) == (0.5, 1.0, 1.0)
    assert (figures.words, figures.question_words, figures.simple) == (14, 5, 0)
    assert figures.pace < 1


def test_a_prompt_is_asked_once_for_all_levels():
    model = FakeModel()
    answers = {level: make_answerer(model).answer("I go home.", level) for level in LEVELS}
    answerer, count = make_answerer(model), model.count
    for level in LEVELS:
        assert answerer.answer("I go home.", level) == answers[level]
    assert model.count == count + 1


def test_an_error_of_the_model_is_raised():
    with pytest.raises(EngineFailed):
        make_answerer(FakeModel(EngineFailed())).answer("I go home.")


def test_the_turns_are_read_without_the_line_that_describes_them():
    assert len(read_turns()) == 40
    assert len(read_turns(3)) == 3
    assert not any(turn.startswith("#") for turn in read_turns())
