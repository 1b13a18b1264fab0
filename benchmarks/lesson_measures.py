"""What benchmarks/lesson.py measures of a lesson that went through a house: words, cuts, memory, those who waited."""

import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from pipeline.jobs.job import MODEL_STAGES
from pipeline.schemas.jobs import Job
from pipeline.schemas.lessons import LessonView
from waijiao.local.supervisor import Supervisor
from worker_segment.speaker_turns import WINDOWS_PER_S, speech_by_speaker
from worker_segment.voice_activity import detect_voice_activity

sys.path.insert(0, str(Path(__file__).parent.parent))  # for tests.support
from tests.support.recordings import sound_of
from tests.support.sample_lesson import PATHS, Made
from tests.support.transcripts import word_error_rate, word_errors, words

EDGE_S = 0.064  # two windows of Silero VAD, by which the same word begins sooner or later after other sounds
ALLOWED = 1.5  # times as long as alone an interactive turn may take during a lesson, besides the items in hand
WATCHED = ("api", "segment1", "asr1", "llm1")  # services whose memory is watched


class Memory:
    """Resident megabytes of each watched service, its child processes included, at each look."""

    def __init__(self, house: Supervisor) -> None:
        self.house = house
        self.seen: dict[str, list[float]] = {name: [] for name in WATCHED}

    def look(self) -> None:
        for running in self.house.running:
            if running.service.name in self.seen:
                parent = psutil.Process(running.process.pid)
                every = (parent, *parent.children(recursive=True))
                self.seen[running.service.name].append(sum(each.memory_info().rss for each in every) / 1e6)

    def show(self, out: Console) -> None:
        table = Table("resident MB", "before", "after a tenth", "at the end", "most")
        for name, seen in self.seen.items():
            table.add_row(name, *(f"{each:.0f}" for each in (seen[0], seen[len(seen) // 10], seen[-1], max(seen))))
        out.print(table)


def show_words(out: Console, whole: Made, lesson: LessonView, alone: Mapping[str, str]) -> None:
    """The joined transcript against all that was read; and `alone`, what is heard in each recording by itself."""
    said = " ".join(piece.text for piece in whole.pieces)
    together = word_error_rate([(said, " ".join(turn.text for turn in lesson.turns))])
    errors = sum(word_errors(piece.text, alone[piece.id]) for piece in whole.pieces)
    single = errors / sum(len(words(piece.text)) for piece in whole.pieces)
    out.print(
        f"word error rate: {100 * single:.1f} % each piece alone, {100 * together:.1f} % in the lesson "
        f"({100 * (together - single):+.1f} points)"
    )


def show_cuts(out: Console, whole: Made, lesson: LessonView) -> None:
    """Whether a cut lies within speech, as each recording by itself says where that is."""
    spoken = list(speech(whole))
    cuts = [place for turn in lesson.turns for place in (turn.start, turn.end)]
    inside = [cut for cut in cuts if any(start + EDGE_S < cut < end - EDGE_S for start, end in spoken)]
    longest = max(turn.end - turn.start for turn in lesson.turns)
    out.print(f"cuts within speech: {len(inside)} of {len(cuts)}; longest turn {longest:.1f} s")


def speech(whole: Made) -> Iterable[tuple[float, float]]:
    """Where somebody speaks in the lesson, in seconds from its start."""
    for piece in whole.pieces:
        samples = sound_of(PATHS[piece.id]).samples
        for start, end in speech_by_speaker(detect_voice_activity([samples[np.newaxis]]))[""]:
            yield piece.start + start / WINDOWS_PER_S, piece.start + end / WINDOWS_PER_S


def show_waiting(out: Console, before: Sequence[Job], during: Sequence[Job], turns: Sequence[Job]) -> None:
    """How long interactive turns took, alone and during the lesson; what they waited for: a turn of it in hand."""
    alone, meanwhile = statistics.median(map(took, before)), statistics.median(map(took, during))
    out.print(
        f"an interactive turn: {alone:.2f} s alone, {meanwhile:.2f} s during the lesson; {len(during)} were asked"
    )
    table = Table(
        "seconds, medians", "ran alone", "ran meanwhile", "waited meanwhile", "most", "a turn of the lesson", "most"
    )
    for stage in MODEL_STAGES:
        ran = [job.timings[stage].ran_s or 0 for job in turns if stage in job.timings] or [0.0]
        waited = [job.timings[stage].waited_s or 0 for job in during]
        columns = (
            *(statistics.median(job.timings[stage].ran_s or 0 for job in jobs) for jobs in (before, during)),
            *(of(each) for each in (waited, ran) for of in (statistics.median, max)),
        )
        table.add_row(stage, *(f"{each:.2f}" for each in columns))
    out.print(table)
    over = [seconds for job in during if (seconds := over_s(job, alone, turns)) > 0]
    out.print(
        f"took more than {ALLOWED} times as long as alone and what they waited for turns in hand: {len(over)}, "
        f"by {max(over, default=0):.2f} s at most"
    )


def over_s(job: Job, alone: float, turns: Sequence[Job]) -> float:
    """Seconds beyond what an interactive turn may take: what it waited counts as far as one turn can take there."""
    hand = 0.0
    for stage, timing in job.timings.items():
        longest = max((turn.timings[stage].ran_s or 0 for turn in turns if stage in turn.timings), default=0.0)
        hand += min(timing.waited_s or 0, longest)
    return took(job) - hand - ALLOWED * alone


def took(job: Job) -> float:
    """Seconds from acceptance to the answer, by the job's own record."""
    return (job.updated_at - job.created_at).total_seconds()
