"""Sentences become phonemes: Chinese by its syllables, English words as they are given."""

import pytest

from worker_tts.kokoro.phonemes import FINALS, INITIALS, has_chinese, say_number, say_syllable, to_phonemes
from worker_tts.kokoro.pinyin import PinyinReader

READER = PinyinReader({}, {"说": "shuo1", "词": "ci2", "十": "shi2", "二": "er4", "好": "hao3"})


def read_english(text):
    return f"<{text}>"


@pytest.mark.parametrize(
    ("syllable", "phonemes"),
    [
        ("hao3", "xau↓"),
        ("zhi1", "ꭧɨ→"),  # i after zh is not a vowel
        ("ci2", "ʦʰɨ↗"),
        ("ji4", "ʨi↘"),
        ("yi1", "i→"),
        ("you3", "jou↓"),
        ("wu4", "u↘"),
        ("wei2", "wei↗"),
        ("yue4", "ɥe↘"),
        ("juan4", "ʨɥɛ↘n"),
        ("xun4", "ɕy↘n"),
        ("lun2", "lwə↗n"),
        ("nv3", "ny↓"),
        ("liu2", "ljou↗"),
        ("er2", "ɚ↗"),
        ("de5", "tɤ"),
        ("ng2", "ŋ↗"),
        ("shuang1", "ʂwa→ŋ"),
        ("xyz1", ""),
        ("b3", ""),
    ],
)
def test_a_syllable_is_written_in_phonemes_with_its_tone(syllable, phonemes):
    assert say_syllable(syllable) == phonemes


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("说 went，好！", "ʂwo→ <went>, xau↓!"),
        ("词 → 说 I am 。", "ʦʰɨ↗, ʂwo→ <I am>."),
        ("12 词", "ʂɨ↗ɚ↘ ʦʰɨ↗".replace(" ", "")),
        ("“说”", "ʂwo→"),
        ("，。", ""),
        ("", ""),
        ("went 12", "<went 12>"),
    ],
)
def test_chinese_and_english_stand_in_one_line(text, phonemes):
    assert to_phonemes(text, READER, read_english) == phonemes


@pytest.mark.parametrize(
    ("digits", "spoken"),
    [
        ("0", "零"),
        ("10", "十"),
        ("12", "十二"),
        ("20", "二十"),
        ("305", "三百零五"),
        ("1001", "一千零一"),
        ("2024", "二千零二十四"),
        ("007", "零零七"),
        ("13800", "一三八零零"),
    ],
)
def test_a_number_is_said_in_chinese(digits, spoken):
    assert say_number(digits) == spoken


@pytest.mark.parametrize(("text", "expected"), [("说 go", True), ("Say go.", False), ("，。", False), ("", False)])
def test_chinese_is_known_by_its_characters(text, expected):
    assert has_chinese(text) is expected


def test_every_phoneme_is_one_of_the_models():
    from worker_tts.kokoro.engine import load_english

    ids, read = load_english()
    assert set("".join([*INITIALS.values(), *FINALS.values(), "ɨ→↗↓↘"])) - {"0"} <= set(ids)
    assert set(read("She went home.")) <= {*ids, " "}
