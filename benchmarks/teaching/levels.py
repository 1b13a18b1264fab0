"""What a level changes in the answers that the default install gives.

Run with: python -m benchmarks.teaching.levels [--limit N] [--instructions TEXT] [--answers]

Every turn of `fitting/turns.txt` is answered at each level as homework, by the teacher with its checker and its
language model, each turn as the first one of a session. Only what stands in the answers is counted. A word is simple if
it is one of the product's words of levels A1 and A2; the learner's own words are not counted there.
"""

import argparse
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import mean

from rich.console import Console
from rich.table import Table

from benchmarks.teaching.corpus import FOLDER, LEVELS
from benchmarks.teaching.measure import FILE_WIDTH, positive
from pipeline.errors import WaijiaoError
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.results import Edit, Feedback
from pipeline.levels import BEGINNERS_KINDS, choose_speed, is_of_kind
from pipeline.settings import Settings
from worker_llm.engine import LanguageModel, Prompt, load
from worker_llm.grammar.checker import CheckedSentence, Checker
from worker_llm.grammar.corrector import load_checker
from worker_llm.tutor.questions.vocabulary import is_common, is_content_word, split_words, was_said
from worker_llm.tutor.teacher import Teacher


@dataclass
class RememberingChecker:
    """Checks each text once: its corrections are the same at every level."""

    checker: Checker
    checked: dict[tuple[str, frozenset[int], str], tuple[CheckedSentence, ...]] = field(default_factory=dict)

    def check(self, text: str, unclear: Collection[int] = (), suggestion: str = "") -> tuple[CheckedSentence, ...]:
        key = text, frozenset(unclear), suggestion
        if key not in self.checked:
            self.checked[key] = self.checker.check(text, unclear, suggestion)
        return self.checked[key]


class FirstTurnTeacher(Teacher):
    """Answers every turn as the first one of its session."""

    def load_earlier(self, job: Job) -> list[tuple[int, Feedback]]:
        return []


@dataclass
class Answerer:
    """Answers typed turns of homework, and asks the model the same prompt once. Raises WaijiaoError where it fails."""

    teacher: Teacher
    model: LanguageModel
    replies: dict[Prompt, str] = field(default_factory=dict)

    def answer(self, text: str, level: str = "", instructions: str = "") -> Feedback:
        details = {"title": "", "instructions": instructions, "level": level}
        request = JobRequest("turn", "session", text=text, details=details, assignment="homework")
        job = Job(request, 1, "llm", "", 1, 0.0, 0.0, 0.0)
        prepared = self.teacher.prepare(job)
        if isinstance(prepared, Feedback):
            return prepared
        return prepared.make_feedback(self.ask(prepared.prompt))

    def ask(self, prompt: Prompt) -> str:
        key = Prompt(prompt.messages, prompt.max_tokens)
        if key not in self.replies:
            (completion,) = self.model.reply([prompt])
            if isinstance(completion, WaijiaoError):
                raise completion
            self.replies[key] = completion.text
        return self.replies[key]


@dataclass(frozen=True)
class LevelFigures:
    """What the answers at one level have.

    `explained`: the share of corrections that is explained; `of_beginners`: of these, the share of the kinds that
    beginners are told first. `explanations`, `words`, `question_words`: of an answer, on average. `simple`: the share
    of simple words in the questions. `pace`: the voice's.
    """

    explained: float
    of_beginners: float
    explanations: float
    words: float
    question_words: float
    simple: float
    pace: float


def find_explained(feedback: Feedback) -> list[Edit]:
    """The corrections whose explanation stands in the answer."""
    return [edit for edit in feedback.edits if edit.explanations.get("en", "") in feedback.explanation]


def measure_level(answers: Iterable[Feedback], level: str) -> LevelFigures:
    """Of the answers at this level, which are at least one."""
    feedbacks = list(answers)
    explained = [find_explained(each) for each in feedbacks]
    edits = [edit for each in explained for edit in each]
    of_beginners = [edit for edit in edits if any(is_of_kind(edit, kind) for kind in BEGINNERS_KINDS)]
    content_words = [
        (word, is_common(word))
        for each in feedbacks
        for word in split_words(each.reply)
        if is_content_word(word) and not was_said(word, frozenset(split_words(each.corrected)))
    ]
    return LevelFigures(
        explained=len(edits) / max(1, sum(len(each.edits) for each in feedbacks)),
        of_beginners=len(of_beginners) / max(1, len(edits)),
        explanations=mean(map(len, explained)),
        words=mean(len(each.spoken.split()) for each in feedbacks),
        question_words=mean(len(each.reply.split()) for each in feedbacks),
        simple=sum(common for _, common in content_words) / max(1, len(content_words)),
        pace=choose_speed(1.0, level),
    )


def read_turns(limit: int | None = None) -> list[str]:
    lines = (FOLDER / "fitting" / "turns.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")][:limit]


def load_answerer(settings: Settings) -> Answerer:
    """With the engines of the settings. Ends the program where one is missing, damaged or cannot be loaded."""
    try:
        model, checker = load(settings), load_checker(settings)
    except WaijiaoError as error:
        sys.exit(str(error))
    remembering = RememberingChecker(checker) if checker else None
    teacher = FirstTurnTeacher(settings, model.count_tokens, remembering, getattr(checker, "rank", None))
    return Answerer(teacher, model)


def show(console: Console, figures: dict[str, LevelFigures]) -> None:
    columns = ("explained", "of beginners' kinds", "explanations", "words", "words of question", "simple", "pace")
    table = Table("level", *columns)
    for level, each in figures.items():
        shares = f"{each.explained:.0%}", f"{each.of_beginners:.0%}"
        means = f"{each.explanations:.2f}", f"{each.words:.1f}", f"{each.question_words:.1f}"
        table.add_row(level, *shares, *means, f"{each.simple:.0%}", f"{each.pace:.2f}")
    console.print(table)


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teaching.levels")
    parser.add_argument("--limit", type=positive, metavar="N", help="answer only the first N turns")
    parser.add_argument("--instructions", default="", metavar="TEXT", help="of the homework")
    parser.add_argument("--answers", action="store_true", help="also show every answer")
    arguments = parser.parse_args(words)
    console, answerer = Console(width=None if sys.stdout.isatty() else FILE_WIDTH), load_answerer(Settings())
    figures = {}
    for level in LEVELS:
        turns = read_turns(arguments.limit)
        answers = [answerer.answer(text, level, arguments.instructions) for text in turns]
        figures[level] = measure_level(answers, level)
        for text, feedback in zip(turns, answers, strict=True) if arguments.answers else ():
            console.print(f"{level} {text}\n    {feedback.spoken}", highlight=False, markup=False)
    show(console, figures)


if __name__ == "__main__":
    main()
