"""The results of a job's stages, such as a transcript, the teacher's feedback or the spoken answer. All are frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

from pydantic import Field

from pipeline.jobs.plans import PlanQuestion, StudyPlan

# What became of a word of a text that was to be read aloud. None of them says that a word was wrong.
ReadingState = Literal[
    "said",  # recognised in its place
    "not_clear",  # worth listening to again, whether it or another word was recognised in its place
    "misread",  # another word was recognised in its place: by the reader's fault or by the recogniser's
    "left_out",  # nothing was recognised in its place
    "added",  # recognised, and not of the text
]

Speaker = Literal["", "left", "right"]  # the channel of a speaker; "" where the recording does not separate speakers

# What the teacher can say of a turn. Only `correct` and `corrected` turns were checked.
Verdict = Literal[
    "correct",  # every sentence was checked, and nothing is to be corrected
    "corrected",  # at least one mistake was put right
    "not_heard_well",  # too unclear: the learner is asked whether this was said
    "not_understood",  # no words, or no language, could be made out
    "other_language",  # not in the language that is taught
    "not_checked",  # nothing is claimed: the checker is unsure, or there is none
    "needs_an_adult",  # the learner may be in danger: fixed words, and an adult should look
]


VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
CHECKED_VERDICTS: frozenset[Verdict] = frozenset(("correct", "corrected"))


@dataclass(frozen=True)
class Word:
    """One recognised word; `start` and `end` in seconds from the recording's start, `probability` in [0, 1].

    `misheard`: the probability that another word was said, by the word's sounds; None where it was not estimated so.
    """

    word: str
    start: float
    end: float
    probability: float
    misheard: float | None = None


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording that was recognised in one piece, `start` and `end` in seconds from its start.

    What the recogniser measured of it: `avg_logprob`, the mean log probability of its tokens; `compression_ratio`, the
    length of its text over that of the text compressed; `no_speech_prob`, the probability that nobody speaks.
    """

    start: float
    end: float
    text: str
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float


@dataclass(frozen=True)
class Gap:
    """A stretch in which somebody speaks, but no words could be made out; in seconds from the recording's start."""

    start: float
    end: float


@dataclass(frozen=True)
class ReadWord:
    """A word of a text that was read aloud, or one that was added to it.

    `start` and `end` are seconds from the recording's start, None for one that was left out. `weakest` is, of a word
    that is not clear, the sound that was heard least, as the IPA writes it. `clearness` is the mean log probability of
    its sounds; None where it was not measured.
    """

    word: str
    state: ReadingState
    start: float | None = None
    end: float | None = None
    weakest: str = ""
    clearness: float | None = None


