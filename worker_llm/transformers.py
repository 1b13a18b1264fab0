"""The language model through transformers: any chat model in a folder, GLM's among them, on a CPU or a GPU."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, EngineFailed, OutOfMemory, PromptTooLong, WaijiaoError
from pipeline.jobs.results import Completion
from pipeline.settings import Settings
from worker_llm import checkpoint
from worker_llm.beginnings import Beginnings
from worker_llm.caches import Network
from worker_llm.chatglm6b import loading
from worker_llm.chatglm6b.folder import recognised
from worker_llm.checkpoint import Checkpoint
from worker_llm.decoding import Decoding
from worker_llm.engine import Prompt
from worker_llm.reading import Reader
from worker_llm.row import Row
from worker_llm.written import Written

# Tokens of a prompt computed before looking whether it is still wanted. On a CPU more of them are hardly faster,
# a billion parameters take about a second and a half; on a GPU fewer leave it idle.
STEPS = {"cpu": 32, "cuda": 512}


class Transformers:
    """Prompts of one call are answered together, `llm_batch` at a time; the next joins when one is done."""

    def __init__(self, model: Path, settings: Settings) -> None:
        kind: Any = loading if recognised(model) else checkpoint
        loaded: Checkpoint = kind.load(model, settings)
        self.form = loaded.form
        self.context = min(settings.llm_context, loaded.positions or settings.llm_context)
        network = Network(loaded.model, loaded.words)
        beginnings = Beginnings(0 if network.whole else settings.prompt_tokens)
        step = self.context if network.whole else STEPS[settings.llm_device]
        self.reader = Reader(network, loaded.ends, beginnings, settings.llm_batch, step)

    def reply(self, prompts: Sequence[Prompt]) -> list[Completion | WaijiaoError]:
        """In this thread, so that a time limit, an exception in it, ends the computing too."""
        rows = [self.row(prompt) for prompt in prompts]
        Decoding([row for row in rows if isinstance(row, Row)], self.reader).run()
        return [row if isinstance(row, WaijiaoError) else row.outcome for row in rows]

    def count_tokens(self, text: str) -> int:
        return len(self.form.words(text))

    def warm(self, prompt: Prompt) -> None:
        """A whole batch, so that a GPU lays out its memory; the beginning is computed once.

        Raises ConfigurationError when it fails: the worker had better take no jobs.
        """
        slots = self.reader.slots
        long_enough = Prompt(prompt.messages, max_tokens=slots + 1, stop=())  # that all are written at once for a step
        for reply in self.reply([long_enough] * slots):
            if isinstance(reply, (EngineFailed, OutOfMemory)):
                raise ConfigurationError(f"WAIJIAO_LLM_MODEL: it cannot answer even a greeting: {reply.detail}")

    def row(self, prompt: Prompt) -> Row | WaijiaoError:
        try:
            tokens = self.form.tokens(prompt.messages)
        except WaijiaoError as error:
            return error
        most = self.context - 1  # one token must be left for the answer
        if len(tokens) > most:
            return PromptTooLong(f"The messages have {len(tokens)} tokens together; at most {most} fit.")
        written = Written(self.form.decode, prompt.stop, prompt.tell, self.form.finish())
        return Row(prompt, tokens, min(prompt.max_tokens, self.context - len(tokens)), written)
