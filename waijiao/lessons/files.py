"""What a lesson came to, as files in a folder: its transcript in every form, its summary in words and as sound."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.schemas.lessons import LessonMistake, LessonView
from pipeline.timestamps import elapsed
from waijiao.client import Client
from waijiao.client.fields import TranscriptFormat

SHOWN = 20  # mistakes, and unclear words, that summary.txt has
FORMATS: tuple[TranscriptFormat, ...] = ("txt", "srt", "vtt", "json")


def save(client: Client, lesson: LessonView, folder: Path) -> None:
    """Write transcript.txt, .srt, .vtt and .json, report.html, summary.txt, and the spoken summary if there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    for format_ in FORMATS:
        text = client.lesson_transcript(lesson, format_)
        folder.joinpath(f"transcript.{format_}").write_text(text, encoding="utf-8", newline="")
    folder.joinpath("report.html").write_text(client.lesson_report(lesson), encoding="utf-8", newline="")
    folder.joinpath("summary.txt").write_text("\n".join(summary(lesson)) + "\n", encoding="utf-8")
    if lesson.summary.audio:
        job = client.job(lesson.id)
        ending = job.answer.format if job.answer else "wav"
        folder.joinpath(f"summary.{ending}").write_bytes(client.lesson_summary(lesson))


def summary(lesson: LessonView) -> Iterator[str]:
    """The lines of summary.txt."""
    found = lesson.summary
    yield from filter(None, (lesson.title, found.text))
    yield f"\n{figures(lesson)}"
    if found.mistakes:
        yield "\nMistakes"
        yield from map(mistake, found.mistakes[:SHOWN])
    if found.unclear:
        yield "\nHard to understand"
        yield from (f"- {each.word}: {each.unclear} of {each.said} times" for each in found.unclear[:SHOWN])
    if found.practice:
        yield "\nTo practise"
        yield from (f"- {each}" for each in found.practice)
    if lesson.failed:
        yield "\nTurns that failed"
        yield from (
            f"- {each.number}, from {elapsed(each.start)} to {elapsed(each.end)}: {each.code}" for each in lesson.failed
        )


def figures(lesson: LessonView) -> str:
    """The lesson in numbers."""
    found, count = lesson.summary, lesson.progress
    numbers = (
        f"{count.turns} turns, {found.words} words of the learner's, {sum(m.count for m in found.mistakes)} corrections"
    )
    failed = f", {count.failed} failed" if count.failed else ""
    return f"{elapsed(lesson.duration_s or 0)}, {numbers}{failed}"


def mistake(each: LessonMistake) -> str:
    """One mistake, with the first sentence in which it was made."""
    if not each.to:
        words = f'leave out "{each.from_}"'
    elif each.from_:
        words = f'say "{each.to}" instead of "{each.from_}"'
    else:
        words = f'add "{each.to}"'
    example = f" – {each.examples[0].corrected}" if each.examples else ""
    return f"- {each.count} x {words}{example}"
