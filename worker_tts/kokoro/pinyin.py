"""Chinese characters to syllables in pinyin, by a dictionary of phrases and one of characters.

A syllable is its letters without marks, with v for ü, and its tone from 1 to 5: "hao3", "nv3", "de5".
"""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ModelDamaged

MARKS = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0300": "4"}  # combining macron, acute, caron, grave
NO_MARK = "5"
MAX_PHRASE_CHARS = 8
# Where the dictionaries give another reading than the one that lessons need; characters stand alone.
OWN_READINGS = {
    "得": "de5",
    "地": "di4",
    "着": "zhe5",
    "了": "le5",
    "们": "men5",
    "得到": "de2 dao4",
    "觉得": "jue2 de5",
    "时候": "shi2 hou5",
    "名字": "ming2 zi5",
    "句子": "ju4 zi5",
    "东西": "dong1 xi5",
    "地方": "di4 fang5",
    "着急": "zhao2 ji2",
    "了解": "liao3 jie3",
}
YI, BU = "一", "不"


@dataclass(frozen=True)
class PinyinReader:
    """Reads Chinese characters; `phrases` and `characters` map them to syllables, separated by spaces."""

    phrases: dict[str, str]
    characters: dict[str, str]

    @classmethod
    def from_folder(cls, folder: Path) -> "PinyinReader":
        """From `phrases_dict.json` and `pinyin_dict.json` of the package pypinyin. Raises ModelDamaged."""
        try:
            phrases = json.loads((folder / "phrases_dict.json").read_text(encoding="utf-8"))
            characters = json.loads((folder / "pinyin_dict.json").read_text(encoding="utf-8"))
            return cls(
                {
                    phrase: " ".join(to_numbered(readings[0]) for readings in all_readings)
                    for phrase, all_readings in phrases.items()
                    if len(phrase) <= MAX_PHRASE_CHARS
                },
                {chr(int(code)): to_numbered(readings.split(",")[0]) for code, readings in characters.items()},
            )
        except (ValueError, KeyError, IndexError, AttributeError) as error:
            raise ModelDamaged(f"{folder} is damaged: its dictionaries cannot be read") from error

    def read(self, text: str) -> list[str]:
        """The syllables of Chinese characters, as they are spoken together; a character without a reading has none."""
        pairs = [
            (character, syllable)
            for phrase, syllables in self._divide(text)
            for character, syllable in zip(phrase, syllables, strict=True)
        ]
        return change_tones("".join(each for each, _ in pairs), [syllable for _, syllable in pairs])

    def _divide(self, text: str) -> Iterator[tuple[str, list[str]]]:
        """The longest phrases that the dictionaries have, from the left, with their syllables."""
        start = 0
        while start < len(text):
            for end in range(min(len(text), start + MAX_PHRASE_CHARS), start, -1):
                phrase = text[start:end]
                syllables = (OWN_READINGS.get(phrase) or self.phrases.get(phrase, "")).split()
                if len(phrase) == 1:
                    syllables = syllables or self.characters.get(phrase, "").split()
                if len(syllables) == len(phrase):
                    yield phrase, syllables
                    break
            start = end


def to_numbered(marked: str) -> str:
    """`hǎo` as `hao3`, `lǜ` as `lv4`, `de` as `de5`."""
    letters: list[str] = []
    tone = NO_MARK
    for char in unicodedata.normalize("NFD", marked):
        if char in MARKS:
            tone = MARKS[char]
        elif char == "\u0308" and letters[-1:] == ["u"]:
            letters[-1] = "v"
        else:
            letters.append(char)
    return unicodedata.normalize("NFC", "".join(letters)) + tone


def change_tones(characters: str, syllables: list[str]) -> list[str]:
    """Tones that change before others: 3 before 3 is 2; 不 before 4 is 2; 一 before 4 is 2, before 1 to 3 is 4."""
    results = list(syllables)
    for place, (character, syllable) in enumerate(zip(characters, syllables, strict=True)):
        following = syllables[place + 1][-1] if place + 1 < len(syllables) else ""
        is_ordinal = characters[:place].endswith("第")
        if character == BU and following:
            results[place] = "bu2" if following == "4" else "bu4"
        elif character == YI and following and not is_ordinal:
            results[place] = "yi2" if following in "45" else "yi4"
        elif syllable[-1] == "3" == following:
            results[place] = syllable[:-1] + "2"
    return results
