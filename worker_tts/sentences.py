"""An answer, cut into sentences for a voice and put together again as one sound."""

import re

import numpy as np

from pipeline.audio.decode import Sound

LONGEST = 240  # characters of one sentence, about 16 s of speech; beyond, a voice's time grows faster than the text
FADE_S = 0.005  # seconds; less is heard as a click, more takes the edge off a consonant

CLOSERS = "\"'”’)\\]»」』）】》"
END = re.compile(rf"[.!?…]+[{CLOSERS}]*(?=\s)|[。！？]+[{CLOSERS}]*|\n+")
CLAUSE = re.compile(r"(?<=[,;:—])(?=\s)|(?<=[，；：、])")
SPACE = re.compile(r"(?=\s)")
NAMES_FOLLOW = re.compile(r"(?:mr|mrs|ms|dr|prof|st|vs|e\.g|i\.e|cf|approx|fig)", re.IGNORECASE)


def split(text: str, longest: int = LONGEST) -> list[str]:
    """The text's sentences, in English or Chinese punctuation, none empty, none over `longest` characters."""
    sentences, start = [], 0
    for end in END.finditer(text):
        if not goes_on(text, end):
            sentences.append(text[start : end.end()])
            start = end.end()
    sentences.append(text[start:])
    return [piece for sentence in sentences for piece in cut(sentence.strip(), longest) if piece]


def goes_on(text: str, end: re.Match[str]) -> bool:
    """Whether the sentence goes on after these dots: after an abbreviation, or before a small letter."""
    if end[0][0] not in ".…":
        return False
    before = text[max(0, end.start() - 16) : end.start()].split()
    word = before[-1].lstrip("\"'“‘(") if before else ""
    after = text[end.end() :].lstrip()[:1]
    initial = len(word) == 1 and word.isupper()
    number = word.lower() == "no" and after.isdigit()
    return after.islower() or initial or number or NAMES_FOLLOW.fullmatch(word) is not None


def cut(sentence: str, longest: int) -> list[str]:
    """The sentence in pieces of at most `longest` characters, cut at clauses, else words, else anywhere."""
    pieces = []
    while len(sentence) > longest:
        at = last(CLAUSE, sentence, longest) or last(SPACE, sentence, longest) or longest
        pieces.append(sentence[:at].strip())
        sentence = sentence[at:].strip()
    return [*pieces, sentence]


def last(place: re.Pattern[str], sentence: str, longest: int) -> int:
    """The last such place that leaves a piece of at least a quarter of `longest`; 0 if there is none."""
    return max((match.start() for match in place.finditer(sentence, longest // 4, longest + 1)), default=0)


def join(sounds: list[Sound], pause_s: float) -> Sound:
    """The sounds, at least one and all at one rate, with `pause_s` seconds of silence between them."""
    (rate,) = {sound.rate for sound in sounds}
    silence = np.zeros(round(pause_s * rate), np.float32)
    parts = [part for sound in sounds for part in (silence, faded(sound))]
    return Sound(np.concatenate(parts[1:]), rate)


def faded(sound: Sound) -> np.ndarray:
    """The samples, rising from silence at their start and falling to it at their end."""
    length = min(round(FADE_S * sound.rate), len(sound.samples) // 2)
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    level = np.concatenate([ramp, np.ones(len(sound.samples) - 2 * length, np.float32), ramp[::-1]])
    return np.asarray(sound.samples * level, np.float32)
