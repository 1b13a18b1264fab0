"""A transcript as subtitles, SRT or WebVTT: cues that can be read while they are heard."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from pipeline.jobs.results import Segment, Transcript, Word

MAX_LINE_COLUMNS, MAX_CUE_LINES = 42, 2  # letters of a line, lines of a cue; a Chinese character takes two columns
MAX_CUE_S, MIN_CUE_S = 7.0, 1.0  # seconds for which a cue is shown; it is shorter only if the next one follows
MIN_PAUSE_S = 1.5  # seconds of silence after which a new cue begins
GAP_TEXTS = {"zh": "[听不清]"}  # by language: what a cue says where no words could be made out
GAP_TEXT = "[unintelligible]"  # in every other language
SENTENCE_END = re.compile(r"[.!?。！？…][\"'”’)）]*$")


@dataclass(frozen=True)
class Token:
    """Text that is not divided; `space_before`: a space stands before it. `start` and `end` in seconds."""

    text: str
    space_before: bool
    start: float
    end: float


@dataclass(frozen=True)
class Cue:
    """Lines shown from `start` to `end`, in seconds; `voice` names the speaker, if known."""

    start: float
    end: float
    lines: tuple[str, ...]
    voice: str = ""


def srt(transcript: Transcript) -> str:
    return as_srt(cues(transcript))


def vtt(transcript: Transcript) -> str:
    return as_vtt(cues(transcript))


def as_srt(cues: Iterable[Cue]) -> str:
    blocks = (
        f"{number}\n{format_clock(cue.start, ',')} --> {format_clock(cue.end, ',')}\n"
        f"{format_text(cue).replace('-->', '->')}\n\n"
        for number, cue in enumerate(cues, 1)
    )
    return "".join(blocks)


def as_vtt(cues: Iterable[Cue]) -> str:
    """Write cues as WebVTT. A cue's voice is a word of our own, never a client's, so it needs no escaping."""
    html_escapes = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
    blocks = (
        f"{format_clock(cue.start)} --> {format_clock(cue.end)}\n{f'<v {cue.voice}>' if cue.voice else ''}"
        f"{format_text(cue).translate(html_escapes)}\n\n"
        for cue in cues
    )
    return f"WEBVTT\n\n{''.join(blocks)}"


def format_text(cue: Cue) -> str:
    return "\n".join(cue.lines)


def format_clock(seconds: float, point: str = ".") -> str:
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"


def cues(transcript: Transcript) -> list[Cue]:
    """The cues in their order; none begins before the previous one has ended."""
    gap_text = GAP_TEXTS.get(transcript.language, GAP_TEXT)
    groups = [group for segment in tokens_by_segment(transcript) for group in group_tokens(segment)]
    groups += [[Token(gap_text, True, gap.start, gap.end)] for gap in transcript.gaps]
    groups.sort(key=lambda group: group[0].start)
    result: list[Cue] = []
    for group, next_group in zip_longest(groups, groups[1:]):
        start = max(group[0].start, result[-1].end if result else 0.0)
        limit = next_group[0].start if next_group else max(transcript.duration_s, group[-1].end)
        end = max(group[-1].end, min(start + MIN_CUE_S, limit))
        result.append(Cue(start, max(min(end, start + MAX_CUE_S), start + 0.001), tuple(wrap_lines(group))))
    return result


def tokens_by_segment(transcript: Transcript) -> Iterator[list[Token]]:
    """The tokens of each segment: as many words as make up its text."""
    tokens = iter(list(timed_tokens(transcript.text, transcript.words or transcript.segments)))
    for segment in transcript.segments or (transcript,):
        letters, segment_tokens = len("".join(segment.text.split())), list[Token]()
        while letters > 0 and (token := next(tokens, None)):
            segment_tokens.append(token)
            letters -= len("".join(token.text.split()))
        if segment_tokens:
            yield segment_tokens
    if remaining_tokens := list(tokens):
        yield remaining_tokens


def timed_tokens(text: str, pieces: Iterable[Word | Segment]) -> Iterator[Token]:
    """The words with the spaces that they have in `text`; one that is longer than a line in several parts."""
    position = 0
    for piece in pieces:
        word = piece.word if isinstance(piece, Word) else piece.text
        index = text.find(word, position)
        space_before = index < 0 or text[position:index].isspace()
        position = position if index < 0 else index + len(word)
        parts = list(split_tokens(word))
        seconds = (piece.end - piece.start) / max(1, len(parts))
        for number, part in enumerate(parts):
            start = piece.start + number * seconds
            yield Token(part, space_before and not number, start, start + seconds)


def split_tokens(word: str) -> Iterator[str]:
    """The word in parts of which each fits a line."""
    while word:
        length = next((at for at in range(1, len(word)) if text_columns(word[: at + 1]) > MAX_LINE_COLUMNS), len(word))
        yield word[:length]
        word = word[length:]


def group_tokens(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Tokens that are shown together: as many as can be read, and as are said without a pause."""
    group: list[Token] = []
    for token in tokens:
        if group and not fits_cue(group, token):
            yield group
            group = []
        group.append(token)
    if group:
        yield group


def fits_cue(group: list[Token], token: Token) -> bool:
    if token.end - group[0].start > MAX_CUE_S or token.start - group[-1].end > MIN_PAUSE_S:
        return False
    lines = len(wrap_lines([*group, token]))
    is_sentence_end = SENTENCE_END.search(group[-1].text) is not None
    return lines <= MAX_CUE_LINES and not (is_sentence_end and lines > 1)


def wrap_lines(group: Sequence[Token]) -> list[str]:
    lines = [""]
    for token in group:
        longer = f"{lines[-1]}{' ' if token.space_before and lines[-1] else ''}{token.text}"
        if text_columns(longer) <= MAX_LINE_COLUMNS:
            lines[-1] = longer
        else:
            lines.append(token.text)
    return lines


def text_columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
