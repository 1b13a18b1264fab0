"""A lesson's transcript as text with times, as subtitles, or as JSON with every word."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from api.lessons.view import is_learner, is_silent
from api.subtitles import Cue, as_srt, as_vtt, cues
from pipeline.jobs.job import Job
from pipeline.jobs.results import Transcript, Word
from pipeline.lessons import LessonFigures, Turn, compute_figures, group_by_chapter, split_into_chapters
from pipeline.schemas import jobs as job_schemas
from pipeline.schemas import lessons as schemas
from pipeline.timestamps import format_elapsed, format_intervals

LEARNER, OTHER = "Learner", "Other"
SIDES = {"left": "Left", "right": "Right", "": ""}  # speakers, where the learner is not known


@dataclass(frozen=True)
class LessonTranscript:
    """A lesson and its turns so far."""

    lesson: Job
    turns: Sequence[Turn]

    @property
    def complete(self) -> bool:
        """Whether all turns have ended, so that nothing will be added."""
        return self.lesson.ended_at is not None or (
            self.lesson.segments is not None and all(turn.job.ended_at is not None for turn in self.turns)
        )

    @property
    def figures(self) -> LessonFigures:
        return compute_figures(self.lesson.segments.duration_s if self.lesson.segments else 0.0, self.turns)

    def speaker(self, turn: Turn) -> str:
        """The speaker's label; "" where the recording does not separate speakers."""
        if not turn.speaker or not self.lesson.request.details.get("learner"):
            return SIDES[turn.speaker]
        return LEARNER if is_learner(turn) else OTHER


def txt(lesson: LessonTranscript) -> str:
    """Chapter by chapter, one line per turn. Failed turns are marked, silent ones left out."""
    title = lesson.lesson.request.details.get("title", "")
    lines = [f"{title}\n"] if title else []
    for chapter, turns in group_by_chapter(lesson.turns):
        lines.append(f"== {format_elapsed(chapter.start)} {chapter.title}".rstrip() + " ==\n")
        lines += [turn_line(lesson, turn) for turn in turns if not is_silent(turn)]
        lines.append("")
    if not lesson.complete:
        lines.append("(not all of the lesson has been transcribed yet)")
    return "\n".join(lines).strip("\n") + "\n"


def turn_line(lesson: LessonTranscript, turn: Turn) -> str:
    speaker = lesson.speaker(turn)
    error = turn.job.error
    placeholder = f"(failed: {error['code']})" if error else "(not transcribed yet)"
    label = f"{speaker}: " if speaker else ""
    gaps = format_intervals(turn.job.transcript.gaps, turn.start) if turn.job.transcript else ""
    note = f" (not understood: {gaps})" if gaps else ""
    return f"[{format_elapsed(turn.start)}] {label}{' '.join(turn.text.split()) or placeholder}{note}"


def srt(lesson: LessonTranscript) -> str:
    """SubRip subtitles; a turn begins with its speaker, where that is known."""
    turns = transcribed_turns(lesson)
    transcripts = (prefix_speaker(transcript, lesson.speaker(turn)) for turn, transcript in turns)
    return as_srt(sort_cues(cue for transcript in transcripts for cue in cues(transcript)))


def vtt(lesson: LessonTranscript) -> str:
    """WebVTT subtitles; a cue names its speaker, where that is known."""
    turns = transcribed_turns(lesson)
    return as_vtt(
        sort_cues(replace(cue, voice=lesson.speaker(turn)) for turn, transcript in turns for cue in cues(transcript))
    )


def sort_cues(unsorted_cues: Iterator[Cue]) -> list[Cue]:
    """Sort by start, so that simultaneous speakers are shown at the same time."""
    return sorted(unsorted_cues, key=attrgetter("start"))


def transcribed_turns(lesson: LessonTranscript) -> Iterator[tuple[Turn, Transcript]]:
    """Each transcribed turn, with its transcript in seconds from the lesson's start."""
    for turn in lesson.turns:
        if turn.job.transcript:
            yield turn, shift(turn.job.transcript, turn.start)


def shift(transcript: Transcript, by_s: float) -> Transcript:
    """The transcript, `by_s` seconds later."""

    def move_later(piece: Any) -> Any:
        return replace(piece, start=round(piece.start + by_s, 3), end=round(piece.end + by_s, 3))

    words, segments = tuple(map(move_later, transcript.words)), tuple(map(move_later, transcript.segments))
    gaps = tuple(map(move_later, transcript.gaps))
    return replace(transcript, words=words, segments=segments, gaps=gaps, duration_s=transcript.duration_s + by_s)


def prefix_speaker(transcript: Transcript, speaker: str) -> Transcript:
    """The transcript, with its speaker's label in front."""
    if not speaker or not transcript.words or not transcript.segments:
        return transcript
    label, (first_segment, *other_segments) = f"{speaker}:", transcript.segments
    word = Word(label, transcript.words[0].start, transcript.words[0].start, 1.0)
    segments = (replace(first_segment, text=f"{label} {first_segment.text.strip()}"), *other_segments)
    return replace(transcript, text=f"{label} {transcript.text}", words=(word, *transcript.words), segments=segments)


def as_json(lesson: LessonTranscript) -> schemas.LessonTranscript:
    job = lesson.lesson
    return schemas.LessonTranscript(
        id=job.id,
        title=job.request.details.get("title", ""),
        complete=lesson.complete,
        duration_s=job.segments.duration_s if job.segments else None,
        chapters=[schemas.LessonChapter.model_validate(chapter) for chapter in split_into_chapters(lesson.turns)],
        turns=[
            schemas.TranscribedTurn(
                number=turn.number,
                start=turn.start,
                end=turn.end,
                speaker=turn.speaker,
                learner=is_learner(turn),
                language=transcript.language,
                text=transcript.text,
                words=[job_schemas.Word.model_validate(word) for word in transcript.words],
                segments=[job_schemas.Segment.model_validate(segment) for segment in transcript.segments],
                gaps=[job_schemas.Gap.model_validate(gap) for gap in transcript.gaps],
            )
            for turn, transcript in transcribed_turns(lesson)
        ],
    )


AS_TEXT = {"txt": ("text/plain", txt), "srt": ("text/plain", srt), "vtt": ("text/vtt", vtt)}
