import re

import pytest

from pipeline import personas
from pipeline.errors import ConfigurationError, UnknownPersona
from pipeline.settings import Settings

FOLDER = Settings().personas
QUOTED = re.compile(r'"[^"]+[.?]" .+\?')


def test_both_default_personas_exist():
    assert personas.list_names(FOLDER) == ["emma", "william"]


@pytest.mark.parametrize("name", personas.list_names(FOLDER))
def test_a_persona_is_complete(name):
    persona = personas.load(name, FOLDER)
    assert persona.name == name
    assert persona.display["en"]
    assert persona.display["zh"]
    assert {"重新开始", "重新開始", "从头开始", "start over", "let's start over"} <= set(persona.starting_over)
    assert len(persona.examples) == 5


@pytest.mark.parametrize("name", personas.list_names(FOLDER))
def test_every_example_shows_the_form_of_an_answer(name):
    for example in personas.load(name, FOLDER).examples:
        assert QUOTED.fullmatch(example.teacher)


@pytest.mark.parametrize(
    "name", ["", "nobody", "../personas/william", "william.toml", "/etc/passwd", "WILLIAM", "a\0b"]
)
def test_an_unknown_name_lists_the_known_ones(name):
    with pytest.raises(UnknownPersona, match="expected one of emma, william"):
        personas.load(name, FOLDER)


def test_a_file_outside_the_folder_is_never_read(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.toml").write_text("")
    with pytest.raises(UnknownPersona):
        personas.load("../secret", inside)


def william_with(tmp_path, old, new):
    text = (FOLDER / "william.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "willa.toml").write_text(text.replace(old, new), encoding="utf-8")
    return tmp_path


def test_a_new_file_is_a_new_persona(tmp_path):
    assert personas.load("willa", william_with(tmp_path, "Well said!", "Fine!")).praise == "Fine!"


def test_the_hint_words_of_a_persona_are_optional(tmp_path):
    assert personas.load("william", FOLDER).hint == ""
    named = william_with(tmp_path, "remarks = false", 'remarks = false\nhint = "Zyxelia"')
    assert personas.load("willa", named).hint == "Zyxelia"


def test_answers_about_the_teacher_are_optional(tmp_path):
    text = (FOLDER / "william.toml").read_text(encoding="utf-8")
    start, end = text.index("[answers]"), text.index("[[examples]]")
    (tmp_path / "willa.toml").write_text(text[:start] + text[end:], encoding="utf-8")
    assert personas.load("willa", tmp_path).answers == {}
    assert personas.load("william", FOLDER).answers["name"] == "My name is William."


def test_the_translations_of_a_greeting_are_optional(tmp_path):
    assert personas.load("william", FOLDER).greetings["zh"].startswith("你好")
    text = (FOLDER / "william.toml").read_text(encoding="utf-8")
    before, _, rest = text.partition("[greetings]")
    (tmp_path / "willa.toml").write_text(before + rest[rest.index("\n[") :], encoding="utf-8")
    assert personas.load("willa", tmp_path).greetings == {}


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('praise = "Well said!"', "", "praise"),
        ('praise = "Well said!"', "praise = 3", "praise"),
        ("remarks = false", 'remarks = "no"', "remarks"),
        ("remarks = false", "remarks = false\nhint = 3", "hint"),
        ('explained_in = "page"', 'explained_in = "fr"', "explained_in"),
        ("remarks = false", f'remarks = false\nhint = "{"x" * 201}"', "hint"),
        ('languages = ["en", "zh"]', "languages = [1]", "languages"),
        ('languages = ["en", "zh"]', "languages = []", "languages"),
        ('zh = "威廉学院的外教威廉"', "zh = 1", "display"),
        ('name = "My name is William."', "name = 3", "answers"),
        ('name = "My name is William."', 'name = ""', "answers"),
        ('name = "My name is William."', 'shoes = "Brown."', "answers"),
        ("[greetings]", "[greetings]\nfr = 1", "greetings"),
        ('learner = "a big tree"', "", "examples"),
        ('learner = "a big tree"', 'learner = ""', "examples"),
    ],
)
def test_a_bad_field_is_named_with_its_file(tmp_path, old, new, field):
    with pytest.raises(ConfigurationError, match=rf"willa\.toml: .*`{field}`"):
        personas.load("willa", william_with(tmp_path, old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('praise = "Well said!"', 'prase = "Well said!"', "`prase` is unknown; perhaps `praise` is meant"),
        ("remarks = false", "remarks = false\nvoice = 1", "`voice` is unknown; perhaps `voices` is meant"),
        ("remarks = false", "remarks = false\nxyz = 1", "`xyz` is unknown; known are display, about,"),
    ],
)
def test_an_unknown_field_is_named_with_the_one_that_is_probably_meant(tmp_path, old, new, message):
    with pytest.raises(ConfigurationError, match=rf"willa\.toml: {message}"):
        personas.load("willa", william_with(tmp_path, old, new))


def test_a_file_that_is_not_toml_is_named(tmp_path):
    (tmp_path / "broken.toml").write_text("= what")
    with pytest.raises(ConfigurationError, match=r"broken\.toml is not TOML"):
        personas.load("broken", tmp_path)


def test_voices_are_one_name_or_several_in_order_of_preference(tmp_path):
    assert personas.load("emma", FOLDER).voices == {"en": ("en_speaker_9", "heart"), "zh": ("zf_xiaobei",)}
    assert personas.load("william", FOLDER).voices == {"en": ("en_speaker_6", "heart-low"), "zh": ("zm_yunxi",)}
    one_name = william_with(tmp_path, '["en_speaker_6", "heart-low"]', '"heart"')
    assert personas.load("willa", one_name).voices["en"] == ("heart",)


@pytest.mark.parametrize("voices", ["3", "[3]", '[""]', '{ name = "heart" }'])
def test_voices_of_a_wrong_type_are_named(tmp_path, voices):
    with pytest.raises(ConfigurationError, match="`voices` must map each language"):
        personas.load("willa", william_with(tmp_path, '["en_speaker_6", "heart-low"]', voices))
