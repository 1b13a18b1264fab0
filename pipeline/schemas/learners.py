"""The JSON that the API answers with about learners, as types."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.learners.fluency import FigureName, Trend
from pipeline.learners.identity import LearnerKind
from pipeline.schemas.jobs import Id, ResponseModel, Seconds, Timestamp


class LedgerExample(ResponseModel):
    """A mistake in its sentence. `audio`: the better sentence as it was spoken, null where that is not kept."""

    heard: str
    better: str
    before: Annotated[str, Field(alias="from")]
    after: Annotated[str, Field(alias="to")]
    explanations: dict[str, str]
    said_at: Timestamp
    job: Id
    audio: str | None


class LedgerKind(ResponseModel):
    """The mistakes of one kind, named as ERRANT names it. `examples` are the latest ones.

    `right_days`: different days with a right use since the latest mistake; from `mastered_days` of the ledger on it is
    `mastered`. Of a kind that cannot be mastered (`can_be_mastered`) right uses are not known.
    """

    kind: str
    count: int
    first_seen: Timestamp
    last_seen: Timestamp
    right_days: int
    mastered: bool
    can_be_mastered: bool
    examples: list[LedgerExample]


class LedgerWord(ResponseModel):
    """A word that was not clear when it was read aloud: worth listening to again, and no more than that.

    `weakest`: its sound that was heard least, as the IPA writes it. `clip`: the word as the learner said it, null where
    the recording is not kept.
    """

    word: str
    count: int
    first_seen: Timestamp
    last_seen: Timestamp
    right_days: int
    mastered: bool
    weakest: str
    job: Id
    clip: str | None
    clip_s: Seconds


class FluencyFigure(ResponseModel):
    """A figure over the readings of a ledger: its mean and trend, null before there are `needed` readings.

    The middle half of the speakers with whom it was measured lies from `low` to `high`. It is no mark.
    """

    mean: float | None
    trend: Trend | None
    low: float
    high: float


class FluencyReading(ResponseModel):
    """A text that was read aloud: sounds and words a second, pauses per word, and the longest pause in seconds."""

    job: Id
    read_at: Timestamp
    sounds_per_s: float
    words_per_s: float
    pauses_per_word: float
    longest_pause_s: float


class LedgerFluency(ResponseModel):
    """How fluently a learner reads aloud: the latest `readings`, oldest first, and each of their `figures`."""

    needed: int
    readings: list[FluencyReading]
    figures: dict[FigureName, FluencyFigure]


class Ledger(ResponseModel):
    """What a learner gets wrong again and again, what is mastered, and the words to listen to again.

    `name`: of a student, or of a learner's key. `fluency`: null where no text was read aloud and measured.
    """

    learner: str
    kind: LearnerKind
    name: str
    mastered_days: int
    kinds: list[LedgerKind]
    words: list[LedgerWord]
    fluency: LedgerFluency | None


class ClassKind(ResponseModel):
    """A kind of mistake that is not mastered: `count` mistakes of `students`."""

    kind: str
    count: int
    students: list[str]


class ClassStudent(ResponseModel):
    """A student of the assignment, and the id of the learner."""

    student: str
    learner: str
    recurring: int
    mastered: int


class ClassLedger(ResponseModel):
    """What a class has to practise: kinds of mistakes, the ones of most students first; and each student's ledger."""

    kinds: list[ClassKind]
    students: list[ClassStudent]


class ErasureReceipt(ResponseModel):
    """What was removed of a learner: numbers of things, nothing of their content.

    `records`: jobs; `audio_files`: recordings, clips and answers; `ledger_entries`: jobs in the ledger; `webhook_logs`:
    deliveries that were logged; `class_lists`: assignments and classes in whose list the name stood; `key_names`: keys
    that had the learner's name. `exports` is 0, since none is stored.
    """

    learner: str
    erased_at: Timestamp
    records: int
    audio_files: int
    ledger_entries: int
    webhook_logs: int
    class_lists: int
    key_names: int
    exports: Literal[0] = 0
