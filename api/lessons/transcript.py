"""What was said in a lesson as a file: text with times, subtitles, or JSON with every word in its place."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from typing import Any

from api.lessons.view import is_learner, is_silent
from api.subtitles import Cue, as_srt, as_vtt, cues
from pipeline.jobs.job import Job
from pipeline.jobs.results import Transcript, Word
from pipeline.lessons import Figures, Turn, by_chapter, chapters, figures
from pipeline.timestamps import elapsed

LEARNER, OTHER = "Learner", "Other"
SIDES = {"left": "Left", "right": "Right", "": ""}  # speakers of whom nobody said which one is the learner


@dataclass(frozen=True)
class Said:
    """A lesson and its turns so far."""

    lesson: Job
    turns: Sequence[Turn]

    @property
    def complete(self) -> bool:
        """Whether nothing will be added."""
        return self.lesson.ended_at is not None or (
            self.lesson.cuts is not None and all(turn.job.ended_at is not None for turn in self.turns)
        )

    @property
    def figures(self) -> Figures:
        return figures(self.lesson.cuts.duration_s if self.lesson.cuts else 0.0, self.turns)

    def speaker(self, turn: Turn) -> str:
        """Who speaks, in a word; "" where the recording has no speakers apart."""
        if not turn.speaker or not self.lesson.request.details.get("learner"):
            return SIDES[turn.speaker]
        return LEARNER if is_learner(turn) else OTHER


def txt(said: Said) -> str:
    """Chapter by chapter, a turn a line; a turn that came to nothing is named, one in which nobody spoke left out."""
    title = said.lesson.request.details.get("title", "")
    lines = [f"{title}\n"] if title else []
    for chapter, turns in by_chapter(said.turns):
        lines.append(f"== {elapsed(chapter.start)} {chapter.title}".rstrip() + " ==\n")
        lines += [line(said, turn) for turn in turns if not is_silent(turn)]
        lines.append("")
    if not said.complete:
        lines.append("(not all of the lesson has been heard yet)")
    return "\n".join(lines).strip("\n") + "\n"


def line(said: Said, turn: Turn) -> str:
    who = said.speaker(turn)
    error = turn.job.error
    waiting = f"(failed: {error['code']})" if error else "(not heard yet)"
    return f"[{elapsed(turn.start)}] {f'{who}: ' if who else ''}{' '.join(turn.text.split()) or waiting}"


def srt(said: Said) -> str:
    """Subtitles; a turn begins with who speaks, where that is known."""
    return as_srt(in_order(cue for turn, heard in heard_turns(said) for cue in cues(begun(heard, said.speaker(turn)))))


def vtt(said: Said) -> str:
    """Subtitles in which every cue has its voice, where that is known."""
    return as_vtt(
        in_order(replace(cue, voice=said.speaker(turn)) for turn, heard in heard_turns(said) for cue in cues(heard))
    )


def in_order(found: Iterator[Cue]) -> list[Cue]:
    """By their start: two who speak at the same time are shown at the same time."""
    return sorted(found, key=attrgetter("start"))


def heard_turns(said: Said) -> Iterator[tuple[Turn, Transcript]]:
    """Each turn that was recognised, and what was heard, at its place in the lesson."""
    for turn in said.turns:
        if turn.job.transcript:
            yield turn, moved(turn.job.transcript, turn.start)


def moved(heard: Transcript, by: float) -> Transcript:
    """What was heard, `by` seconds later."""

    def later(piece: Any) -> Any:
        return replace(piece, start=round(piece.start + by, 3), end=round(piece.end + by, 3))

    words, segments = tuple(map(later, heard.words)), tuple(map(later, heard.segments))
    return replace(heard, words=words, segments=segments, duration_s=heard.duration_s + by)


def begun(heard: Transcript, who: str) -> Transcript:
    """What was heard, with who says it before it."""
    if not who or not heard.words or not heard.segments:
        return heard
    label, (first, *rest) = f"{who}:", heard.segments
    word = Word(label, heard.words[0].start, heard.words[0].start, 1.0)
    segments = (replace(first, text=f"{label} {first.text.strip()}"), *rest)
    return replace(heard, text=f"{label} {heard.text}", words=(word, *heard.words), segments=segments)


def as_json(said: Said) -> dict[str, Any]:
    lesson = said.lesson
    return {
        "id": lesson.id,
        "title": lesson.request.details.get("title", ""),
        "complete": said.complete,
        "duration_s": lesson.cuts.duration_s if lesson.cuts else None,
        "chapters": [asdict(chapter) for chapter in chapters(said.turns)],
        "turns": [
            {
                "number": turn.number,
                "start": turn.start,
                "end": turn.end,
                "speaker": turn.speaker,
                "learner": is_learner(turn),
                "language": heard.language,
                "text": heard.text,
                "words": [asdict(word) for word in heard.words],
                "segments": [asdict(segment) for segment in heard.segments],
            }
            for turn, heard in heard_turns(said)
        ],
    }


AS_TEXT = {"txt": ("text/plain", txt), "srt": ("text/plain", srt), "vtt": ("text/vtt", vtt)}
