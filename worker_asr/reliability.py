"""Which of Whisper's segments are reliable: a model that is caught in a loop repeats itself, and one that guesses is
unsure. Whisper's segments and words are those of faster-whisper, with times in seconds."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

MAX_COMPRESSION_RATIO = 2.4  # above which a text repeats itself (Radford et al., 2022, section 4.5)
MIN_AVG_LOGPROB = -1.0  # mean log probability below which a text is tried again (the same)
MAX_ITEMS_PER_S = 6.0  # words, digits or pairs of characters; quick speech has 4
SPARE_ITEMS = 3  # more than that: the times of a few words are rough
MIN_WORD_S = 0.05  # seconds of the briefest word; the words of a loop have no time left
MAX_BRIEF_WORDS = 3  # that are briefer, in a row; times are rough
MAX_REPETITIONS = 4  # of a phrase in a row, above which it is tried again
MAX_LOOP_REPETITIONS = 8  # of one or two words in a row, above which they are a loop
WORD_LOOP = re.compile(r"([^\W\d]{1,8}?)\1{7,}")  # letters that are repeated within a word
MAX_PHRASE_ITEMS = 12  # of a phrase whose repetitions are looked for
LETTERS_WITHOUT_SPACES = (("\u0e00", "\u0eff"), ("\u3040", "\u30ff"), ("\u3400", "\u9fff"), ("\uf900", "\ufaff"))

LANGUAGES_BY_SCRIPT = {  # besides Latin: script, as the names of its letters begin in Unicode -> who writes it
    "CJK": {"zh", "yue", "ja", "ko"},
    "HIRAGANA": {"ja"},
    "KATAKANA": {"ja"},
    "HANGUL": {"ko"},
    "CYRILLIC": {"ru", "uk", "be", "bg", "mk", "sr", "kk", "tg", "mn", "tt", "ba", "az", "uz", "tk", "bs"},
    "ARABIC": {"ar", "fa", "ur", "ps", "sd", "az", "kk", "ha", "ms"},
    "HEBREW": {"he", "yi"},
    "GREEK": {"el"},
    "THAI": {"th"},
}


def group_by_window(segments: Iterable[Any]) -> Iterator[list[Any]]:
    """Whisper's segments, window by window: each window has at least one, even without a word."""
    for _, group in groupby(segments, key=lambda segment: segment.seek):
        yield list(group)


def keep_reliable(segments: Iterable[Any], languages: Collection[str]) -> list[Any]:
    """The segments with words of the windows that are reliable."""
    windows = (window for window in group_by_window(segments) if is_reliable(window, languages))
    return [segment for window in windows for segment in window if segment.words]


def drop_impossible(segments: Iterable[Any], languages: Collection[str]) -> list[Any]:
    """The segments with words of the windows whose words can have been said, however unsure Whisper is."""
    windows = group_by_window(segments)
    possible_windows = (each for each in windows if not is_loop(each) and not has_foreign_script(each, languages))
    return [segment for window in possible_windows for segment in window if segment.words]


def is_reliable(segments: Sequence[Any], languages: Collection[str]) -> bool:
    """Whether some words were recognised, and none of the segments is doubtful."""
    return (
        any(segment.words for segment in segments)
        and not any(is_doubtful(segment) for segment in segments)
        and not is_loop(segments)
        and not has_foreign_script(segments, languages)
        and count_repetitions(list_items(segments)) <= MAX_REPETITIONS
    )


def is_doubtful(segment: Any) -> bool:
    return bool(segment.compression_ratio > MAX_COMPRESSION_RATIO or segment.avg_logprob < MIN_AVG_LOGPROB)


def is_loop(segments: Sequence[Any]) -> bool:
    """Whether the words cannot have been said: too many for their time, many without time, or always the same.

    A learner who says a sentence ten times is repetitive too, but at the speed of speech.
    """
    spoken_words = [word for segment in segments for word in segment.words]
    if not spoken_words:
        return False
    items = list_items(segments)
    count = sum(0.5 if is_without_spaces(item) else 1 for item in items)
    duration_s = spoken_words[-1].end - spoken_words[0].start
    is_too_fast = count > MAX_ITEMS_PER_S * duration_s + SPARE_ITEMS
    brief_runs = groupby(spoken_words, key=lambda word: word.end - word.start < MIN_WORD_S)
    is_too_brief = any(is_brief and len(list(run)) > MAX_BRIEF_WORDS for is_brief, run in brief_runs)
    is_word_loop = any(WORD_LOOP.search(word.word.lower()) for word in spoken_words)
    return is_too_fast or is_too_brief or is_word_loop or count_repetitions(items, 2) > MAX_LOOP_REPETITIONS


def has_foreign_script(segments: Sequence[Any], languages: Collection[str]) -> bool:
    """Whether letters are of a script in which none of the languages is written.

    Whisper writes Chinese characters for an accent, though it was told that the language is English. Latin letters
    are in use everywhere, for names and foreign words.
    """
    letters = {char for segment in segments for word in segment.words for char in word.word if char.isalpha()}
    scripts = {unicodedata.name(char, "").split(" ")[0].split("-")[0] for char in letters}
    return any(LANGUAGES_BY_SCRIPT[script].isdisjoint(languages) for script in scripts & LANGUAGES_BY_SCRIPT.keys())


def list_items(segments: Sequence[Any]) -> list[str]:
    """What is spoken as a unit: words, digits, and the characters of languages without spaces."""
    items: list[str] = []
    for word in "".join(word.word for segment in segments for word in segment.words).lower().split():
        letters = "".join(char if char.isalnum() else " " for char in word).split()
        for part in letters:
            is_split = part.isdigit() or any(map(is_without_spaces, part))
            items += list(part) if is_split else [part]
    return items


def is_without_spaces(item: str) -> bool:
    return any(first <= item[0] <= last for first, last in LETTERS_WITHOUT_SPACES)


def count_repetitions(items: Sequence[str], max_phrase: int = MAX_PHRASE_ITEMS) -> int:
    """How often a phrase of up to `max_phrase` items is said in a row, at most."""
    most = 1 if items else 0
    for length in range(1, max_phrase + 1):
        run = 0  # items in a row that equal those one phrase before
        for item, earlier_item in zip(items[length:], items, strict=False):
            run = run + 1 if item == earlier_item else 0
            most = max(most, 1 + run // length)
    return most
