"""A lesson's results, computed from the jobs of its turns: who spoke when, chapters, statistics, time left.

Each turn is a job of its own, which may have failed.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from redis import Redis

from pipeline.errors import BrokenRecord, NoSpeech
from pipeline.jobs.eta import StageLoad
from pipeline.jobs.job import Job
from pipeline.jobs.listing import read_jobs
from pipeline.jobs.records import read_fields
from pipeline.jobs.results import CHECKED_VERDICTS, Speaker, Verdict
from pipeline.jobs.store import PREFIX
from pipeline.text.corrections import FUNCTION_WORDS
from pipeline.text.statistics import (
    Mistake,
    UnclearWord,
    count_mistakes,
    count_unclear_words,
    count_verdicts,
    normalize_words,
)

RECORDS_PER_READ = 200  # so that reading a lesson of hours does not block Redis for others
CHAPTER_S = 300  # seconds that a chapter lasts, approximately
MIN_CHAPTER_SHARE, MAX_CHAPTER_SHARE = 0.5, 1.5  # of CHAPTER_S: a chapter ends at the longest pause in between
MAX_TITLE_WORDS = 8
MAX_TITLE_CHARS = 60  # characters of a title; Chinese has no spaces to count words by


@dataclass(frozen=True)
class Turn:
    """One turn of a lesson: its number from 1, its start and end in seconds from the lesson's start, and its job."""

    number: int
    start: float
    end: float
    speaker: Speaker
    job: Job

    @property
    def text(self) -> str:
        """The transcript's text; "" before the turn is transcribed, and when that failed."""
        return self.job.transcript.text if self.job.transcript else ""

    @property
    def needs_an_adult(self) -> bool:
        """Whether the learner may be in danger: an adult should see the words, and no list quotes them."""
        return self.job.feedback is not None and self.job.feedback.verdict == "needs_an_adult"


@dataclass(frozen=True)
class Chapter:
    """A part of a lesson, in seconds from its start; the title is how its first turn begins."""

    title: str
    start: float
    end: float


@dataclass(frozen=True)
class TurnDetails:
    """What the request of a turn's job says about it."""

    number: int
    start: float
    end: float
    speaker: Speaker


def read_turn_jobs(redis: "Redis", lesson: Job) -> list[Job]:
    """The jobs of the lesson's turns that are still kept, in the order of the turns."""
    names = cast(list[str], redis.zrange(f"{PREFIX}children:{turns_name(lesson)}", 0, -1))
    jobs: list[Job] = []
    for first in range(0, len(names), RECORDS_PER_READ):
        jobs += read_jobs(redis, names[first : first + RECORDS_PER_READ], f"children:{turns_name(lesson)}").values()
    return jobs


def build_turns(jobs: Iterable[Job]) -> list[Turn]:
    """The turns of these jobs, sorted by number; those whose details cannot be read are left out."""
    turns = []
    for job in jobs:
        try:
            details = read_fields(TurnDetails, job.request.details)
        except BrokenRecord:
            continue
        turns.append(Turn(details.number, details.start, details.end, details.speaker, job))
    return sorted(turns, key=lambda turn: turn.number)


def split_into_chapters(turns: Sequence[Turn]) -> list[Chapter]:
    """Split the lesson at its longest pauses into chapters of about CHAPTER_S. No turns, no chapters.

    The last chapter may be much shorter, or a little longer, than the others.
    """
    chapters, remaining = [], list(turns)
    while remaining:
        size = _first_chapter_size(remaining)
        first = remaining[:size]
        chapters.append(Chapter(_title(first), first[0].start, max(turn.end for turn in first)))
        remaining = remaining[size:]
    return chapters


def group_by_chapter(turns: Sequence[Turn]) -> list[tuple[Chapter, list[Turn]]]:
    """The chapters, and the turns that begin in each."""
    groups, remaining = [], list(turns)
    for chapter in split_into_chapters(turns):
        chapter_turns = [turn for turn in remaining if turn.start <= chapter.end]
        groups.append((chapter, chapter_turns))
        remaining = remaining[len(chapter_turns) :]
    return groups


