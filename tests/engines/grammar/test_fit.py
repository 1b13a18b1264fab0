"""The fit of the judge's networks: on a few sentences, from their candidates to files that the product reads."""

import subprocess
import sys

import pytest

from benchmarks.teaching.invented import invent_mistakes
from benchmarks.teaching.states import Example, describe_states, is_on_the_way, read_whole
from worker_llm.grammar.judge.network import Network

MISTAKES = (
    ("He go to school.", "He goes to school."),
    ("She like red apples.", "She likes red apples."),
    ("My sister play the piano.", "My sister plays the piano."),
    ("I have two cat at home.", "I have two cats at home."),
)
RIGHT = ("She goes home at five.", "He likes his new bag.", "We have three dogs and a cat.", "My brother plays tennis.")


def make_examples():
    return [Example(text, (correction,), text) for text, correction in MISTAKES] + [
        Example(text, (), text) for text in RIGHT
    ]


def test_a_mistake_is_followed_step_by_step_to_its_correction():
    example = Example("He go to school with two friend.", ("He goes to school with two friends.",), "a")
    first, second, last = describe_states(example)
    assert [first.is_wrong, second.is_wrong, last.is_wrong] == [True, True, False]
    assert {first.options[place].sentence for place in first.right} >= {
        "He goes to school with two friend.",
        "He go to school with two friends.",
    }
    assert not last.right
    for state in (first, second):
        assert all(
            is_on_the_way(state.text, state.options[place].sentence, example.corrections) for place in state.right
        )


def test_options_that_were_read_whole_know_the_gain_of_the_sentence():
    (state,) = describe_states(Example("He goes to school.", (), "a"))
    whole = read_whole(state)
    assert [len(option.rows) for option in whole.options] > [len(option.rows) for option in state.options]
    assert [option.sentence for option in whole.options] == [option.sentence for option in state.options]


def test_mistakes_are_invented_as_learners_make_them_and_the_same_ones_each_time():
    invented = invent_mistakes(make_examples(), 6)
    assert invented == invent_mistakes(make_examples(), 6)
    assert len({each.text for each in invented}) == len(invented) > 2
    right = {correction for _, correction in MISTAKES} | {*RIGHT}
    for each in invented:
        assert each.is_invented
        assert each.text not in right
        assert right.issuperset(each.corrections)


@pytest.mark.timeout(300)
def test_the_program_writes_networks_that_the_product_reads(tmp_path):
    command = [sys.executable, "-m", "benchmarks.teaching.fit", "--limit", "40", "--invented", "10"]
    output = subprocess.run([*command, "--out", str(tmp_path)], capture_output=True, text=True, check=True).stdout
    assert "of right sentences: touched" in output
    for name in ("selection", "decision"):
        scores = Network.read(tmp_path / f"{name}.npz").score([{"gain": 1.0}, {"gain": -1.0, "loss": -1.0}])
        assert all(map(abs, scores))
