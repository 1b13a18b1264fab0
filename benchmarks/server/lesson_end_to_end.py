"""A lesson of known text and pauses through a server: speed, word errors, borders within speech, memory, delays.

Run with: python -m benchmarks.server.lesson_end_to_end [--minutes 30] [--interactive]

It starts its own server in a temporary folder. With --interactive a learner asks the teacher now and then before and
during the lesson, which shows what the lesson costs those who wait for an answer.
"""

import argparse
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.harness import MODEL_STAGES, job_seconds, run_server, temporary_settings
from pipeline.schemas.jobs import Job
from pipeline.schemas.lessons import LessonView
from pipeline.settings import Settings
from tests.support.recordings import load_recording
from tests.support.sample_lesson import ALL_IDS, PATHS, SampleLesson, make_lesson
from tests.support.transcripts import word_error_rate, word_errors, words
from waijiao.client import Client
from waijiao.local.supervisor import Supervisor
from worker_asr import engine as asr
from worker_asr.engine import Recording
from worker_segment.speaker_turns import WINDOWS_PER_S, speech_by_speaker
from worker_segment.voice_activity import detect_voice_activity

PAUSES_S = (0.6, 4.0)  # shortest and longest pause between two recordings
INTERACTIVE_RECORDING = PATHS["ruoxi-wu"]
OTHER_RECORDING = PATHS["bowen-he"]  # recognised between two of the interactive ones, which are not cached then
INTERACTIVE_JOBS_BEFORE = 12
INTERACTIVE_PAUSE_S = 5.0  # from an answer to the next interactive job during the lesson
MEMORY_POLL_S = 1.0
MEASURED_SERVICES = ("api", "segment1", "asr1", "llm1")  # whose memory is measured
BORDER_TOLERANCE_S = 0.064  # two windows of Silero VAD: other sounds before a word move its detected start by as much
MAX_SLOWDOWN = 1.5  # times as long as alone that an interactive job may take, besides waiting for running turns


def main(minutes: float, interactive: bool, out: Console) -> None:
    sample = build_lesson(minutes)
    with temporary_settings() as settings:
        transcripts = transcribe_alone(settings)
        file = settings.home / "lesson.flac"
        file.write_bytes(sample.flac())
        with run_server(settings) as server, Client(server.url) as client:
            before = run_interactive_jobs(client, INTERACTIVE_JOBS_BEFORE if interactive else 1)
            during: list[Job] = []

            def ask_meanwhile() -> None:
                if interactive:
                    during.append(run_interactive_job(client))

            memory = MemoryMeasurement(server)
            memory.measure()
            started_at = time.monotonic()
            with (
                call_repeatedly(memory.measure, MEMORY_POLL_S),
                call_repeatedly(ask_meanwhile, INTERACTIVE_PAUSE_S),
            ):
                *_, lesson = client.lesson_progress(client.submit_lesson(file, language="en"))
            lesson_s = time.monotonic() - started_at
            turns = [client.job(turn.job) for turn in lesson.turns]
    out.print(
        f"{sample.seconds / 60:.1f} minutes, {len(sample.pieces)} recordings: {lesson.state} after {lesson_s:.0f} s, "
        f"{sample.seconds / lesson_s:.1f} times real time; {len(turns)} turns, {lesson.progress.failed} failed"
    )
    print_word_errors(out, sample, lesson, transcripts)
    print_borders(out, sample, lesson)
    memory.print_table(out)
    if interactive:
        print_interactive_delays(out, before, during, turns)


def build_lesson(minutes: float) -> SampleLesson:
    """All recordings in random order, again and again, until they last that many minutes, or a little longer."""
    random, ids, seconds = np.random.default_rng(3), list[str](), 0.0
    while seconds < 60 * minutes:
        for id_ in random.permutation(ALL_IDS).tolist():
            if seconds < 60 * minutes:
                ids.append(id_)
                seconds += load_recording(PATHS[id_]).duration_s + sum(PAUSES_S) / 2
    return make_lesson(ids, PAUSES_S)


def transcribe_alone(settings: Settings) -> dict[str, str]:
    """The text that is recognised in each recording by itself; "" where that fails."""
    recogniser, texts = asr.load(settings), {}
    for id_ in ALL_IDS:
        (transcript,) = recogniser.transcribe([Recording(load_recording(PATHS[id_]), "en")])
        texts[id_] = getattr(transcript, "text", "")
    return texts


# --- interactive jobs ---


def run_interactive_jobs(client: Client, count: int) -> list[Job]:
    """So many ended jobs, each after another recording, so that no transcript is cached."""
    jobs = []
    for _ in range(count):
        client.ask(OTHER_RECORDING, language="en")
        jobs.append(run_interactive_job(client))
    return jobs


def run_interactive_job(client: Client) -> Job:
    return client.ask(INTERACTIVE_RECORDING, language="en").job


