"""What the teacher makes of it: the model's words, checked against what was heard, become feedback.

A small model corrects well and explains badly, and any model can drift or be talked into something. So its
sentence counts only where it differs from what was heard as a correction does; the explanation is built
from the difference. What that guarantees: every content word of `corrected` looks like one that was heard,
and a sentence about something else is dropped together with its reply. What it does not: a reply that is kept
is in the model's words, though short and, unless the persona keeps remarks, no more than one question.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from pipeline.personas import Persona
from pipeline.turns import Edit, Feedback

CLOSE = 0.5  # share of the content words that both sentences must have in common, seen from either
EXPLAINED = 3  # edits that are explained
EDIT_WORDS = 6  # words an edit may have and still be explained
REPLY_CHARS = 240  # characters of a reply that are spoken
REPEATED_CHARS = 300  # characters of a corrected sentence that is repeated aloud

CJK = "\u3400-\u9fff"
WORD = re.compile(rf"[{CJK}][^\w\s]*|[^{CJK}\s]+")
SENTENCE = re.compile(r"[^.!?。！？]+[.!?。！？]*")
QUOTED = re.compile(r'"\s*([^"]+)"?(.*)')
QUOTES = str.maketrans("“”„‟«»「」『』＂’‘", '"""""""""""' + "''")
UNSPEAKABLE = re.compile(r"""\S+://\S+|[^\w\s.,!?;:'%&$€£+。，！？；：、-]|_""")
SHORT_FORMS = {"won't": "will not", "can't": "can not", "n't": " not", "'m": " am", "'re": " are"}
SHORT_FORMS |= {"'ve": " have", "'ll": " will", "'d": " would", "'s": " is"}

# Words that a correction may add, change or leave out.
FREE_WORDS = """
a an the be am is are was were been being do does did done doing have has had having will would to of in on at
by for from with about into onto than that which who it there this these those and but or so as if because too
then much many more most some any 了 过 着 的 地 得 吗 呢 把 被 在 是 很 有 也 都 就 到
"""
# Words that a correction may exchange though they begin differently.
KIN = """
i me my mine myself, you your yours, he she him his her hers, we us our ours, they them their theirs, go
went gone, see saw seen, eat ate eaten, get got, buy bought, bring brought, catch caught, teach taught,
think thought, take took, give gave, make made, tell told, sell sold, say said, pay paid, sit sat, win won,
run ran, hold held, fly flew, know knew, grow grew, draw drew, drive drove, write wrote, ride rode, speak
spoke, break broke, wake woke, come came, begin began, swim swam, sing sang, drink drank, find found, feel
felt, fall fell, leave left, lose lost, stand stood, feed fed, wear wore worn, keep kept, sleep slept, meet
met, man men, good well better best, bad worse worst, woman women, foot feet, tooth teeth, mouse mice,
person people, can could, no not any
"""
FREE = frozenset(FREE_WORDS.split())
FAMILIES = tuple(frozenset(family.split()) for family in KIN.split(","))


@dataclass(frozen=True)
class Piece:
    """Words heard and the model's in their place; `at` is where the heard ones stand."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    at: tuple[int, int]

    @property
    def unchanged(self) -> bool:
        """The same words, give or take case, punctuation and short forms such as "I'm"."""
        return _full(self.before) == _full(self.after)


def understand(heard: str, raw: str, persona: Persona) -> Feedback:
    """`raw` is the model's answer, hoped to be `"corrected sentence." remark question?`."""
    sentence, rest = _parts(raw)
    if not _close(heard, sentence):
        return Feedback(heard, corrected=heard, reply=persona.puzzled, spoken=persona.puzzled)
    pieces = _pieces(_words(heard), _words(sentence))
    changes = [piece for piece in pieces if not piece.unchanged]
    believed = _believed(changes)
    reply = _reply(rest, persona)
    if believed:
        return _correction(heard, pieces, believed, reply)
    if not changes and not persona.remarks:
        reply = f"{persona.praise} {reply}"
    return Feedback(heard, corrected=heard, reply=reply, spoken=reply)


def _correction(heard: str, pieces: Iterable[Piece], believed: Collection[Piece], reply: str) -> Feedback:
    edits = tuple(Edit(_plain(piece.before), _plain(piece.after), piece.at) for piece in believed)
    better = _sentence(piece.after if _same_keys(piece) or piece in believed else piece.before for piece in pieces)
    explanation = _explanation(edits, _words(heard))
    repeated = f"We say: {better}" if len(better) <= REPEATED_CHARS else ""
    spoken = " ".join(filter(None, (_speakable(repeated), _speakable(explanation), reply)))
    return Feedback(heard, better, reply, spoken, edits, explanation)


# --- the model's words --------------------------------------------------------------------------------------


