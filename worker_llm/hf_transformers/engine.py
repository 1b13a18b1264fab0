"""The language model through transformers: any chat model in a folder, GLM's among them, on a CPU or a GPU."""

from collections import abc
from pathlib import Path

from pipeline.errors import ConfigurationError, EngineFailed, OutOfMemory, PromptTooLong, WaijiaoError
from pipeline.jobs.results import Completion
from pipeline.settings import Settings
from worker_llm.engine import Prompt
from worker_llm.hf_transformers.chatglm6b.loading import is_chatglm6b, load_chatglm6b
from worker_llm.hf_transformers.checkpoint import load_checkpoint
from worker_llm.hf_transformers.continuous_batching import ContinuousBatcher, DecoderConfig, Sequence
from worker_llm.hf_transformers.detokenizer import Detokenizer
from worker_llm.hf_transformers.kv_cache import ModelRunner, PrefixCache

# Prompt tokens that are computed before cancellation is checked again. On a CPU larger chunks are hardly faster, and a
# model of a billion parameters takes about 1.5 s for one; on a GPU smaller ones leave it idle.
PREFILL_CHUNK_TOKENS = {"cpu": 32, "cuda": 512}


class Transformers:
    """Prompts of one call are answered together, `llm_batch` at a time; the next one joins when one has ended."""

    def __init__(self, model: Path, settings: Settings) -> None:
        load = load_chatglm6b if is_chatglm6b(model) else load_checkpoint
        checkpoint = load(model, settings)
        self.chat_template = checkpoint.chat_template
        self.context = min(settings.llm_context, checkpoint.max_positions or settings.llm_context)
        model_runner = ModelRunner(checkpoint.model, checkpoint.vocab_size)
        whole_prompts = model_runner.bidirectional_prompts
        self.config = DecoderConfig(
            model_runner,
            checkpoint.stop_tokens,
            prefix_cache=PrefixCache(0 if whole_prompts else settings.prompt_tokens),
            max_batch=settings.llm_batch,
            prefill_chunk=self.context if whole_prompts else PREFILL_CHUNK_TOKENS[settings.llm_device],
        )

    def reply(self, prompts: abc.Sequence[Prompt]) -> list[Completion | WaijiaoError]:
        """In this thread, so that a time limit, which is an exception in it, ends the computation too."""
        sequences = [self._create_sequence(prompt) for prompt in prompts]
        valid = [each for each in sequences if isinstance(each, Sequence)]
        ContinuousBatcher(valid, self.config).run()
        return [each if isinstance(each, WaijiaoError) else each.result or EngineFailed() for each in sequences]

    def count_tokens(self, text: str) -> int:
        return len(self.chat_template.encode_text(text))

    def warm(self, prompt: Prompt) -> None:
        """With a whole batch, so that a GPU allocates its memory; the common prefix is computed once.

        Raises ConfigurationError when it fails, so that the worker takes no jobs.
        """
        batch = self.config.max_batch
        # as many tokens as it takes until all sequences run in the same step
        long_prompt = Prompt(prompt.messages, max_tokens=batch + 1, stop=())
        for reply in self.reply([long_prompt] * batch):
            if isinstance(reply, (EngineFailed, OutOfMemory)):
                raise ConfigurationError(f"WAIJIAO_LLM_MODEL: it cannot answer even a greeting: {reply.detail}")

    def _create_sequence(self, prompt: Prompt) -> Sequence | WaijiaoError:
        try:
            tokens = self.chat_template.encode_chat(prompt.messages)
        except WaijiaoError as error:
            return error
        limit = self.context - 1  # one token must be left for the answer
        if len(tokens) > limit:
            return PromptTooLong(f"The messages have {len(tokens)} tokens together; at most {limit} fit.")
        template = self.chat_template
        detokenizer = Detokenizer(template.decode, prompt.stop, prompt.on_text, template.create_postprocessor())
        max_new_tokens = min(prompt.max_tokens, self.context - len(tokens))
        return Sequence(prompt, tokens, max_new_tokens, detokenizer)
