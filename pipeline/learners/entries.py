"""What one job adds to the ledger of its learner: mistakes, right uses, and how clearly words were read.

A sentence is kept only where something was put right in it. Nothing is kept of words that an adult should see.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pipeline.jobs.job import JobRequest
from pipeline.jobs.records import to_json
from pipeline.jobs.results import Edit, Feedback, ReadingFluency, Transcript, Verdict
from pipeline.learners.identity import find_learner
from pipeline.learners.right_uses import find_right_uses
from pipeline.text.corrections import quote
from pipeline.text.statistics import normalize_words

OTHER_KIND = "R:OTHER"  # of an edit without a kind, such as a teacher's own
MAX_MISTAKES, MAX_WORDS = 20, 100  # of one job


@dataclass(frozen=True)
class MistakeNote:
    """One edit: `before` became `after`, in the sentence that was `heard`; `better` is that sentence put right.

    `explanations` say why, by language: "en" and "zh".
    """

    kind: str
    before: str
    after: str
    heard: str
    better: str
    explanations: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class UnclearNote:
    """A word that was read and not clear, `start` and `end` in seconds from the recording's start.

    `weakest`: its sound that was heard least, as the IPA writes it.
    """

    word: str
    start: float
    end: float
    weakest: str = ""


@dataclass(frozen=True)
class HomeworkNote:
    """Of the homework of a class that is kept: what its progress counts, without any words.

    `handed_in_at` in Unix seconds. `words` were said and `corrections` made, both 0 unless the `verdict` is a checked
    one, and where a text was read aloud; "" is the verdict where an adult should see the words. Of a text that was read
    aloud, `clear` words were clear and `unclear` ones were not.
    """

    assignment: str
    handed_in_at: float
    verdict: Verdict | Literal[""] = ""
    words: int = 0
    corrections: int = 0
    clear: int = 0
    unclear: int = 0


@dataclass(frozen=True)
class LedgerEntry:
    """What the job with the id `job` adds: `right` are the kinds of right uses, `clear` the words read clearly.

    `student` and `group`: whose homework it is, "" elsewhere; `work`: of a class that is kept. `fluency`: how fluently
    a text was read aloud.
    """

    job: str
    mistakes: tuple[MistakeNote, ...] = ()
    right: tuple[str, ...] = ()
    unclear: tuple[UnclearNote, ...] = ()
    clear: tuple[str, ...] = ()
    student: str = ""
    group: str = ""
    fluency: ReadingFluency | None = None
    work: HomeworkNote | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.mistakes or self.right or self.unclear or self.clear or self.fluency or self.work)


def build_entry(request: JobRequest, transcript: Transcript | None, feedback: Feedback) -> LedgerEntry | None:
    """What a job with these results adds; None if that is nothing, or if it has no learner."""
    if not find_learner(request):
        return None
    if feedback.verdict == "needs_an_adult":
        alone = LedgerEntry(request.id, student=request.student, work=note_homework(request, None, None))
        return None if alone.is_empty else alone
    counts = feedback.is_checked and not is_read_aloud(request)
    entry = LedgerEntry(
        job=request.id,
        mistakes=find_mistakes(feedback) if counts else (),
        right=find_right_uses(feedback) if counts else (),
        unclear=find_unclear_words(transcript),
        clear=find_clear_words(transcript),
        student=request.student,
        group=request.group,
        fluency=transcript.reading.fluency if transcript and transcript.reading else None,
        work=note_homework(request, transcript, feedback),
    )
    return None if entry.is_empty else entry


def is_read_aloud(request: JobRequest) -> bool:
    """Whether a text is read: another's sentences are no own use."""
    return bool(request.assignment and request.details.get("text"))


def note_homework(
    request: JobRequest, transcript: Transcript | None, feedback: Feedback | None, created_at: float = 0
) -> HomeworkNote | None:
    """What the progress of a class counts of a job; None where it is nobody's of a class that is kept."""
    if not request.pupil:
        return None
    reading = transcript.reading if transcript else None
    states = Counter(word.state for word in reading.words) if reading and feedback else Counter()
    counts = bool(feedback and feedback.is_checked and not is_read_aloud(request))
    return HomeworkNote(
        assignment=request.assignment,
        handed_in_at=float(request.details.get("handed_in_at", created_at)),
        verdict=feedback.verdict if feedback else "",
        words=len(normalize_words(feedback.heard)) if feedback and counts else 0,
        corrections=len(feedback.edits) if feedback and counts else 0,
        clear=states["said"],
        unclear=states["not_clear"],
    )


def entry_json(request: JobRequest, transcript: Transcript | None, feedback: Feedback) -> str | None:
    """The entry as its JSON text, in which it is stored."""
    entry = build_entry(request, transcript, feedback)
    return to_json(entry) if entry else None


def find_mistakes(feedback: Feedback) -> tuple[MistakeNote, ...]:
    return tuple(describe_mistake(feedback, edit) for edit in feedback.edits[:MAX_MISTAKES] if is_audible(edit))


def is_audible(edit: Edit) -> bool:
    """Whether words differ, not only their capitals or punctuation."""
    return normalize_words(edit.before) != normalize_words(edit.after)


def describe_mistake(feedback: Feedback, edit: Edit) -> MistakeNote:
    example = quote("", feedback, edit)
    kind = edit.kind or OTHER_KIND
    return MistakeNote(kind, edit.before, edit.after, example.original, example.corrected, edit.explanations)


def find_unclear_words(transcript: Transcript | None) -> tuple[UnclearNote, ...]:
    words = transcript.reading.words if transcript and transcript.reading else ()
    return tuple(
        UnclearNote(each.word, each.start, each.end, each.weakest)
        for each in words
        if each.state == "not_clear" and each.start is not None and each.end is not None
    )[:MAX_WORDS]


def find_clear_words(transcript: Transcript | None) -> tuple[str, ...]:
    words = transcript.reading.words if transcript and transcript.reading else ()
    clear_words = (word for each in words if each.state == "said" for word in normalize_words(each.word))
    return tuple(dict.fromkeys(clear_words))[:MAX_WORDS]
