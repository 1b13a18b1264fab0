"""A word of praise after a try, made of facts alone: no score, and nothing that was not heard or measured."""

from collections.abc import Mapping, Sequence

from pipeline.practice.comparison import Change, ComparedWord

MAX_NAMED = 3  # words that a praise names
TEXTS = {
    "clearer_one": {"en": "{words} was clearer this time.", "zh": "这次{words}更清楚了。"},
    "clearer_many": {"en": "{words} were clearer this time.", "zh": "这次{words}更清楚了。"},
    "heard_one": {"en": "{words} was heard this time.", "zh": "这次听到了{words}。"},
    "heard_many": {"en": "{words} were heard this time.", "zh": "这次听到了{words}。"},
    "all": {"en": "All words were heard.", "zh": "每个词都听到了。"},
    "most": {"en": "Most of the words were heard.", "zh": "多数词都听到了。"},
    "tried": {"en": "You said it once more.", "zh": "你又说了一遍。"},
}


def praise(words: Sequence[ComparedWord]) -> Mapping[str, str]:
    """The praise in "en" and "zh" for the words of a try; none were the text's where something else was said."""
    facts = [*name_changed(words, "clearer"), *name_changed(words, "heard")]
    of_text = [each.read.state for each in words if each.read.state != "added"]
    heard = sum(state == "said" for state in of_text)
    if of_text and heard == len(of_text):
        facts.append(TEXTS["all"])
    elif not facts:
        facts.append(TEXTS["most"] if 2 * heard > len(of_text) else TEXTS["tried"])
    return {"en": " ".join(each["en"] for each in facts), "zh": "".join(each["zh"] for each in facts)}


def name_changed(words: Sequence[ComparedWord], change: Change) -> list[Mapping[str, str]]:
    """The sentence that names the first MAX_NAMED words with this change; no sentence if there are none."""
    names = list(dict.fromkeys(f"“{each.read.word}”" for each in words if each.change == change))[:MAX_NAMED]
    if not names:
        return []
    texts = TEXTS[f"{change}_{'one' if len(names) == 1 else 'many'}"]
    in_english = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return [{"en": texts["en"].format(words=in_english), "zh": texts["zh"].format(words="、".join(names))}]
