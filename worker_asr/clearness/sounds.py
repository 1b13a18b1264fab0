"""The sounds of English words: for each word of a text the ways in which it may be said."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pipeline.text.alignment import OUTER_PUNCTUATION
from pipeline.text.corrections import WORD
from worker_asr.clearness.dictionary import load_dictionary

VOWELS = ("æ", "ɑ", "ɔ", "ʌ", "ə", "ɜ", "ɛ", "ɪ", "i", "ʊ", "u", "eɪ", "aɪ", "aʊ", "ɔɪ", "oʊ")
SOUNDS = (*VOWELS, *"bdfɡhjklmnŋpɹsʃt", "tʃ", *"θðvwzʒ", "dʒ")
# hibari writes each sound as one sign; British vowels count as the American ones in their place
SOUND_OF_SIGN = {sound: sound for sound in SOUNDS if len(sound) == 1}
SOUND_OF_SIGN |= {"A": "eɪ", "I": "aɪ", "W": "aʊ", "Y": "ɔɪ", "O": "oʊ", "Q": "oʊ", "ʤ": "dʒ", "ʧ": "tʃ"}
SOUND_OF_SIGN |= {"ᵊ": "ə", "ᵻ": "ɪ", "ɐ": "ə", "a": "æ", "ɒ": "ɑ", "e": "ɛ", "ɾ": "t", "T": "t", "ʔ": "t"}
SOUND_OF_SIGN |= {"g": "ɡ", "r": "ɹ"}
UNKNOWN = ("ə",)  # of a word that cannot be read, such as one in Chinese characters
MAX_WAYS = 6  # of one word that are compared

Sounds = tuple[str, ...]


def split_words(text: str) -> list[str]:
    """The words of a text without the punctuation around them. A text in capitals is lowered."""
    words = [word for part in WORD.findall(text) if (word := OUTER_PUNCTUATION.sub("", part))]
    letters = "".join(words)
    return lower(words) if len(letters) > 1 and letters.isupper() else words


def lower(words: list[str]) -> list[str]:
    """Words in capitals as in a sentence, since Whisper finds capitals improbable."""
    lowered = ["I" if word == "I" else word.lower() for word in words]
    return [lowered[0].capitalize(), *lowered[1:]]


class Reader:
    """Finds out how words are said, by hibari's dictionary and rules. The first one loads these: a second and 26 MB."""

    def __init__(self) -> None:
        self.g2p = load_dictionary()
        self.read_word = lru_cache(maxsize=4096)(self._read_word)

    def read(self, words: list[str]) -> list[list[Sounds]]:
        """For each word the ways to say it, at least one: alone, within the sentence, and without the American r."""
        in_sentence = self.read_joined(words)
        alone = [self.read_word(word) for word in words]
        return [list(dict.fromkeys(expand(pair)))[:MAX_WAYS] for pair in zip(in_sentence or alone, alone, strict=True)]

    def read_joined(self, words: list[str]) -> list[Sounds]:
        """The words as they are said in this sentence; nothing when it is read as more or fewer words."""
        tokens = self.g2p.phonemize_tokens(self.g2p.tokenize(" ".join(words)))
        readings = [sounds for part in split_at_spaces(tokens) if (sounds := to_sounds(part))]
        return readings if len(readings) == len(words) else []

    def _read_word(self, word: str) -> Sounds:
        return to_sounds(self.g2p(word)) or UNKNOWN


def split_at_spaces(tokens: list[Any]) -> list[str]:
    parts = [""]
    for token in tokens:
        parts[-1] += token.phonemes or ""
        if token.whitespace:
            parts.append("")
    return parts


def to_sounds(signs: str) -> Sounds:
    """Sounds of hibari's signs. Stress and length are left out; a vowel coloured by r is one sound."""
    signs = signs.replace("ɜɹ", "ɜ").replace("əɹ", "ɜ")
    return tuple(SOUND_OF_SIGN[sign] for sign in signs if sign in SOUND_OF_SIGN)


def expand(ways: tuple[Sounds, ...]) -> Iterator[Sounds]:
    """The ways, and each without the r that British speakers leave out."""
    for sounds in ways:
        yield sounds
        yield without_r(sounds)


def without_r(sounds: Sounds) -> Sounds:
    following = (*sounds[1:], "")
    remaining = [
        "ə" if sound == "ɜ" and number == len(sounds) - 1 else sound
        for number, (sound, after) in enumerate(zip(sounds, following, strict=True))
        if sound != "ɹ" or after in VOWELS or number == 0 or sounds[number - 1] not in VOWELS
    ]
    return tuple(remaining)
