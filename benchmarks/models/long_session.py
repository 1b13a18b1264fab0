"""What a turn costs in a session of 100 turns, relative to turn 2; also if each turn drops only the oldest one.

Run with: python -m benchmarks.models.long_session [TURNS] [--sliding SLIDING_TURNS]

The language model is called directly, as for a single learner, and its core-seconds are measured, so that other
programs disturb little. A second session has no numbers of turns, so that its window slides by one turn each time. It
is shorter, since all its turns from the twelfth on cost the same.
"""

import argparse
import statistics
import time
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.harness import LEARNERS_SENTENCES, raise_error
from pipeline import personas
from pipeline.jobs.results import Exchange
from pipeline.settings import Settings
from worker_llm import engine as llm
from worker_llm.engine import LanguageModel
from worker_llm.tutor.feedback import Manner
from worker_llm.tutor.model_reply import Conversation
from worker_llm.tutor.prompt import as_exchange, compose
from worker_llm.tutor.teacher import build_unchecked_feedback

LATE_TURN = 12  # the first turn that does not see all earlier ones, with the default settings


@dataclass(frozen=True)
class TurnCost:
    """Core-seconds of a turn, and the tokens of its prompt and of its answer."""

    core_s: float
    prompt_tokens: int
    completion_tokens: int


def measure_session(model: LanguageModel, settings: Settings, turns: int, is_numbered: bool) -> list[TurnCost]:
    """The costs of the turns 1, 2, 3 … of one learner's session."""
    persona = personas.load(settings.persona, settings.personas)
    model.warm(compose(persona, [], "Hello.", settings, model.count_tokens))
    history: list[Exchange] = []
    costs = []
    for number in range(1, turns + 1):
        utterance = (
            f"On day {number} {LEARNERS_SENTENCES[number % len(LEARNERS_SENTENCES)]}"  # no two prompts may be the same
        )
        started_at = time.process_time()
        prompt = compose(persona, history, utterance, settings, model.count_tokens)
        completion = raise_error(model.reply([prompt])[0])
        core_s = time.process_time() - started_at
        costs.append(TurnCost(core_s, completion.prompt_tokens, completion.completion_tokens))
        manner = Manner(persona, can_praise=False)
        feedback = build_unchecked_feedback(utterance, completion.text, Conversation(persona), manner)
        history.append(as_exchange(feedback, number if is_numbered else 0))
    return costs


def build_row(name: str, costs: list[TurnCost]) -> list[str]:
    """Median, 90th percentile, maximum and mean of the late turns, relative to turn 2."""
    relative = [cost.core_s / costs[1].core_s for cost in costs[LATE_TURN - 1 :]]
    figures = (statistics.median(relative), statistics.quantiles(relative, n=10)[-1], max(relative))
    tokens = statistics.mean(cost.prompt_tokens for cost in costs[LATE_TURN - 1 :])
    columns = (f"{figure:.2f}" for figure in (*figures, statistics.mean(relative)))
    return [name, f"{LATE_TURN} to {len(costs)}", f"{costs[1].core_s:.2f}", *columns, f"{tokens:.0f}"]


def main(arguments: argparse.Namespace) -> None:
    settings = Settings()
    model = llm.load(settings)
    table = Table(
        *("dropped", "turns", "turn 2, s", "median", "p90", "max", "mean", "tokens"),
        title="core-seconds of a turn, relative to turn 2",
    )
    table.add_row(*build_row("one by one", measure_session(model, settings, arguments.sliding, is_numbered=False)))
    costs = measure_session(model, settings, arguments.turns, is_numbered=True)
    table.add_row(*build_row("in blocks", costs))
    console = Console()
    console.print(table)
    console.print("in blocks, each turn:", *(f"{cost.core_s / costs[1].core_s:.1f}" for cost in costs))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("turns", type=int, nargs="?", default=100, help="turns of the session")
    parser.add_argument("--sliding", type=int, default=24, help="turns of the session whose window slides")
    main(parser.parse_args())
