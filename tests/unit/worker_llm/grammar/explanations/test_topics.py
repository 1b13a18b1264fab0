"""The texts of explanations: slots, lengths, letters, and that every rule gives a text what it needs."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker_llm.grammar.explanations.topics import TEXTS, explain_topic

RULES = Path(__file__).resolve().parents[5] / "worker_llm" / "grammar" / "explanations"
OF_EVERY_EDIT = {"before", "after", "say", "use"}


def slots_of(topic: str) -> set[str]:
    return {name for text in TEXTS[topic] for _, name, _, _ in string.Formatter().parse(text) if name}


def reasons() -> Iterator[tuple[str, set[str], str]]:
    """Each reason that a rule gives by name: its topic, the slots that it fills, and where it stands."""
    for path in sorted(RULES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_reason = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "because"
            if is_reason and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value, {keyword.arg for keyword in node.keywords}, f"{path.name}:{node.lineno}"


def test_every_reason_of_a_rule_has_a_text_and_fills_its_slots():
    assert len(list(reasons())) > 60
    for topic, slots, place in reasons():
        assert topic in TEXTS, place
        assert slots_of(topic) - OF_EVERY_EDIT == slots, place


@pytest.mark.parametrize("topic", TEXTS)
def test_a_text_is_short_and_fit_to_be_spoken(topic):
    slots = dict.fromkeys(slots_of(topic) - OF_EVERY_EDIT, "word")
    english, chinese = explain_topic(topic, "old", "new", **slots)

    assert len(english.split()) <= 12
    assert len(chinese) <= 40
    assert english.endswith(".")
    assert english[0].isupper()
    assert not set(english) & set('→/()[]{}<>|"“”+*_')
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
    assert chinese.endswith("。")


@pytest.mark.parametrize(
    ("before", "after", "english", "chinese"),
    [
        ("go", "went", "Say went, not go.", "不说 go，说 went。"),
        ("", "a", "Add a.", "加上 a。"),
        ("to", "", "Leave out to.", "去掉 to。"),
        ("not", "don't", "Say don't instead of not.", "不说 not，说 don't。"),
        ("no like the tea", "don't like the tea", "Say don't like the tea.", "说 don't like the tea。"),
    ],
)
def test_what_to_say_depends_on_what_went_and_what_came(before, after, english, chinese):
    assert explain_topic("replace", before, after) == (english, chinese)


@pytest.mark.parametrize(
    ("topic", "before", "after", "slots", "english", "chinese"),
    [
        (
            "very_verb",
            "very like",
            "really like",
            {},
            "Very does not go before a verb: say really like.",
            "very 不放在动词前",
        ),
        ("have_age", "have", "am", {}, "We tell our age with be: say am, not have.", "说年龄用 be"),
        ("there_have", "there have", "there are", {}, "We use there with be", "there be"),
        ("although_but", "but", "", {"word": "although"}, "Although is enough: leave out but.", "有了 although 就够了"),
        ("because_so", "so", "", {"word": "because"}, "Because is enough: leave out so.", "有了 because 就够了"),
        ("since_for", "since", "for", {}, "For tells how long, since tells the start", "for 接时间段"),
        ("listen_to", "", "to", {}, "Listen needs to: add to.", "listen 后面要加 to"),
        ("together", "in", "at", {"phrase": "good at"}, "These words go together: good at.", "固定搭配：good at"),
        ("past_time", "go", "went", {"time": "yesterday", "time_zh": "昨天"}, "It was yesterday", "昨天 → 过去式"),
        ("whose", "me", "my", {"noun": "book"}, "Whose book? Say my, not me.", "谁的 book？"),
    ],
)
def test_a_proposal_may_name_its_explanation(topic, before, after, slots, english, chinese):
    in_english, in_chinese = explain_topic(topic, before, after, **slots)

    assert english in in_english
    assert chinese in in_chinese


def test_a_long_explanation_leaves_out_what_was_wrong():
    english, _ = explain_topic("condition_present", "will be raining", "is raining", word="until")

    assert english == "With until we use the present: say is raining."


@pytest.mark.parametrize(
    ("topic", "before", "after", "slots", "message"),
    [
        ("no_such_topic", "a", "b", {}, "'no_such_topic' is not a topic of explanations"),
        ("past_time", "go", "went", {}, "past_time: nothing was said for time"),
        ("past_time", "go", "went", {"time": ""}, "past_time: nothing was said for time"),
        ("better_word", "", "went", {}, "better_word: nothing was said for before"),
        ("replace", "", "", {}, "replace: an edit needs words that went or words that came"),
    ],
)
def test_an_explanation_that_cannot_be_made_is_refused(topic, before, after, slots, message):
    with pytest.raises(ValueError, match=message):
        explain_topic(topic, before, after, **slots)
