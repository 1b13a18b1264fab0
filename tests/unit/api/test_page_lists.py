"""Lists that the pages share with the server: both have the same entries. Needs no browser: it reads the scripts."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from pipeline.homework import roster, student_ids
from pipeline.homework.encodings import SURNAMES
from pipeline.homework.filenames import RECORDING_ENDING
from pipeline.jobs.job import MAX_TRIES
from pipeline.jobs.results import CHECKED_VERDICTS, Verdict
from pipeline.learners.right_uses import RULES

STATIC = Path(__file__).parents[3] / "api" / "static"
ROSTER = (STATIC / "homework" / "roster.js").read_text(encoding="utf-8")
BATCH_FILES = (STATIC / "batch" / "files.js").read_text(encoding="utf-8")
VERDICTS_SCRIPT = (STATIC / "feedback" / "verdicts.js").read_text(encoding="utf-8")
ICON = re.compile(r"<symbol id=\"([\w-]+)\"")
USED_ICON = re.compile(r"[iI]con\((?:\w+, )?\"([\w-]+)\"\)")
STORED_NAME = re.compile(r"stored\.(?:get|set)\((?:\"([\w-]+)\"|(\w+))")


def read_strings(script: str, name: str) -> str:
    """All strings in the definition of a constant, joined."""
    definition = re.search(rf"const {name} = (.*?);", script, re.DOTALL)
    assert definition, name
    return "\n".join(re.findall(r'"([^"]*)"', definition[1]))


def read_number(name: str) -> int:
    definition = re.search(rf"const {name} = (\d+);", ROSTER)
    assert definition, name
    return int(definition[1])


def test_every_icon_that_a_script_shows_exists():
    icons = set(ICON.findall((STATIC / "img" / "icons.svg").read_text(encoding="utf-8")))
    scripts = [path.read_text(encoding="utf-8") for path in STATIC.rglob("*.js")]
    used_icons = {name for script in scripts for name in USED_ICON.findall(script)}
    assert len(used_icons) > 5
    assert used_icons <= icons


def test_every_verdict_has_a_symbol_of_its_own_on_the_pages():
    icons = set(ICON.findall((STATIC / "img" / "icons.svg").read_text(encoding="utf-8")))
    definition = re.search(r"const SYMBOLS = \{(.*?)\};", VERDICTS_SCRIPT, re.DOTALL)
    assert definition
    symbols = dict(re.findall(r'(\w+): "(\w+)"', definition[1]))
    assert set(symbols) == set(get_args(Verdict))
    assert len(set(symbols.values())) == len(symbols)
    assert set(symbols.values()) <= icons


def test_the_pages_count_the_same_verdicts_as_checked():
    assert (
        set(re.findall(r'"(\w+)"', VERDICTS_SCRIPT.split("CHECKED_VERDICTS = ")[1].split(";")[0])) == CHECKED_VERDICTS
    )


def test_the_pages_know_the_same_signs_that_a_spreadsheet_changed_an_id():
    names = ("EXACT_DIGITS", "MIN_LOST_DIGITS", "MIN_NUMBER_DIGITS", "MIN_CERTAIN_DIGITS", "MAX_RANGE_RATIO")
    for name in names:
        assert read_number(name) == getattr(student_ids, name)
    assert read_strings(ROSTER, "MONTHS") == student_ids.MONTHS
    forms = read_template(ROSTER, "CHANGED_ID").replace("\\\\", "\\").replace("${MONTHS}", student_ids.MONTHS)
    assert forms == student_ids.CHANGED_ID.pattern


def read_template(script: str, name: str) -> str:
    """The strings and templates in the list that defines a pattern, as alternatives."""
    definition = re.search(rf"const {name} = new RegExp\(\s*\[(.*?)\n  \]", script, re.DOTALL)
    assert definition, name
    return "|".join(quoted or template for quoted, template in re.findall(r'"([^"]*)"|`([^`]*)`', definition[1]))


def test_the_pages_know_the_same_family_names():
    assert set(read_strings(ROSTER, "SURNAMES").replace("\n", "")) == SURNAMES


@pytest.mark.parametrize(("name", "titles"), [("NAME_TITLES", roster.NAME_TITLES), ("NUMBER_TITLES", roster.ID_TITLES)])
def test_the_pages_know_the_same_titles_of_columns(name, titles):
    assert set(read_strings(ROSTER, name).split()) == set(titles)


@pytest.mark.parametrize(
    ("name", "entries"), [("CANVAS_TITLES", roster.CANVAS_TITLES), ("CANVAS_ROWS", roster.CANVAS_ROWS)]
)
def test_the_pages_know_the_same_marks_of_a_list_from_canvas(name, entries):
    assert set(read_strings(ROSTER, name).splitlines()) == set(filter(None, entries))


def test_the_pages_know_the_same_endings_of_recordings():
    assert f"const AUDIO_FILE = /{RECORDING_ENDING.pattern}/i;" in " ".join(BATCH_FILES.split())


def test_all_that_the_pages_store_is_removed_at_a_logout():
    removed = set(read_strings((STATIC / "shared" / "address.js").read_text(encoding="utf-8"), "STORED").splitlines())
    used = set()
    for path in STATIC.rglob("*.js"):
        script = path.read_text(encoding="utf-8")
        for name, constant in STORED_NAME.findall(script):
            used.add(name or read_strings(script, constant))
    assert used == removed


def test_the_page_offers_a_sentence_as_often_as_the_server_accepts_it():
    script = (STATIC / "talk" / "practice" / "practice.js").read_text(encoding="utf-8")
    assert re.findall(r"const MAX_TRIES = (\d+);", script) == [str(MAX_TRIES)]


def test_the_pages_have_a_name_for_every_sort_of_mistake():
    script = (STATIC / "feedback" / "kinds.js").read_text(encoding="utf-8")
    sorts = set(re.findall(r'"([A-Z]+(?::[A-Z]+)?)"', script.split("const SORTS")[1]))
    assert sorts >= {kind.partition(":")[2] for kind in RULES}
    for language in ("en", "zh"):
        strings = json.loads((STATIC / "i18n" / f"{language}.json").read_text(encoding="utf-8"))["strings"]
        names = {key.removeprefix("kind_") for key in strings if key.startswith("kind_")}
        assert names == {sort.replace(":", "_") for sort in sorts} | {"OTHER", "missing", "unnecessary"}