def _first_chapter_size(turns: Sequence[Turn]) -> int:
    """How many of the turns make up the first chapter."""
    start, end = turns[0].start, turns[0].end
    if max(turn.end for turn in turns) - start <= MAX_CHAPTER_SHARE * CHAPTER_S:
        return len(turns)
    pauses: dict[int, float] = {}
    for number, turn in enumerate(turns[1:], 1):
        if end - start > MAX_CHAPTER_SHARE * CHAPTER_S and pauses:
            break
        if end - start >= MIN_CHAPTER_SHARE * CHAPTER_S:
            pauses[number] = turn.start - end
        end = max(end, turn.end)
    return max(pauses, key=lambda number: pauses[number], default=len(turns))


def _title(turns: Sequence[Turn]) -> str:
    """The first words of the first transcribed turn that may be quoted; "" when there is none."""
    text = next((turn.text for turn in turns if turn.text and not turn.needs_an_adult), "")
    words = text.split()
    title = " ".join(words[:MAX_TITLE_WORDS])
    short = title[:MAX_TITLE_CHARS].rstrip()
    return f"{short} …" if short and (len(words) > MAX_TITLE_WORDS or short != title) else short


MAX_PRACTICE_SENTENCES, MAX_PRACTICE_WORDS = 3, 5  # of a practice list, at most
MAX_PRACTICE_SENTENCE_CHARS = 80  # a longer sentence is hard to repeat
MIN_PRACTICE_WORD_LETTERS = 3  # a shorter word is not practised alone


@dataclass(frozen=True)
class FailedTurn:
    """A turn that failed: its number, its start and end in seconds from the lesson's start, its error's code."""

    number: int
    start: float
    end: float
    code: str


@dataclass(frozen=True)
class LessonFigures:
    """Statistics of a lesson of `seconds`.

    `turns`: how many are still kept; `learner`: the learner's turns with a transcript; `verdicts`: how many of those
    have each verdict. `needs_an_adult`: the numbers of the turns that an adult should look at. In `silent` turns nobody
    spoke, which is not a failure. `words`, `mistakes` and `unclear` are of the learner's turns only, `checked_words` of
    those that were checked for mistakes; a `source` is the number of a turn.
    """

    seconds: float
    turns: int
    learner: int
    verdicts: Mapping[Verdict, int]
    needs_an_adult: tuple[int, ...]
    failed: tuple[FailedTurn, ...]
    silent: int
    words: int
    checked_words: int
    mistakes: tuple[Mistake, ...]
    unclear: tuple[UnclearWord, ...]
    practice: tuple[str, ...]

    @property
    def checked_count(self) -> int:
        """How many of the learner's turns were checked for mistakes."""
        return sum(self.verdicts[verdict] for verdict in CHECKED_VERDICTS)

    @property
    def correction_count(self) -> int:
        return sum(mistake.count for mistake in self.mistakes)

    @property
    def corrections_per_100(self) -> float | None:
        """100 · correction_count / checked_words; None where nothing was checked."""
        return 100 * self.correction_count / self.checked_words if self.checked_words else None


def compute_figures(seconds: float, turns: Sequence[Turn]) -> LessonFigures:
    """The statistics of the turns that were transcribed so far; `seconds`: the lesson's length."""
    learner = [turn for turn in turns if turn.job.request.task == "turn" and turn.text]
    mistakes = count_mistakes((str(turn.number), turn.job.feedback) for turn in learner if turn.job.feedback)
    quotable = [turn for turn in learner if not turn.needs_an_adult]
    transcripts = ((str(turn.number), turn.job.transcript) for turn in quotable if turn.job.transcript)
    unclear_words = count_unclear_words(transcripts)
    failed_turns = tuple(_failed_turns(turns))
    return LessonFigures(
        seconds=seconds,
        turns=len(turns),
        learner=len(learner),
        verdicts=count_verdicts(turn.job.feedback for turn in learner),
        needs_an_adult=tuple(turn.number for turn in learner if turn.needs_an_adult),
        failed=tuple(each for each in failed_turns if each.code != NoSpeech.code),
        silent=sum(each.code == NoSpeech.code for each in failed_turns),
        words=sum(len(normalize_words(turn.text)) for turn in learner),
        checked_words=sum(
            len(normalize_words(turn.text)) for turn in learner if turn.job.feedback and turn.job.feedback.is_checked
        ),
        mistakes=tuple(mistakes),
        unclear=tuple(unclear_words),
        practice=choose_practice(mistakes, unclear_words),
    )