@dataclass(frozen=True)
class Figure:
    """A measured figure; the middle half of the readers by whom the rules were fitted lies from `low` to `high`."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ReadingFluency:
    """How fluently a text was read aloud: plain figures, and no judgement of one recording."""

    sounds_per_s: Figure
    words_per_s: Figure
    pauses_per_word: Figure
    longest_pause_s: Figure


@dataclass(frozen=True)
class Reading:
    """How clearly a text was read aloud: its words in their order, and between them those that were added."""

    words: tuple[ReadWord, ...]
    fluency: ReadingFluency


@dataclass(frozen=True)
class Transcript:
    """What was recognised in a recording, which is `duration_s` seconds long. `language` is an ISO 639-1 code.

    `reading`: how clearly the words of a text that was to be read aloud were said; None where it was not measured.
    """

    text: str
    language: str
    duration_s: float
    words: tuple[Word, ...] = ()
    segments: tuple[Segment, ...] = ()
    gaps: tuple[Gap, ...] = ()
    reading: Reading | None = None


@dataclass(frozen=True)
class Edit:
    """One correction: the words `heard[at[0]:at[1]]`, joined by spaces, are `before`; `after` takes their place.

    `kind` is ERRANT's name of the mistake, such as R:VERB:TENSE, "" for a word that was misread; `explanations` say
    why, by language: "en" and "zh".
    """

    before: Annotated[str, Field(alias="from")]  # what JSON calls it
    after: Annotated[str, Field(alias="to")]
    at: tuple[int, int]
    kind: str = ""
    explanations: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Feedback:
    """The teacher's feedback on `heard`, the learner's sentence as it was recognised or typed.

    `reply` is what the teacher says besides the corrections, `spoken` all that the voice will say; `reset`: the learner
    asked to start the session over; `unclear`: the words of `heard`, counted from 0, that were not heard well.
    `plan`: a study plan that was asked for; `plan_question`: which question before it the reply asks.
    """

    heard: str
    corrected: str
    reply: str
    spoken: str
    edits: tuple[Edit, ...] = ()
    explanation: str = ""
    reset: bool = False
    verdict: Verdict = "not_checked"
    unclear: tuple[int, ...] = ()
    plan: StudyPlan | None = None
    plan_question: PlanQuestion = ""

    @property
    def is_of_plan(self) -> bool:
        """Whether the turn is about a study plan: it was a request for one, or an answer to a question before it."""
        return self.plan is not None or self.plan_question != ""

    @property
    def is_checked(self) -> bool:
        """Whether the whole of it was checked for mistakes: rates count nothing else."""
        return self.verdict in CHECKED_VERDICTS


@dataclass(frozen=True)
class Completion:
    """What a language model that was called alone wrote. `finish_reason`: "stop", or "length" if it was cut off."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Part:
    """A spoken sentence of an answer: `blob` is its name in the blob store, `sha256` and `size` (bytes) the blob's."""

    text: str
    blob: str
    sha256: str
    size: int
    duration_s: float


ChapterKind = Literal["own_words", "better", "slow", "repeat", "praise"]  # what is heard in a chapter of a card

# Why an answer has no lesson card though one was asked for.
NoCardReason = Literal[
    "verdict",  # neither correct nor corrected: there is nothing that a card could say
    "no_recording",  # only typed, or no longer kept
    "no_word_times",  # the words that were answered are not those whose times are known
    "not_repeated",  # the answer does not say the better sentences either, such as those with private details
    "failed",  # the log of the worker has the cause
    "too_slow",  # no time was left of what the stage may take
    "worker_lost",  # earlier attempts at the answer ended with their worker, so the last one makes no card
]


@dataclass(frozen=True)
class CardChapter:
    """A chapter of a lesson card, from `start_s` to `end_s` seconds; the `title` is in the learner's language."""

    kind: ChapterKind
    title: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class LessonCard:
    """The learner's own words and the better sentences in one audio file, in the format of the answer."""

    blob: str
    sha256: str
    size: int
    duration_s: float
    chapters: tuple[CardChapter, ...]


@dataclass(frozen=True)
class Answer:
    """The spoken answer, whole and in `parts`: `blob`, `sha256` and `size` (bytes) are those of the whole.

    `card`: the lesson card, if one was asked for; `no_card`: a NoCardReason where it could not be made, else "".
    """

    text: str
    blob: str
    sha256: str
    size: int
    duration_s: float
    format: str
    parts: tuple[Part, ...] = ()
    card: LessonCard | None = None
    no_card: str = ""

    @property
    def blobs(self) -> set[str]:
        """Names of all its blobs in the blob store."""
        return {self.blob, *(part.blob for part in self.parts), *({self.card.blob} if self.card else ())}


@dataclass(frozen=True)
class LessonSegment:
    """One turn of a lesson: `number` counts from 1, `start` and `end` are seconds from the lesson's start.

    `speaker` is the channel of its speaker, "left" or "right", if the recording separates the speakers, else "".
    """

    number: int
    start: float
    end: float
    speaker: str = ""


@dataclass(frozen=True)
class LessonSegments:
    """A lesson's turns, in their order; the whole recording lasts `duration_s` seconds."""

    duration_s: float
    turns: tuple[LessonSegment, ...]


@dataclass(frozen=True)
class Exchange:
    """An earlier turn of the session: what the learner said, and what the teacher answered in the model's own form.

    `number` counts the session's turns, failed ones included; 0: not a turn, but something said before the first one.
    """

    learner: str
    teacher: str
    number: int = 0
