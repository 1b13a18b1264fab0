"""The ledger of a learner, counted from its entries: mistakes by kind, words that were not clear, what is mastered."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pipeline.learners.entries import LedgerEntry, MistakeNote, UnclearNote
from pipeline.learners.fluency import MAX_READINGS, FluentReading
from pipeline.learners.right_uses import RULES
from pipeline.text.statistics import normalize_words

MASTERED_DAYS = 3  # different days with a right use since the latest mistake
MAX_EXAMPLES = 10  # sentences that are shown of a kind, the latest ones


@dataclass(frozen=True)
class DatedEntry:
    """An entry, and when its words were said, in Unix seconds."""

    at: float
    entry: LedgerEntry


@dataclass(frozen=True)
class Example:
    """A mistake in its sentence: when it was said (Unix seconds), and in which job."""

    at: float
    job: str
    note: MistakeNote


@dataclass(frozen=True)
class KindRecord:
    """The mistakes of one kind. `right_days`: different days with a right use since the latest mistake.

    `can_be_mastered`: right uses of this kind are known by a rule. Times are Unix seconds.
    """

    kind: str
    count: int
    first_seen: float
    last_seen: float
    right_days: int
    can_be_mastered: bool
    examples: tuple[Example, ...]

    @property
    def is_mastered(self) -> bool:
        return self.right_days >= MASTERED_DAYS


@dataclass(frozen=True)
class WordClip:
    """Where a word that was not clear is heard: the entry's job, and its number in `unclear`, counted from 0."""

    job: str
    number: int
    note: UnclearNote


@dataclass(frozen=True)
class WordRecord:
    """A word that was not clear `count` times; `right_days`: days since then on which it was read clearly."""

    word: str
    count: int
    first_seen: float
    last_seen: float
    right_days: int
    latest: WordClip

    @property
    def is_mastered(self) -> bool:
        return self.right_days >= MASTERED_DAYS


@dataclass(frozen=True)
class Ledger:
    """Everything that is known of a learner: kinds by how often they came, words by how often they were not clear.

    `name` is a student's, "" of others. `readings`: how fluently texts were read aloud, the latest ones, oldest first.
    """

    learner: str
    name: str
    kinds: tuple[KindRecord, ...]
    words: tuple[WordRecord, ...]
    readings: tuple[FluentReading, ...] = ()

    @property
    def recurring(self) -> tuple[KindRecord, ...]:
        """The kinds that are not mastered, the most frequent first."""
        return tuple(record for record in self.kinds if not record.is_mastered)


def build_ledger(learner: str, entries: Iterable[DatedEntry]) -> Ledger:
    by_time = sorted(entries, key=lambda each: (each.at, each.entry.job))
    name = next((each.entry.student for each in reversed(by_time) if each.entry.student), "")
    return Ledger(learner, name, tuple(count_kinds(by_time)), tuple(count_words(by_time)), list_readings(by_time))


def list_readings(entries: Sequence[DatedEntry]) -> tuple[FluentReading, ...]:
    readings = [FluentReading(each.at, each.entry.job, each.entry.fluency) for each in entries if each.entry.fluency]
    return tuple(readings[-MAX_READINGS:])


def count_kinds(entries: Sequence[DatedEntry]) -> list[KindRecord]:
    examples: dict[str, list[Example]] = defaultdict(list)
    for each in entries:
        for note in each.entry.mistakes:
            examples[note.kind].append(Example(each.at, each.entry.job, note))
    right_times = {kind: [each.at for each in entries if kind in each.entry.right] for kind in examples}
    records = [count_kind(kind, kind_examples, right_times[kind]) for kind, kind_examples in examples.items()]
    return sorted(records, key=lambda record: (-record.count, -record.last_seen, record.kind))


def count_kind(kind: str, examples: Sequence[Example], right_times: Iterable[float]) -> KindRecord:
    first_seen, last_seen = examples[0].at, examples[-1].at
    return KindRecord(
        kind=kind,
        count=len(examples),
        first_seen=first_seen,
        last_seen=last_seen,
        right_days=count_days_after(last_seen, right_times),
        can_be_mastered=kind in RULES,
        examples=tuple(reversed(examples[-MAX_EXAMPLES:])),
    )


def count_words(entries: Sequence[DatedEntry]) -> list[WordRecord]:
    clips: dict[str, list[tuple[float, WordClip]]] = defaultdict(list)
    for each in entries:
        for number, note in enumerate(each.entry.unclear):
            clips[word_key(note.word)].append((each.at, WordClip(each.entry.job, number, note)))
    records = []
    for word, times in clips.items():
        last_seen, latest = times[-1]
        clear_times = [each.at for each in entries if word in each.entry.clear]
        days = count_days_after(last_seen, clear_times)
        records.append(WordRecord(word, len(times), times[0][0], last_seen, days, latest))
    return sorted(records, key=lambda record: (-record.count, -record.last_seen, record.word))


def word_key(word: str) -> str:
    return " ".join(normalize_words(word)) or word


def count_days_after(last_seen: float, times: Iterable[float]) -> int:
    """On how many different days these times are, of those after the latest mistake. Days are the server's own."""
    return len({day_of(each) for each in times if each > last_seen})


def day_of(at: float) -> date:
    return datetime.fromtimestamp(at).date()  # in the time zone of the server, as the class has it