@contextmanager
def call_repeatedly(function: Callable[[], object], pause_s: float) -> Iterator[None]:
    """Inside of this context another thread calls the function again and again, with a pause before each call."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(pause_s):
            function()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def print_interactive_delays(out: Console, before: Sequence[Job], during: Sequence[Job], turns: Sequence[Job]) -> None:
    """How long interactive jobs took before and during the lesson, and what they waited for: its running turns."""
    alone_s, during_s = statistics.median(map(job_seconds, before)), statistics.median(map(job_seconds, during))
    out.print(f"an interactive job: {alone_s:.2f} s alone, {during_s:.2f} s during the lesson; {len(during)} were sent")
    titles = ("ran alone", "ran during it", "waited during it", "most", "a turn of the lesson", "most")
    table = Table("seconds, medians", *titles)
    for stage in MODEL_STAGES:
        turns_ran_s = [job.timings[stage].ran_s or 0 for job in turns if stage in job.timings] or [0.0]
        waited_s = [job.timings[stage].waited_s or 0 for job in during]
        columns = (
            *(statistics.median(job.timings[stage].ran_s or 0 for job in jobs) for jobs in (before, during)),
            *(statistic(seconds) for seconds in (waited_s, turns_ran_s) for statistic in (statistics.median, max)),
        )
        table.add_row(stage, *(f"{seconds:.2f}" for seconds in columns))
    out.print(table)
    excesses_s = [excess_s for job in during if (excess_s := compute_excess_s(job, alone_s, turns)) > 0]
    out.print(
        f"took more than {MAX_SLOWDOWN} times as long as alone and what they waited for running turns: "
        f"{len(excesses_s)}, by {max(excesses_s, default=0):.2f} s at most"
    )


def compute_excess_s(job: Job, alone_s: float, turns: Sequence[Job]) -> float:
    """Seconds beyond what an interactive job may take. At each stage it may also wait for one turn, the longest."""
    allowed_wait_s = 0.0
    for stage, timing in job.timings.items():
        longest_s = max((turn.timings[stage].ran_s or 0 for turn in turns if stage in turn.timings), default=0.0)
        allowed_wait_s += min(timing.waited_s or 0, longest_s)
    return job_seconds(job) - allowed_wait_s - MAX_SLOWDOWN * alone_s


# --- the lesson's result ---


def print_word_errors(out: Console, sample: SampleLesson, lesson: LessonView, transcripts: Mapping[str, str]) -> None:
    """The lesson's transcript against the text that was read; and each recording's transcript by itself."""
    reference = " ".join(piece.text for piece in sample.pieces)
    lesson_rate = word_error_rate([(reference, " ".join(turn.text for turn in lesson.turns))])
    errors = sum(word_errors(piece.text, transcripts[piece.id]) for piece in sample.pieces)
    alone_rate = errors / sum(len(words(piece.text)) for piece in sample.pieces)
    out.print(
        f"word error rate: {100 * alone_rate:.1f} % each piece alone, {100 * lesson_rate:.1f} % in the lesson "
        f"({100 * (lesson_rate - alone_rate):+.1f} points)"
    )


def print_borders(out: Console, sample: SampleLesson, lesson: LessonView) -> None:
    """How many borders of turns lie within speech, which is detected in each recording by itself."""
    speech = [(start + BORDER_TOLERANCE_S, end - BORDER_TOLERANCE_S) for start, end in find_speech(sample)]
    borders = [border for turn in lesson.turns for border in (turn.start, turn.end)]
    borders_in_speech = [border for border in borders if any(start < border < end for start, end in speech)]
    longest_s = max(turn.end - turn.start for turn in lesson.turns)
    out.print(f"borders within speech: {len(borders_in_speech)} of {len(borders)}; longest turn {longest_s:.1f} s")


def find_speech(sample: SampleLesson) -> Iterable[tuple[float, float]]:
    """The intervals of the lesson in which somebody speaks, in seconds from its start."""
    for piece in sample.pieces:
        samples = load_recording(PATHS[piece.id]).samples
        for start, end in speech_by_speaker(detect_voice_activity([samples[np.newaxis]]))[""]:
            yield piece.start + start / WINDOWS_PER_S, piece.start + end / WINDOWS_PER_S


class MemoryMeasurement:
    """Resident megabytes of each of MEASURED_SERVICES, its child processes included, at each measurement."""

    def __init__(self, server: Supervisor) -> None:
        self.server = server
        self.resident_mb: dict[str, list[float]] = {name: [] for name in MEASURED_SERVICES}

    def measure(self) -> None:
        for running in self.server.running:
            if running.service.name in self.resident_mb:
                parent = psutil.Process(running.process.pid)
                processes = (parent, *parent.children(recursive=True))
                total_bytes = sum(process.memory_info().rss for process in processes)
                self.resident_mb[running.service.name].append(total_bytes / 1e6)

    def print_table(self, out: Console) -> None:
        table = Table("resident MB", "before", "after a tenth", "at the end", "most")
        for name, series in self.resident_mb.items():
            cells = (series[0], series[len(series) // 10], series[-1], max(series))
            table.add_row(name, *(f"{megabytes:.0f}" for megabytes in cells))
        out.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30, help="length of the lesson")
    parser.add_argument("--interactive", action="store_true", help="ask the teacher before and during the lesson")
    arguments = parser.parse_args()
    main(arguments.minutes, arguments.interactive, Console(soft_wrap=True))
