"""A lesson put together again from its turns: who said what when, and the chapters that it falls into.

Each turn is a job of its own, which may have failed; the lesson's figures are in lesson_figures.py.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from redis import Redis

from pipeline.errors import NoSpeech
from pipeline.jobs.eta import StageLoad
from pipeline.jobs.job import Job
from pipeline.jobs.results import Speaker
from pipeline.jobs.store import PREFIX
from pipeline.text.corrections import FUNCTION_WORDS
from pipeline.text.statistics import Mistake, UnclearWord, count_mistakes, count_unclear_words, normalize_words

AT_ONCE = 200  # records read at once, so that a lesson of hours does not keep Redis from others
CHAPTER_S = 300  # seconds that a chapter lasts, about
EARLY, LATE = 0.5, 1.5  # of CHAPTER_S: the longest pause between them ends a chapter
TITLE_WORDS = 8
TITLE_CHARS = 60  # characters of a title; Chinese has no spaces to count words by


@dataclass(frozen=True)
class Turn:
    """One turn of a lesson: its number, counted from 1, its place in seconds from the lesson's start, and its job."""

    number: int
    start: float
    end: float
    speaker: Speaker
    job: Job

    @property
    def text(self) -> str:
        """What was heard; "" while nothing was, or when it was not recognised."""
        return self.job.transcript.text if self.job.transcript else ""


@dataclass(frozen=True)
class Chapter:
    """A stretch of a lesson, in seconds from its start; the title is what was said first in it."""

    title: str
    start: float
    end: float


def children(redis: "Redis", lesson: Job) -> list[Job]:
    """The jobs of the lesson's turns, in the order in which they were said, without those no longer kept."""
    line = f"{PREFIX}children:{lesson.request.tenant}/{lesson.request.turns_of}"
    names = cast(list[str], redis.zrange(line, 0, -1))
    found: list[Job] = []
    for first in range(0, len(names), AT_ONCE):
        with redis.pipeline(transaction=False) as reading:
            for name in names[first : first + AT_ONCE]:
                reading.hgetall(f"{PREFIX}job:{name}")
            found += [Job.from_record(record) for record in reading.execute() if "stages" in record]
    return found


def turns(jobs: Iterable[Job]) -> list[Turn]:
    """The turns of these jobs, as their details have them, by number."""
    found = []
    for job in jobs:
        at = job.request.details
        found.append(Turn(int(at["number"]), float(at["start"]), float(at["end"]), at["speaker"], job))
    return sorted(found, key=lambda turn: turn.number)


def chapters(turns: Sequence[Turn]) -> list[Chapter]:
    """A new chapter begins after the longest pause that there is about CHAPTER_S after the last one began.

    The last chapter is shorter, or a little longer, than the others. None where there are no turns.
    """
    found, rest = [], list(turns)
    while rest:
        size = _chapter(rest)
        found.append(Chapter(_title(rest[:size]), rest[0].start, max(turn.end for turn in rest[:size])))
        rest = rest[size:]
    return found


def by_chapter(turns: Sequence[Turn]) -> list[tuple[Chapter, list[Turn]]]:
    """The chapters, and the turns that begin in each."""
    found, rest = [], list(turns)
    for chapter in chapters(turns):
        within = [turn for turn in rest if turn.start <= chapter.end]
        found.append((chapter, within))
        rest = rest[len(within) :]
    return found


def _chapter(rest: Sequence[Turn]) -> int:
    """How many of the turns make up the first chapter."""
    begun, ended = rest[0].start, rest[0].end
    if max(turn.end for turn in rest) - begun <= LATE * CHAPTER_S:
        return len(rest)
    pauses: dict[int, float] = {}
    for number, turn in enumerate(rest[1:], 1):
        if ended - begun > LATE * CHAPTER_S and pauses:
            break
        if ended - begun >= EARLY * CHAPTER_S:
            pauses[number] = turn.start - ended
        ended = max(ended, turn.end)
    return max(pauses, key=lambda number: pauses[number], default=len(rest))


def _title(turns: Sequence[Turn]) -> str:
    """The first words of the first turn in which any were heard; "" where none were."""
    text = next((turn.text for turn in turns if turn.text), "")
    words = text.split()
    title = " ".join(words[:TITLE_WORDS])
    short = title[:TITLE_CHARS].rstrip()
    return f"{short} …" if short and (len(words) > TITLE_WORDS or short != title) else short


SENTENCES, WORDS = 3, 5  # of a practice list
SENTENCE_CHARS = 80  # characters of a sentence that can be said again
LETTERS = 3  # of a word that is practised alone, at least


@dataclass(frozen=True)
class Failed:
    """A turn that came to nothing: its number, its place in seconds from the lesson's start, its error's code."""

    number: int
    start: float
    end: float
    code: str


