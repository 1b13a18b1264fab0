"""Every page says everything in both languages, and knows every error of the API."""

import re

from conftest import ROOT

from pipeline import errors

NOT_SAID = {"configuration"}  # it ends a process at its start, before there is a page


def codes() -> set[str]:
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    return {each.code for each in classes if issubclass(each, errors.WaijiaoError)} - NOT_SAID


def words(page, language: str) -> dict:
    return page.evaluate(f"import('/static/words.{language}.js').then(({{words, problems}}) => ({{words, problems}}))")


def test_both_languages_say_the_same_things(visit):
    page = visit()
    en, zh = words(page, "en"), words(page, "zh")
    for kind in ("words", "problems"):
        assert set(en[kind]) == set(zh[kind])
        assert all(en[kind].values())
        assert all(zh[kind].values())
    for key, said in en["words"].items():
        assert set(re.findall(r"\{\w+\}", said)) == set(re.findall(r"\{\w+\}", zh["words"][key])), key


def test_every_error_of_the_api_has_its_words(visit):
    known = set(words(visit(), "en")["problems"])
    assert codes() - known == set()


def test_every_key_that_a_page_asks_for_exists_and_no_other(visit):
    folder = ROOT / "api"
    scripts = [path for path in folder.glob("static/*.js") if not path.name.startswith(("words.", "docs"))]
    written = "\n".join(path.read_text() for path in [*scripts, *folder.glob("templates/*.html")])
    known = set(words(visit(), "en")["words"])
    asked = set(re.findall(r'data-say(?:-\w+)?="([a-z]\w*)"|\bsay\("(\w+)"', written))
    missing = {key for pair in asked for key in pair if key} - known
    assert missing == set()
    unused = {key for key in known if not re.search(rf'["`}}]{re.escape(key)}["`{{]', written)}
    built = tuple(set(re.findall(r"`([a-z_]+_)\$\{", written)))  # such as `state_${job.state}`
    assert {key for key in unused if not key.startswith(built)} == set()
