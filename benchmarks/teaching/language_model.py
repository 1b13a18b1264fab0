"""What a language model makes of the corpus of learners' sentences: alone, as with WAIJIAO_CHECKER=none, or suggesting
its correction to the checker.

Run with: WAIJIAO_LLM_MODEL=NAME python -m benchmarks.teaching.language_model [--with-checker] [--half fitting|judging]
          [--limit N]

The model gets the prompt that a learner's turn gets, and of its sentence alone only the small corrections count that
the product would use. Without a checker nothing is praised, so what is left alone is doubtful. CPU seconds are those of
a whole answer of the model, corrected sentence and question, and of the checker where it is asked. The model's question
may be asked where it passes the product's checks; else another one is taken from the bank.
"""

import argparse
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rich.console import Console

from benchmarks.teaching.corpus import HALVES
from benchmarks.teaching.measure import (
    FILE_WIDTH,
    PARSER,
    load_checker,
    measure_with_progress,
    positive,
    read_sample,
    show,
    show_errant,
)
from pipeline import personas
from pipeline.errors import WaijiaoError
from pipeline.personas import Persona
from pipeline.settings import Settings
from worker_llm.engine import LanguageModel, load
from worker_llm.grammar.checker import CheckedSentence, Checker
from worker_llm.tutor.model_reply import Conversation, correct_by_model, find_question, find_suggestion
from worker_llm.tutor.prompt import compose


@dataclass
class ModelAsChecker:
    """A language model in the place of the checker, or before `checker`.

    `questions` counts its answers whose question may be asked.
    """

    model: LanguageModel
    persona: Persona
    settings: Settings
    checker: Checker | None = None
    answers: int = 0
    questions: int = 0

    def check(self, text: str, unclear: Collection[int] = (), suggestion: str = "") -> tuple[CheckedSentence, ...]:
        """Without the checker the whole text as one sentence. Raises WaijiaoError where the model does not answer."""
        reply = self.ask(text)
        if self.checker:
            sentences = self.checker.check(text, unclear, find_suggestion(text, reply))
            self.count_question(" ".join(each.corrected for each in sentences), reply)
            return sentences
        correction = correct_by_model(text, reply, unclear)
        self.count_question(correction.corrected, reply)
        return (CheckedSentence(text, correction.corrected, correction.edits, is_doubtful=not correction.edits),)

    def ask(self, text: str) -> str:
        """The model's reply to a learner's turn. Raises WaijiaoError."""
        (completion,) = self.model.reply([compose(self.persona, (), text, self.settings, self.model.count_tokens)])
        if isinstance(completion, WaijiaoError):
            raise completion
        return completion.text

    def count_question(self, corrected: str, reply: str) -> None:
        question = find_question(corrected, reply)
        self.answers += 1
        self.questions += bool(question) and Conversation(self.persona).choose_question(corrected, reply) == question


def load_model(settings: Settings) -> ModelAsChecker:
    """The language model that the settings name. Ends the program where it is missing, damaged or cannot be loaded."""
    try:
        return ModelAsChecker(load(settings), personas.load(settings.persona, settings.personas), settings)
    except WaijiaoError as error:
        sys.exit(str(error))


def parse_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.teaching.language_model",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--with-checker", action="store_true", help="suggest its corrections to the checker")
    parser.add_argument("--half", choices=HALVES, default="fitting", help="which half of the corpus (%(default)s)")
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="check only N sentences of each list, evenly spread"
    )
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    arguments = parse_arguments(words)
    half = read_sample(arguments.half, arguments.limit)
    settings, console = Settings(), Console(width=None if sys.stdout.isatty() else FILE_WIDTH)
    model = load_model(settings)
    if arguments.with_checker:
        model.checker = load_checker(settings)
    measurement = measure_with_progress(model, half, settings.llm_model)
    show(console, measurement, with_kinds=False)
    console.print(f"questions of its own that may be asked: {model.questions} of {model.answers} answers")
    show_errant(console, measurement, settings.models_folder / PARSER)


if __name__ == "__main__":
    main()
