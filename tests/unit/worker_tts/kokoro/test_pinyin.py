"""Chinese characters are read as syllables with their tones."""

import json

import pytest

from pipeline.errors import ModelDamaged
from worker_tts.kokoro.pinyin import PinyinReader, change_tones, to_numbered

PHRASES = {"银行": [["yín"], ["háng"]], "什么": [["shén"], ["me"]], "一丁不识字了也还是能说": [["yī"]] * 11}
CHARACTERS = {"行": "xíng,háng", "很": "hěn", "好": "hǎo", "我": "wǒ", "女": "nǚ", "不": "bù", "一": "yī", "第": "dì"}


@pytest.fixture
def reader(tmp_path):
    (tmp_path / "phrases_dict.json").write_text(json.dumps(PHRASES), encoding="utf-8")
    by_code = {str(ord(character)): readings for character, readings in CHARACTERS.items()}
    (tmp_path / "pinyin_dict.json").write_text(json.dumps(by_code), encoding="utf-8")
    return PinyinReader.from_folder(tmp_path)


@pytest.mark.parametrize(
    ("marked", "numbered"),
    [("hǎo", "hao3"), ("mā", "ma1"), ("lǜ", "lv4"), ("nü", "nv5"), ("de", "de5"), ("ér", "er2"), ("ê̄", "ê1")],
)
def test_a_marked_syllable_becomes_letters_and_a_number(marked, numbered):
    assert to_numbered(marked) == numbered


@pytest.mark.parametrize(
    ("text", "syllables"),
    [
        ("行", "xing2"),
        ("银行", "yin2 hang2"),  # a phrase before its characters
        ("我银行行", "wo3 yin2 hang2 xing2"),
        ("什么", "shen2 me5"),
        ("女", "nv3"),
        ("得到", "de2 dao4"),  # a reading of our own
        ("得", "de5"),
        ("龘好", "hao3"),  # a character that no dictionary has
        ("", ""),
    ],
)
def test_phrases_are_read_before_characters(reader, text, syllables):
    assert reader.read(text) == syllables.split()


@pytest.mark.parametrize(
    ("characters", "syllables", "spoken"),
    [
        ("你好", "ni3 hao3", "ni2 hao3"),
        ("我很好", "wo3 hen3 hao3", "wo2 hen2 hao3"),
        ("不要", "bu4 yao4", "bu2 yao4"),
        ("不说", "bu4 shuo1", "bu4 shuo1"),
        ("不", "bu4", "bu4"),
        ("一个", "yi1 ge4", "yi2 ge4"),
        ("一天", "yi1 tian1", "yi4 tian1"),
        ("第一天", "di4 yi1 tian1", "di4 yi1 tian1"),
        ("一", "yi1", "yi1"),
    ],
)
def test_tones_change_before_others(characters, syllables, spoken):
    assert change_tones(characters, syllables.split()) == spoken.split()


@pytest.mark.parametrize("content", ["[1, 2]", "{", '{"x": []}', '{"a": 3}'])
def test_dictionaries_of_another_form_are_damaged(tmp_path, content):
    (tmp_path / "phrases_dict.json").write_text("{}")
    (tmp_path / "pinyin_dict.json").write_text(content)
    with pytest.raises(ModelDamaged, match="its dictionaries cannot be read"):
        PinyinReader.from_folder(tmp_path)
