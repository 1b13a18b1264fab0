"""Words as they sound: a recogniser decides how a word is spelt, and no speaker can be blamed for it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from pipeline.words.edits import QUOTES, SHORT_FORMS, WORD
from pipeline.words.numerals import readings

SOUND_THE_SAME = """
to too two, there their theyre, your youre, sea see, right write, know no, knew new, hear here, buy by bye, for four,
ate eight, son sun, one won, our hour, road rode, meet meat, week weak, red read, blue blew, nose knows, be bee, eye i,
pair pear, piece peace, plain plane, tail tale, hair hare, deer dear, flower flour, mail male, made maid, night knight,
threw through, wait weight, waist waste, whole hole, wood would, which witch, whether weather, allowed aloud, bare bear,
board bored, break brake, cell sell, cent sent scent, fair fare, feet feat, great grate, heel heal, in inn, knot not,
passed past, rain reign, sale sail, scene seen, some sum, stair stare, steal steel, toe tow, way weigh, whos whose,
where wear, ok okay, mr mister, dr doctor, alright allright, mum mom, grey gray,
colour color, favourite favorite, neighbour neighbor, centre center, theatre theater, metre meter, litre liter,
programme program, realise realize, recognise recognize, organise organize, apologise apologize, pyjamas pajamas,
travelling traveling, traveller traveler, cosy cozy, plough plow, aeroplane airplane, tyre tire, jewellery jewelry
"""
ALIKE = {each: family.split()[0] for family in SOUND_THE_SAME.split(",") for each in family.split()}
SHORT = [(re.compile(f"{short}$"), full) for short, full in (SHORT_FORMS | {"cannot": "can not"}).items()]
HYPHENS = re.compile(r"[‐-―/&+_~-]+")
INITIALS = re.compile(r"(?:[a-z]\.)+[a-z]?")
AROUND = re.compile(r"^[^\w$£€]+|[^\w%]+$")
NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Sounds:
    """A sentence's `words` as they are written; its `sounds`, which are compared, and the word that `owns` each."""

    words: tuple[str, ...]
    sounds: tuple[str, ...]
    owns: tuple[int, ...]

    @classmethod
    def of(cls, text: str, other: str) -> Self:
        """Numbers are read as `other` has them, if it does."""
        words = WORD.findall(text)
        beside = f" {' '.join(_plain(word) for word in WORD.findall(HYPHENS.sub(' ', other)))} "
        found = [(sound, number) for number, word in enumerate(words) for sound in _sounds(word, beside)]
        return cls(tuple(words), tuple(sound for sound, _ in found), tuple(number for _, number in found))

    @property
    def joined(self) -> str:
        """All sounds in one, since compounds are written together or apart."""
        return NO_LETTER.sub("", "".join(self.sounds))

    def starts(self, sound: int) -> bool:
        """Whether a word starts with this sound, or all words end before it."""
        return not 0 < sound < len(self.owns) or self.owns[sound] != self.owns[sound - 1]

    def word(self, sound: int) -> int:
        """The place of the word that starts with this sound; what has no sound belongs to the word before it."""
        if 0 < sound == len(self.owns):
            return len(self.words)
        return self.owns[sound] if sound else 0


def _sounds(word: str, beside: str) -> Iterator[str]:
    """What is heard of a word: "I'm" is "i am", "21" is "twenty one"."""
    for part in HYPHENS.split(_plain(word)):
        ways = readings(AROUND.sub("", part))
        spoken = next((way for way in ways if f" {way} " in beside), ways[0])
        for each in spoken.split():
            yield from (ALIKE.get(sound, sound) for sound in _written_out(each).split())


def _written_out(word: str) -> str:
    for short, full in SHORT:
        word = short.sub(full, word)
    return word


def _plain(word: str) -> str:
    word = AROUND.sub("", word.translate(QUOTES).casefold())
    return word.replace(".", "") if INITIALS.fullmatch(word) else word


def bare(text: str) -> list[str]:
    """The sounds of the words without their apostrophes: "they're" is like "there"."""
    words = (NO_LETTER.sub("", word) for word in text.casefold().split())
    return [ALIKE.get(word, word) for word in words]
