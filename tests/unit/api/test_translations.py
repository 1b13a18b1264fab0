"""The texts of the pages: both languages have the same ones, no key is missing or unused, every error has a text.

Needs no browser: it reads the JSON files, the templates and the scripts.
"""

import json
import re
from pathlib import Path

import pytest

from api.reports.strings import STRINGS
from pipeline import errors
from pipeline.jobs.job import State
from pipeline.jobs.results import CHECKED_VERDICTS, VERDICTS
from waijiao.cli.verdicts import VERDICT_LABELS

ROOT = Path(__file__).parents[3]
I18N = ROOT / "api" / "static" / "i18n"
NOT_SHOWN = {"configuration"}  # ends a process at its start, before there is a page
PLURAL_FORMS = {"en": {"one", "other"}, "zh": {"other"}}  # of Intl.PluralRules
USED_KEY = re.compile(r"""\b(?:t|label|placeholder|text|column)\(\s*["'](\w+)["']|data-t(?:-\w+)?=["'](\w+)["']""")
PREFIX = re.compile(r"`([a-z]+_(?:\w+_)?)\$\{|\"([a-z]+_\w*_)\" ~")  # such as `state_${job.state}`


def load(language: str) -> dict[str, dict]:
    return json.loads((I18N / f"{language}.json").read_text(encoding="utf-8"))


def source() -> str:
    """All that may use a text: the scripts and the templates of the pages."""
    files = [*(ROOT / "api" / "static").rglob("*.js"), *(ROOT / "api" / "templates" / "pages").rglob("*.html")]
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(files))


def forms(entry: str | dict[str, str]) -> list[str]:
    return [entry] if isinstance(entry, str) else list(entry.values())


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("section", ["strings", "errors"])
def test_both_languages_have_the_same_keys(section):
    english, chinese = load("en")[section], load("zh")[section]
    assert list(english) == list(chinese)


@pytest.mark.parametrize("language", PLURAL_FORMS)
def test_no_text_is_empty_and_plurals_have_the_forms_of_the_language(language):
    for section in load(language).values():
        for key, entry in section.items():
            assert all(text.strip() for text in forms(entry)), key
            if isinstance(entry, dict):
                assert set(entry) == PLURAL_FORMS[language], key
                assert "n" in placeholders(entry["other"]), key


def test_both_languages_have_the_same_placeholders():
    english, chinese = load("en")["strings"], load("zh")["strings"]
    for key, entry in english.items():
        assert placeholders(forms(entry)[-1]) == placeholders(forms(chinese[key])[-1]), key
        assert placeholders(forms(entry)[0]) <= placeholders(forms(entry)[-1]), key


def test_no_key_occurs_twice_in_a_file():
    def reject_duplicates(pairs):
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), sorted(key for key in keys if keys.count(key) > 1)
        return dict(pairs)

    for language in PLURAL_FORMS:
        json.loads((I18N / f"{language}.json").read_text(encoding="utf-8"), object_pairs_hook=reject_duplicates)


def test_every_key_that_is_used_exists():
    used = {key for pair in USED_KEY.findall(source()) for key in pair if key}
    assert len(used) > 200
    assert {key for key in used if not key.endswith("_")} - set(load("en")["strings"]) == set()


def test_no_key_is_unused():
    code = source()
    prefixes = tuple({prefix for pair in PREFIX.findall(code) for prefix in pair if prefix})
    unused = {key for key in load("en")["strings"] if f'"{key}"' not in code}
    assert {key for key in unused if not key.startswith(prefixes)} == set()


@pytest.mark.parametrize(
    ("prefix", "values"),
    [
        ("state_", "queued segmenting listening transcribing thinking speaking succeeded failed canceled expired held"),
        ("state_", "unsent refused gone unknown missing"),
        ("status_stage_", "asr llm tts segment parts hold"),
        ("status_task_", "teach transcribe chat speak lesson turn"),
        ("status_lane_", "interactive homework bulk"),
        ("status_model_", "asr llm tts"),
        ("status_short_", "asr llm tts"),
        ("homework_n_", "accepted unchanged replaced refused"),
        ("homework_file_", "accepted unchanged replaced"),
    ],
)
def test_every_value_that_a_key_is_built_from_has_a_text(prefix, values):
    assert {f"{prefix}{value}" for value in values.split()} <= set(load("en")["strings"])


def test_every_error_of_the_api_has_a_text():
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    codes = {each.code for each in classes if issubclass(each, errors.WaijiaoError)}
    assert codes - NOT_SHOWN - set(load("en")["errors"]) == set()


def glossary_states() -> list[tuple[str, str, str]]:
    """(state, English label, Chinese label) of each row of the glossary's table of states, and of the line below it."""
    section = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").split("### States")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    return rows + re.findall(r"`(\w+)`\s\(([^,]+), ([^)]+)\)", section)


@pytest.mark.parametrize(("state", "english", "chinese"), glossary_states())
def test_the_pages_and_the_reports_call_a_state_as_the_glossary_does(state, english, chinese):
    assert (load("en")["strings"][f"state_{state}"], load("zh")["strings"][f"state_{state}"]) == (english, chinese)
    report_key = "state_answered" if state == "succeeded" else f"state_{state}"
    assert STRINGS.get(report_key, (english, chinese)) == (english, chinese)


def test_the_glossary_names_every_state():
    states = {state for state, _, _ in glossary_states()}
    assert {each.value for each in State} <= states
    assert {f"state_{state}" for state in states} >= {key for key in STRINGS if key.startswith("state_")} - {
        "state_answered"
    }


def glossary_verdicts() -> list[tuple[str, str, str]]:
    """(verdict, English label, Chinese label) of each row of the glossary's table of verdicts."""
    section = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").split("### Verdicts")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)


@pytest.mark.parametrize(("verdict", "english", "chinese"), glossary_verdicts())
def test_the_pages_call_a_verdict_as_the_glossary_does(verdict, english, chinese):
    key = f"verdict_{verdict}"
    assert (load("en")["strings"][key], load("zh")["strings"][key]) == (english, chinese)


def test_reports_and_the_command_call_a_verdict_as_the_glossary_does():
    assert {verdict: (english, chinese) for verdict, english, chinese in glossary_verdicts()} == {
        verdict: STRINGS[f"verdict_{verdict}"] for verdict in VERDICTS
    }
    assert {verdict: english for verdict, english, _ in glossary_verdicts()} == VERDICT_LABELS
    assert all(f"meaning_{verdict}" in STRINGS for verdict in VERDICTS if verdict not in CHECKED_VERDICTS)


OTHER_WORDS = {  # that the glossary does not use for what the pages speak of
    "en": r"\bTask\b(?!$)|\bredo|quick batch|reject|timed out|splitting",
    "zh": "审核|解释|回应|环节|工作进程|听到的|重做|已超时",
}


@pytest.mark.parametrize("language", OTHER_WORDS)
def test_no_text_has_a_word_that_the_glossary_does_not_use(language):
    texts = [form for section in load(language).values() for entry in section.values() for form in forms(entry)]
    texts += [pair[language == "zh"] for pair in STRINGS.values()]
    assert [text for text in texts if re.search(OTHER_WORDS[language], text, re.IGNORECASE)] == []


def test_no_chinese_text_has_a_space_before_a_duration():
    """Intl writes 7天 and 12秒, without a space around it."""
    texts = [form for entry in load("zh")["strings"].values() for form in forms(entry)]
    assert [text for text in texts if re.search(r"(?<!更新于) \{time\}|\{time\} ", text)] == []
