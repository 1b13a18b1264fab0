"""What a language model alone makes of the corpus of learners' sentences, as with WAIJIAO_CHECKER=none.

Run with: WAIJIAO_LLM_MODEL=NAME python -m benchmarks.teaching.language_model [--half fitting|judging] [--limit N]

The model gets the prompt that a learner's turn gets, and of its sentence only the small corrections count that the
product would use. Without a checker nothing is praised, so what is left alone is doubtful. CPU seconds are those of a
whole answer of the model: corrected sentence and question. Its question may be asked where it passes the product's
checks; else another one is taken from the bank.
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
from worker_llm.grammar.checker import CheckedSentence
from worker_llm.tutor.model_reply import Conversation, correct_by_model, find_question
from worker_llm.tutor.prompt import compose


@dataclass
class ModelAsChecker:
    """A language model in the place of the checker. `questions` counts its answers whose question may be asked."""

    model: LanguageModel
    persona: Persona
    settings: Settings
    answers: int = 0
    questions: int = 0

    def check(self, text: str, unclear: Collection[int] = ()) -> tuple[CheckedSentence, ...]:
        """The whole text as one sentence. Raises WaijiaoError where the model does not answer."""
        (completion,) = self.model.reply([compose(self.persona, (), text, self.settings, self.model.count_tokens)])
        if isinstance(completion, WaijiaoError):
            raise completion
        correction = correct_by_model(text, completion.text, unclear)
        question = find_question(correction.corrected, completion.text)
        chosen_question = Conversation(self.persona).choose_question(correction.corrected, completion.text)
        self.answers += 1
        self.questions += bool(question) and chosen_question == question
        return (CheckedSentence(text, correction.corrected, correction.edits, is_doubtful=not correction.edits),)


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
    measurement = measure_with_progress(model, half, settings.llm_model)
    show(console, measurement, with_kinds=False)
    console.print(f"questions of its own that may be asked: {model.questions} of {model.answers} answers")
    show_errant(console, measurement, settings.models_folder / PARSER)


if __name__ == "__main__":
    main()