def _parts(raw: str) -> tuple[str, str]:
    """The corrected sentence and what follows it."""
    line = " ".join(raw.translate(QUOTES).split())
    if found := QUOTED.search(line):
        sentence, rest = found.groups()
        if '"' in line[found.start() + 1 :]:
            return sentence.strip(), rest.strip()
        line = sentence  # the end quote is missing
    first = SENTENCE.match(line.strip())
    return (first.group().strip(), line.strip()[first.end() :].strip()) if first else ("", "")


def _reply(rest: str, persona: Persona) -> str:
    """What is said after the correction: short, and ending in a question."""
    sentences = [text.strip() for text in SENTENCE.findall(_speakable(rest))]
    questions = [text for text in sentences if text.endswith(("?", "？"))]
    chosen = " ".join(sentences) if questions and persona.remarks else "".join(questions[:1])
    return chosen if 0 < len(chosen) <= REPLY_CHARS else persona.fallback


def _speakable(text: str) -> str:
    """Without what a voice reads badly: markup, addresses, emoji, quotation marks."""
    return " ".join(UNSPEAKABLE.sub(" ", text.translate(QUOTES).replace('"', "")).split())


# --- the difference -----------------------------------------------------------------------------------------


def _words(text: str) -> list[str]:
    """Split at spaces; Chinese by character. Punctuation stays with its word."""
    return WORD.findall(text)


def _plain(words: Iterable[str]) -> str:
    return " ".join(filter(None, (re.sub(r"^[\W_]+|[\W_]+$", "", word) for word in words)))


def _key(word: str) -> str:
    return _plain([word.translate(QUOTES)]).lower()


def _full(words: Iterable[str]) -> list[str]:
    """The words in lower case, short forms written out."""
    text = " ".join(map(_key, words))
    for short, full in SHORT_FORMS.items():
        text = re.sub(rf"{short}\b", full, text)
    return text.split()


def _pieces(heard: list[str], better: list[str]) -> list[Piece]:
    matcher = SequenceMatcher(None, list(map(_key, heard)), list(map(_key, better)), autojunk=False)
    spans = matcher.get_opcodes()
    return [Piece(tuple(heard[a:b]), tuple(better[c:d]), (a, b)) for _, a, b, c, d in spans]


def _same_keys(piece: Piece) -> bool:
    return list(map(_key, piece.before)) == list(map(_key, piece.after))


def _sentence(pieces: Iterable[tuple[str, ...]]) -> str:
    text = " ".join(word for words in pieces for word in words)
    text = re.sub(rf"(?<=[{CJK}，。！？；：、]) (?=[{CJK}])", "", text)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", "。", "！", "？")) else ".")


# --- what to believe ----------------------------------------------------------------------------------------


def _believed(changes: list[Piece]) -> list[Piece]:
    """All changes where words at most move between them; else those that are corrections by themselves."""
    everything = Piece(
        tuple(word for piece in changes for word in piece.before),
        tuple(word for piece in changes for word in piece.after),
        (0, 0),
    )
    return changes if _is_correction(everything) else [piece for piece in changes if _is_correction(piece)]


def _is_correction(piece: Piece) -> bool:
    before, after = _content(piece.before), _content(piece.after)
    return _shared(before, after) == 1 and _shared(after, before) == 1


def _close(heard: str, sentence: str) -> bool:
    before, after = (_content(_words(text)) or _full(_words(text)) for text in (heard, sentence))
    return bool(before and after) and min(_shared(before, after), _shared(after, before)) >= CLOSE


def _content(words: Iterable[str]) -> list[str]:
    return [word for word in _full(words) if word not in FREE]


def _shared(words: list[str], others: list[str]) -> float:
    """The share, in [0, 1], of the words that have a relative among the others; 1 of no words."""
    related = [any(_related(word, other) for other in others) for word in words]
    return sum(related) / len(related) if related else 1


def _related(word: str, other: str) -> bool:
    """Forms of one word, as far as can be told: the same, in one family, or with the same beginning."""
    if word == other or any({word, other} <= family for family in FAMILIES):
        return True
    short = min(len(word), len(other))
    stem = max(min(short, 3), short * 3 // 5)
    return stem > 1 and word[:stem] == other[:stem] and abs(len(word) - len(other)) <= 4


# --- the explanation ----------------------------------------------------------------------------------------


def _explanation(edits: Iterable[Edit], heard: list[str]) -> str:
    short = [edit for edit in edits if max(len(edit.before.split()), len(edit.after.split())) <= EDIT_WORDS]
    return " ".join(_explained(edit, heard) for edit in short[:EXPLAINED])


def _explained(edit: Edit, heard: list[str]) -> str:
    if not edit.after:
        return f'Leave out "{edit.before}".'
    if edit.before:
        return f'Say "{edit.after}" instead of "{edit.before}".'
    place = f'before "{_plain([heard[edit.at[1]]])}"' if edit.at[1] < len(heard) else "at the end"
    return f'Add "{edit.after}" {place}.'
