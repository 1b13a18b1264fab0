"""An answer is split into sentences for an engine, and their waveforms are joined again."""

import re

import numpy as np

from pipeline.audio.decode import Waveform

MAX_SENTENCE_CHARS = 240  # about 16 s of speech; beyond, an engine's time grows faster than the text
FADE_S = 0.005  # seconds; less is audible as a click, more takes the edge off a consonant

CLOSING_MARKS = "\"'”’)\\]»」』）】》"
SENTENCE_END = re.compile(rf"[.!?…]+[{CLOSING_MARKS}]*(?=\s)|[。！？]+[{CLOSING_MARKS}]*|\n+")
CLAUSE_END = re.compile(r"(?<=[,;:—])(?=\s)|(?<=[，；：、])")
WORD_END = re.compile(r"(?=\s)")
WORD_BEFORE_NUMBER = re.compile(
    r"no|nos|pp?|vol|ch|ed|ext|tel|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec", re.IGNORECASE
)
ABBREVIATION = re.compile(r"(?:mr|mrs|ms|dr|prof|st|vs|e\.g|i\.e|cf|approx|fig)", re.IGNORECASE)


def split_sentences(text: str) -> list[str]:
    """The text's sentences, in English or Chinese punctuation, none empty, none over MAX_SENTENCE_CHARS."""
    sentences, start = [], 0
    for end in SENTENCE_END.finditer(text):
        if not is_within_sentence(text, end):
            sentences.append(text[start : end.end()])
            start = end.end()
    sentences.append(text[start:])
    return [piece for sentence in sentences for piece in split_long(sentence.strip(), MAX_SENTENCE_CHARS) if piece]


def is_within_sentence(text: str, end: re.Match[str]) -> bool:
    """Whether the sentence continues after these dots: after an abbreviation, or before a lowercase letter."""
    if end[0][0] not in ".…":
        return False
    before = text[max(0, end.start() - 16) : end.start()].split()
    word = before[-1].lstrip("\"'“‘(") if before else ""
    after = text[end.end() :].lstrip()[:1]
    is_initial = len(word) == 1 and word.isupper()
    is_number = WORD_BEFORE_NUMBER.fullmatch(word) is not None and after.isdigit()
    return after.islower() or is_initial or is_number or ABBREVIATION.fullmatch(word) is not None


def split_long(text: str, max_chars: int) -> list[str]:
    """The text in pieces of at most `max_chars` characters, split after clauses, else words, else anywhere."""
    pieces = []
    while len(text) > max_chars:
        end = find_last_end(CLAUSE_END, text, max_chars) or find_last_end(WORD_END, text, max_chars) or max_chars
        pieces.append(text[:end].strip())
        text = text[end:].strip()
    return [*pieces, text]


def find_last_end(pattern: re.Pattern[str], text: str, max_chars: int) -> int:
    """The last match that leaves a piece of at least a quarter of `max_chars`; 0 if there is none."""
    return max((match.start() for match in pattern.finditer(text, max_chars // 4, max_chars + 1)), default=0)


def join_waveforms(waveforms: list[Waveform], pause_s: float) -> Waveform:
    """The waveforms, at least one and all at one rate, with `pause_s` seconds of silence between them."""
    (rate,) = {waveform.rate for waveform in waveforms}
    silence = np.zeros(round(pause_s * rate), np.float32)
    parts = [part for waveform in waveforms for part in (silence, fade(waveform))]
    return Waveform(np.concatenate(parts[1:]), rate)


def fade(waveform: Waveform, fade_s: float = FADE_S) -> np.ndarray:
    """The samples, faded in from silence at the start and out to silence at the end, each in `fade_s` seconds."""
    length = min(round(fade_s * waveform.rate), len(waveform.samples) // 2)
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    gain = np.concatenate([ramp, np.ones(len(waveform.samples) - 2 * length, np.float32), ramp[::-1]])
    return np.asarray(waveform.samples * gain, np.float32)