def choose_practice(mistakes: Iterable[Mistake], unclear: Iterable[UnclearWord]) -> tuple[str, ...]:
    """What the learner should say again: corrected sentences of the most frequent mistakes, then unclear words.

    A word that was clear more often than not is left out, as are short words and function words.
    """
    sentences = (example.corrected for mistake in mistakes for example in mistake.examples[:1])
    short_sentences = [text for text in dict.fromkeys(sentences) if len(text) <= MAX_PRACTICE_SENTENCE_CHARS]
    unclear_words = [each.word for each in unclear if 2 * each.unclear_count >= each.spoken_count]
    words = [word for word in unclear_words if len(word) >= MIN_PRACTICE_WORD_LETTERS and word not in FUNCTION_WORDS]
    return (*short_sentences[:MAX_PRACTICE_SENTENCES], *words[:MAX_PRACTICE_WORDS])


def _failed_turns(turns: Iterable[Turn]) -> Iterable[FailedTurn]:
    for turn in turns:
        if error := turn.job.error:
            yield FailedTurn(turn.number, turn.start, turn.end, error["code"])


@dataclass(frozen=True)
class TurnCount:
    """How many turns a lesson has so far, and how many of them have ended."""

    turns: int
    done: int


def count_turns(redis: "Redis", lessons: Sequence[Job]) -> list[TurnCount]:
    """The count of each lesson, from the sizes of two sets in Redis."""
    with redis.pipeline(transaction=False) as pipe:
        for lesson in lessons:
            pipe.zcard(f"{PREFIX}children:{turns_name(lesson)}")
            pipe.scard(f"{PREFIX}parts:{turns_name(lesson)}")
        sizes = pipe.execute()
    return [TurnCount(turns, turns - open_) for turns, open_ in zip(sizes[::2], sizes[1::2], strict=True)]


def version_tag(redis: "Redis", lesson: Job) -> str:
    """A tag that changes whenever the lesson or one of its turns does; cheaper than reading all of them."""
    names = cast(list[str], redis.zrange(f"{PREFIX}children:{turns_name(lesson)}", 0, -1))
    with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hget(f"{PREFIX}job:{name}", "version")
        versions = ",".join(map(str, pipe.execute()))
    return f"{lesson.version}-{hashlib.sha256(versions.encode()).hexdigest()[:16]}"


def turns_name(lesson: Job) -> str:
    """The name in the Redis keys of the lesson's turns: a rerun of a lesson shares the turns of the first version."""
    return f"{lesson.request.tenant}/{lesson.request.turns_of}"


def eta_s(turns: Sequence[Turn], loads: Mapping[str, StageLoad]) -> float | None:
    """Seconds until the turns have ended and the summary is spoken, at the present loads of the stages.

    None while the speed of recognition or of the language model is not known. The spoken summary is included once the
    speed of speech was measured.
    """
    asr, llm = loads.get("asr"), loads.get("llm")
    if asr is None or llm is None:
        return None
    turns_to_transcribe = sum(turn.job.ended_at is None and turn.job.stage == "asr" for turn in turns)
    transcribing_s = jobs_ahead(asr) * asr.interval_s if turns_to_transcribe else 0.0
    answering_s = (jobs_ahead(llm) + turns_to_transcribe) * llm.interval_s
    summary_s = llm.run_s + (loads["tts"].run_s if "tts" in loads else 0.0)
    return max(transcribing_s, answering_s) + summary_s


def jobs_ahead(load: StageLoad) -> float:
    """How many jobs the stage runs first, since a lesson's turns wait for all others."""
    return load.waiting + load.running_jobs