@dataclass(frozen=True)
class Figures:
    """A lesson of `seconds`. `turns` counts those still kept, `learner` those of the learner that were recognised.

    `checked` are those of the learner's that were looked at for mistakes: not those in a language that is not taught.
    In `silent` turns nobody spoke, which is no failure. `words`, `mistakes` and `unclear` are the learner's alone;
    a `source` in them is the number of a turn.
    """

    seconds: float
    turns: int
    learner: int
    checked: int
    failed: tuple[Failed, ...]
    silent: int
    words: int
    mistakes: tuple[Mistake, ...]
    unclear: tuple[UnclearWord, ...]
    practice: tuple[str, ...]


def figures(seconds: float, turns: Sequence[Turn]) -> Figures:
    """Those of the turns as they stand; of a lesson that is still listened to, those of what was heard so far."""
    learner = [turn for turn in turns if turn.job.request.task == "turn" and turn.text]
    mistakes = count_mistakes((str(turn.number), turn.job.feedback) for turn in learner if turn.job.feedback)
    transcripts = ((str(turn.number), turn.job.transcript) for turn in learner if turn.job.transcript)
    unclear_words = count_unclear_words(transcripts)
    failed = tuple(_failed(turns))
    return Figures(
        seconds=seconds,
        turns=len(turns),
        learner=len(learner),
        checked=sum(bool(turn.job.feedback and turn.job.feedback.reply) for turn in learner),
        failed=tuple(each for each in failed if each.code != NoSpeech.code),
        silent=sum(each.code == NoSpeech.code for each in failed),
        words=sum(len(normalize_words(turn.text)) for turn in learner),
        mistakes=tuple(mistakes),
        unclear=tuple(unclear_words),
        practice=practice(mistakes, unclear_words),
    )


def practice(mistakes: Iterable[Mistake], unclear: Iterable[UnclearWord]) -> tuple[str, ...]:
    """What to say again: right sentences, of the most frequent mistakes first, then the words least understood.

    A word that is said well more often than not, or too small to be said alone, is left out.
    """
    sentences = (example.corrected for mistake in mistakes for example in mistake.examples[:1])
    short = [text for text in dict.fromkeys(sentences) if len(text) <= SENTENCE_CHARS]
    hard = [each.word for each in unclear if 2 * each.unclear_count >= each.spoken_count]
    alone = [word for word in hard if len(word) >= LETTERS and word not in FUNCTION_WORDS]
    return (*short[:SENTENCES], *alone[:WORDS])


def _failed(turns: Iterable[Turn]) -> Iterable[Failed]:
    for turn in turns:
        if error := turn.job.error:
            yield Failed(turn.number, turn.start, turn.end, error["code"])


@dataclass(frozen=True)
class Count:
    """How many turns a lesson has so far, and how many of them have ended."""

    turns: int
    done: int


def counts(redis: "Redis", lessons: Sequence[Job]) -> list[Count]:
    """Those of each lesson, by two numbers that Redis keeps."""
    with redis.pipeline(transaction=False) as reading:
        for lesson in lessons:
            reading.zcard(f"{PREFIX}children:{of_turns(lesson)}")
            reading.scard(f"{PREFIX}parts:{of_turns(lesson)}")
        found = reading.execute()
    return [Count(turns, turns - open_) for turns, open_ in zip(found[::2], found[1::2], strict=True)]


def tag(redis: "Redis", lesson: Job) -> str:
    """Another one whenever the lesson or one of its turns has changed; cheaper than reading them."""
    names = cast(list[str], redis.zrange(f"{PREFIX}children:{of_turns(lesson)}", 0, -1))
    with redis.pipeline(transaction=False) as reading:
        for name in names:
            reading.hget(f"{PREFIX}job:{name}", "version")
        versions = ",".join(map(str, reading.execute()))
    return f"{lesson.version}-{hashlib.sha256(versions.encode()).hexdigest()[:16]}"


def of_turns(lesson: Job) -> str:
    """The name under which the lesson's turns are kept: another version of a lesson has those of the first one."""
    return f"{lesson.request.tenant}/{lesson.request.turns_of}"


def eta_s(turns: Sequence[Turn], loads: Mapping[str, StageLoad]) -> float | None:
    """Seconds until the turns have ended and the summary is spoken, at the present loads of the stages.

    None while the speed of recognition or of the language model is not known. The spoken summary is included once the
    speed of speech was measured.
    """
    asr, llm = loads.get("asr"), loads.get("llm")
    if asr is None or llm is None:
        return None
    untranscribed = sum(turn.job.ended_at is None and turn.job.stage == "asr" for turn in turns)
    transcribing_s = jobs_ahead(asr) * asr.interval_s if untranscribed else 0.0
    answering_s = (jobs_ahead(llm) + untranscribed) * llm.interval_s
    summary_s = llm.run_s + (loads["tts"].run_s if "tts" in loads else 0.0)
    return max(transcribing_s, answering_s) + summary_s


def jobs_ahead(load: StageLoad) -> float:
    """Whole jobs that the stage still has to do first: lessons' turns wait for all others."""
    return load.waiting["bulk"] + load.running_jobs
