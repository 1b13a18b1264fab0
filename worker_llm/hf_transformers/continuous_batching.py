"""Continuous batching: every running sequence gets one token per step; between steps the next prompt is prefilled.

A prompt is prefilled in chunks. A sequence that is finished or no longer wanted leaves the batch at once, and a waiting
one takes its slot.
"""

import logging
import os
import time
from collections import abc, deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Literal

import torch

from pipeline.errors import Canceled, EngineFailed, OutOfMemory, WaijiaoError, safe_traceback
from pipeline.jobs.results import Completion
from worker_llm.engine import Prompt
from worker_llm.hf_transformers.detokenizer import Detokenizer
from worker_llm.hf_transformers.kv_cache import BatchedKVCache, ModelRunner, PrefixCache
from worker_llm.hf_transformers.sampling import Sampler, sample

log = logging.getLogger(__name__)

CANCEL_POLL_S = 0.1  # between two checks whether a sequence is still wanted


@dataclass(frozen=True)
class DecoderConfig:
    """What all calls of the engine have in common."""

    model_runner: ModelRunner
    stop_tokens: Collection[int]
    prefix_cache: PrefixCache
    max_batch: int  # sequences that run at the same time
    prefill_chunk: int  # prompt tokens that are computed before cancellation is checked again


class Sequence:
    """One prompt and the tokens generated for it; `result` is set once it finished, failed or was canceled."""

    def __init__(self, prompt: Prompt, prompt_tokens: list[int], max_new_tokens: int, detokenizer: Detokenizer) -> None:
        self.prompt, self.prompt_tokens, self.max_new_tokens = prompt, prompt_tokens, max_new_tokens
        self.sampler = Sampler(prompt.sampling)
        self.detokenizer = detokenizer
        self.last_token, self.generated_tokens = -1, 0
        self.polled_at = 0.0  # monotonic seconds of the last cancellation check
        self.result: Completion | WaijiaoError | None = None

    @property
    def system_message(self) -> str | None:
        first = self.prompt.messages[0]
        return first.content if first.role == "system" else None

    def append(self, token: int | None, stop_tokens: Collection[int]) -> None:
        """Append a generated token, which may end the sequence; None when the logits were not numbers."""
        if token is None:
            log.error("the model's logits are not numbers: WAIJIAO_LLM_COMPUTE_TYPE=float32 has a larger range")
            self.result = EngineFailed()
            return
        self.last_token, self.generated_tokens = token, self.generated_tokens + 1
        if token in stop_tokens or self.detokenizer.append(token):
            self.finish("stop")
        elif self.generated_tokens >= self.max_new_tokens:
            self.finish("length")

    def finish(self, reason: Literal["stop", "length"]) -> None:
        reason = "stop" if self.detokenizer.finish() else reason
        self.result = Completion(self.detokenizer.text, reason, len(self.prompt_tokens), self.generated_tokens)

    def cancel_if_unwanted(self) -> None:
        """Checks at most every CANCEL_POLL_S."""
        now = time.monotonic()
        if self.result is None and now >= self.polled_at + CANCEL_POLL_S:
            self.polled_at = now
            if not self.prompt.still_wanted():
                self.result = Canceled()


class Prefill:
    """A prompt whose key/value cache is being computed, starting after the prefix it shares with earlier prompts."""

    def __init__(self, sequence: Sequence, config: DecoderConfig) -> None:
        self.sequence, self.config = sequence, config
        self.computed_tokens, self.kv_cache = config.prefix_cache.lookup(sequence.prompt_tokens)

    def compute_next_chunk(self) -> torch.Tensor | None:
        """The logits of the first new token, (1, vocabulary), once the whole prompt is computed."""
        prompt = self.sequence.prompt_tokens
        chunk = prompt[self.computed_tokens : self.computed_tokens + self.config.prefill_chunk]
        self.computed_tokens += len(chunk)
        logits = self.config.model_runner([chunk], [self.computed_tokens], [len(prompt)], self.kv_cache)
        return logits if self.computed_tokens == len(prompt) else None


