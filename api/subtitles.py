"""A transcript as subtitles, SRT or WebVTT: cues that can be read while they are heard."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from pipeline.jobs.results import Segment, Transcript, Word

COLUMNS, LINES = 42, 2  # letters of a line, lines of a cue; a Chinese character takes two columns
LONGEST_S, BRIEFEST_S = 7.0, 1.0  # seconds for which a cue is shown; it is shorter only if the next one follows
PAUSE_S = 1.5  # seconds of silence after which a new cue begins
SENTENCE = re.compile(r"[.!?。！？…][\"'”’)）]*$")


@dataclass(frozen=True)
class Token:
    """What stays together; `apart` when a space was before it. `start` and `end` in seconds."""

    text: str
    apart: bool
    start: float
    end: float


@dataclass(frozen=True)
class Cue:
    """What is shown from `start` to `end`, in seconds, and whose `voice` it is, if that is known."""

    start: float
    end: float
    lines: tuple[str, ...]
    voice: str = ""


def srt(heard: Transcript) -> str:
    return as_srt(cues(heard))


def vtt(heard: Transcript) -> str:
    return as_vtt(cues(heard))


def as_srt(cues: Iterable[Cue]) -> str:
    return "".join(
        f"{number}\n{clock(cue.start, ',')} --> {clock(cue.end, ',')}\n{format_text(cue).replace('-->', '->')}\n\n"
        for number, cue in enumerate(cues, 1)
    )


def as_vtt(cues: Iterable[Cue]) -> str:
    """A voice is one of our own words, never a client's."""
    escaped = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
    written = (
        f"{clock(cue.start)} --> {clock(cue.end)}\n{f'<v {cue.voice}>' if cue.voice else ''}"
        f"{format_text(cue).translate(escaped)}\n\n"
        for cue in cues
    )
    return f"WEBVTT\n\n{''.join(written)}"


def format_text(cue: Cue) -> str:
    return "\n".join(cue.lines)


def clock(seconds: float, point: str = ".") -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"


def cues(heard: Transcript) -> list[Cue]:
    """The cues in their order; none begins before the one before it has ended."""
    groups = [group for segment in by_segment(heard) for group in group_tokens(segment)]
    found: list[Cue] = []
    for group, following in zip_longest(groups, groups[1:]):
        start = max(group[0].start, found[-1].end if found else 0.0)
        limit = following[0].start if following else max(heard.duration_s, group[-1].end)
        end = max(group[-1].end, min(start + BRIEFEST_S, limit))
        found.append(Cue(start, max(min(end, start + LONGEST_S), start + 0.001), tuple(wrap_lines(group))))
    return found


def by_segment(heard: Transcript) -> Iterator[list[Token]]:
    """The tokens of each segment: as many words as make up its text."""
    tokens = iter(list(tokens_of(heard.text, heard.words or heard.segments)))
    for segment in heard.segments or (heard,):
        letters, taken = len("".join(segment.text.split())), list[Token]()
        while letters > 0 and (token := next(tokens, None)):
            taken.append(token)
            letters -= len("".join(token.text.split()))
        if taken:
            yield taken
    if rest := list(tokens):
        yield rest


def tokens_of(text: str, pieces: Iterable[Word | Segment]) -> Iterator[Token]:
    """The words with the spaces that they have in `text`; one that is longer than a line in several parts."""
    place = 0
    for piece in pieces:
        word = piece.word if isinstance(piece, Word) else piece.text
        found = text.find(word, place)
        apart = found < 0 or text[place:found].isspace()
        place = place if found < 0 else found + len(word)
        parts = list(split_tokens(word))
        seconds = (piece.end - piece.start) / max(1, len(parts))
        for number, part in enumerate(parts):
            start = piece.start + number * seconds
            yield Token(part, apart and not number, start, start + seconds)


def split_tokens(word: str) -> Iterator[str]:
    """The word in parts of which each fits a line."""
    while word:
        length = next((at for at in range(1, len(word)) if columns(word[: at + 1]) > COLUMNS), len(word))
        yield word[:length]
        word = word[length:]


def group_tokens(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Tokens that are shown together: as many as can be read, and as are said without a pause."""
    group: list[Token] = []
    for token in tokens:
        if group and not goes_with(group, token):
            yield group
            group = []
        group.append(token)
    if group:
        yield group


def goes_with(group: list[Token], token: Token) -> bool:
    if token.end - group[0].start > LONGEST_S or token.start - group[-1].end > PAUSE_S:
        return False
    lines = len(wrap_lines([*group, token]))
    ended = SENTENCE.search(group[-1].text) is not None
    return lines <= LINES and not (ended and lines > 1)


def wrap_lines(group: Sequence[Token]) -> list[str]:
    lines = [""]
    for token in group:
        longer = f"{lines[-1]}{' ' if token.apart and lines[-1] else ''}{token.text}"
        if columns(longer) <= COLUMNS:
            lines[-1] = longer
        else:
            lines.append(token.text)
    return lines


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
