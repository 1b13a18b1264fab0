"""Danger is found in what learners say, and not in what only looks like it."""

import tomllib
from pathlib import Path

import pytest

from benchmarks.teaching.safety import FILES, read_rows
from worker_llm.tutor.safety import CATEGORIES, SchoolWords, find_danger

FOLDER = Path(__file__).parent


def dangerous(name):
    table = tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
    return [(category, sentence) for category, sentences in table.items() for sentence in sentences]


def ordinary(name):
    return (FOLDER / name).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("category", "sentence"), dangerous("danger_sentences.toml") + dangerous("later_danger_sentences.toml")
)
def test_danger_is_found(category, sentence):
    danger = find_danger(sentence)
    assert danger is not None
    assert danger.needs_an_adult == (category != "sad_news")


def test_the_category_is_the_right_one_nearly_always():
    sentences = dangerous("danger_sentences.toml") + dangerous("later_danger_sentences.toml")
    wrong = [sentence for category, sentence in sentences if getattr(find_danger(sentence), "category", "") != category]
    assert len(wrong) <= 0.03 * len(sentences), wrong


@pytest.mark.parametrize("sentence", ordinary("ordinary_sentences.txt") + ordinary("later_ordinary_sentences.txt"))
def test_ordinary_words_are_no_danger(sentence):
    assert find_danger(sentence) is None


@pytest.mark.parametrize("row", read_rows(FILES["fitting"][0]))
def test_danger_is_found_in_the_sentences_that_the_rules_were_mended_by(row):
    danger = find_danger(row[-1])
    assert danger is not None
    assert danger.needs_an_adult


@pytest.mark.parametrize("row", read_rows(FILES["fitting"][1]))
def test_no_adult_is_called_by_the_ordinary_sentences_that_the_rules_were_mended_by(row):
    danger = find_danger(row[-1])
    assert danger is None or not danger.needs_an_adult


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_fixed_words_name_an_adult_and_ask_nothing(category):
    from worker_llm.tutor.safety.danger import build_danger

    danger = build_danger(category)
    assert "teacher" in danger.reply_en
    assert "老师" in danger.reply_zh
    assert "?" not in danger.reply_en
    if danger.needs_an_adult:
        assert "not your fault" in danger.reply_en
        assert "不是你的错" in danger.reply_zh


def test_a_school_adds_phrases_allows_others_and_names_whom_to_talk_to():
    school = SchoolWords.model_validate(
        {
            "phrases": {"bullying": ["the red corner"]},
            "allowed": ["I want to die"],
            "contact": {"en": "Ms Li in room 12", "zh": "12 室的李老师"},
        }
    )
    danger = find_danger("They put me in the red corner.", school)
    assert danger is not None
    assert danger.category == "bullying"
    assert "Ms Li in room 12" in danger.reply_en
    assert "12 室的李老师" in danger.reply_zh
    assert find_danger("I want to die", school) is None
    assert find_danger("I want to die") is not None