class ContinuousBatcher:
    """Generates the sequences of one call: some are `waiting`, one is in `prefill`, up to `max_batch` are `running`."""

    def __init__(self, sequences: Iterable[Sequence], config: DecoderConfig) -> None:
        self.config = config
        self.waiting = deque(sequences)
        self.prefill: Prefill | None = None
        self.running, self.kv_cache = list[Sequence](), BatchedKVCache()  # row n of the cache is running[n]'s

    @torch.inference_mode()
    def run(self) -> None:
        """Until every sequence has its result."""
        while self.waiting or self.prefill or self.running:
            self.cancel_unwanted()
            self.guard(self.evict_finished, self.running)
            if self.prefill:
                self.guard(self.prefill_step, [self.prefill.sequence])
            elif self.waiting and len(self.running) < self.config.max_batch:
                self.guard(self.prefill_step, [self.waiting[0]])
            if self.running:
                self.guard(self.decode_step, self.running)

    def guard(self, step: Callable[[], None], sequences: abc.Sequence[Sequence]) -> None:
        """Run one step. If it fails, only these sequences fail, and their memory is freed."""
        try:
            step()
            return
        except torch.AcceleratorError as error:  # this process cannot use the GPU any more: a new one can
            log.critical("the GPU failed, so this process ends: %s", safe_traceback(error))
            os._exit(os.EX_SOFTWARE)
        except RuntimeError as error:
            failure = to_waijiao_error(error)
        for sequence in sequences:
            sequence.result = sequence.result or failure
        self.cancel_unwanted()
        self.evict_finished()
        torch.cuda.empty_cache()

    def cancel_unwanted(self) -> None:
        """Give results to sequences that are no longer wanted; those that do not run yet are dropped."""
        prefilling = [self.prefill.sequence] if self.prefill else []
        for sequence in (*self.waiting, *prefilling, *self.running):
            sequence.cancel_if_unwanted()
        self.waiting = deque(sequence for sequence in self.waiting if sequence.result is None)
        if self.prefill and self.prefill.sequence.result:
            self.prefill = None

    def evict_finished(self) -> None:
        """Remove the running sequences that have a result, and their rows of the cache."""
        unfinished_rows = [row for row, sequence in enumerate(self.running) if sequence.result is None]
        self.kv_cache.keep_rows(unfinished_rows)
        self.running = [self.running[row] for row in unfinished_rows]

    def prefill_step(self) -> None:
        """Compute a chunk of a prompt; after its last one, the sequence joins the batch with its first token."""
        prefill = self.prefill = self.prefill or Prefill(self.waiting.popleft(), self.config)
        logits = prefill.compute_next_chunk()
        if logits is None:
            return
        sequence, self.prefill = prefill.sequence, None
        self.config.prefix_cache.store(sequence.system_message, sequence.prompt_tokens, prefill.kv_cache)
        sequence.append(sample(logits, [sequence.sampler])[0], self.config.stop_tokens)
        if sequence.result is None:
            self.kv_cache.add_row(prefill.kv_cache)
            self.running.append(sequence)

    def decode_step(self) -> None:
        """Generate one token of each running sequence."""
        logits = self.kv_cache.step(self.config.model_runner, [sequence.last_token for sequence in self.running])
        tokens = sample(logits, [sequence.sampler for sequence in self.running])
        for sequence, token in zip(self.running, tokens, strict=True):
            sequence.append(token, self.config.stop_tokens)


def to_waijiao_error(error: RuntimeError) -> WaijiaoError:
    """The error of the sequences that a failed step was for."""
    if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        log.error("there was too little memory to answer: %s", safe_traceback(error))
        return OutOfMemory("The language model ran out of memory. Try a shorter chat, or a smaller model.")
    log.error("the language model failed: %s", safe_traceback(error))
    return EngineFailed()
