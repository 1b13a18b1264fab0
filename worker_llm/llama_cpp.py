"""The language model through llama.cpp."""

import logging
import os
import re
import secrets
import shutil
import socket
import stat
import tempfile
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import xllamacpp

from pipeline.errors import BadRequest, Canceled, EngineFailed, ModelDamaged, PromptTooLong, WaijiaoError
from pipeline.jobs.results import Completion
from pipeline.settings import Settings
from worker_llm.engine import Prompt
from worker_llm.openai_api.chat_format import build_chat_request, split_special_tokens, to_json

log = logging.getLogger(__name__)

SOCKET_FOLDER_PREFIX, SOCKET_NAME = "waijiao-llm-", "llm.sock"
PROMPT_CACHE_MIB = 64  # prompts evicted from a slot; a persona's prefix takes about 7 MiB with the small model
VERBOSITY_ERRORS = 1  # llama.cpp's level at which it logs errors only
PREFILL_CHUNK_TOKENS = 128  # prompt tokens computed before checking for cancellation; on a CPU as fast as larger chunks
TOKENIZE_TIMEOUT_S = 10
BRACKET = re.compile(r"[<\[](?=\S)")  # with which every special token begins


class LlamaCpp:
    """The prompts of one call are answered at the same time.

    llama.cpp's server cannot run without a listener, so it listens on a socket in a folder that only this user can
    enter, and answers only requests with a key made for this process. It is used for token counts alone, each through
    a connection of its own: the server may close a kept connection just as it is used again.
    """

    def __init__(self, model: Path, settings: Settings) -> None:
        remove_stale_socket_folders()
        folder = tempfile.mkdtemp(prefix=SOCKET_FOLDER_PREFIX)
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        key, self.socket = secrets.token_hex(32), f"{folder}/{SOCKET_NAME}"
        try:
            self._server = xllamacpp.Server(_server_parameters(model, settings, key, self.socket))
        except RuntimeError as error:
            raise ModelDamaged(f"WAIJIAO_LLM_MODEL: llama.cpp cannot load {model}: {error}") from error
        self._listener = httpx.Client(
            transport=httpx.HTTPTransport(uds=self.socket, limits=httpx.Limits(max_keepalive_connections=0)),
            base_url="http://llm",
            headers={"Authorization": f"Bearer {key}"},
            timeout=TOKENIZE_TIMEOUT_S,
        )
        weakref.finalize(self, self._listener.close)
        self._threads = ThreadPoolExecutor(settings.llm_batch)

    def reply(self, prompts: Sequence[Prompt]) -> list[Completion | WaijiaoError]:
        """In threads, so that a time limit, which is an exception in the main thread, takes effect at once."""
        abort_event = Event()

        def until_aborted(prompt: Prompt) -> Prompt:
            return replace(prompt, still_wanted=lambda: prompt.still_wanted() and not abort_event.is_set())

        futures = [self._threads.submit(self._reply, until_aborted(prompt)) for prompt in prompts]
        try:
            return [future.result() for future in futures]
        finally:
            abort_event.set()

    def count_tokens(self, text: str) -> int:
        """Exact, in about a millisecond. Special tokens in the text count as plain text. Raises EngineFailed."""
        return len(self.tokenize(text, parse_special=False))

    def tokenize(self, text: str, parse_special: bool) -> list[int]:
        """The tokens; what spells a special token is one with `parse_special`, else text. Raises EngineFailed."""
        body = {"content": text, "add_special": False, "parse_special": parse_special}
        try:
            tokens: list[int] = self._listener.post("/tokenize", json=body).raise_for_status().json()["tokens"]
        except httpx.HTTPError as error:
            raise EngineFailed(f"llama.cpp did not count tokens: {error}") from error
        return tokens

    def build_request(self, prompt: Prompt) -> dict[str, Any]:
        """The body of llama.cpp's chat completion request."""
        messages = [{**message, "content": self.as_text(message["content"])} for message in to_json(prompt)]
        return {**build_chat_request(prompt), "messages": messages, "cache_prompt": True, "return_progress": True}

    def as_text(self, text: str) -> str:
        """The text, split where it spells a special token, which llama.cpp would take for one. Raises BadRequest."""
        if not BRACKET.search(text) or self.tokenize(text, True) == self.tokenize(text, False):
            return text
        split_text = split_special_tokens(text, BRACKET)
        if self.tokenize(split_text, True) != self.tokenize(split_text, False):
            raise BadRequest("A message contains a special token of the model. Leave it out.")
        return split_text

    def warm(self, prompt: Prompt) -> None:
        """In one slot only: each slot computes its own prefix, for seconds on a CPU, as soon as it is used."""
        self.reply([Prompt(prompt.messages, max_tokens=1)])

    def _reply(self, prompt: Prompt) -> Completion | WaijiaoError:
        try:
            return self.complete(prompt).completion
        except WaijiaoError as error:
            return error

    def complete(self, prompt: Prompt) -> "CompletedStream":
        """The whole stream. Raises EngineFailed, PromptTooLong, BadRequest; Canceled when it is no longer wanted."""
        stream = CompletedStream()

        def on_chunk(chunk: dict[str, Any]) -> bool:
            """Called for each chunk of the answer, and between chunks of the prompt; True ends the computation."""
            stream.chunks.append(chunk)
            if text := get_chunk_text(chunk):
                prompt.on_text(text)
            return not prompt.still_wanted()

        try:
            self._server.handle_chat_completions(self.build_request(prompt), on_chunk)
        except ValueError as error:
            raise BadRequest("The model does not accept messages in this order of roles.") from error
        except RuntimeError as error:
            raise _log_engine_failure(str(error)) from error
        if stream.error:
            raise _to_waijiao_error(stream.error)
        if not stream.usage:
            raise Canceled
        return stream


def get_chunk_text(chunk: dict[str, Any]) -> str:
    """The text that a chunk, a JSON object as OpenAI's chat.completion.chunk, adds to the answer."""
    return "".join(choice["delta"].get("content") or "" for choice in chunk.get("choices", ()))


@dataclass
class CompletedStream:
    """The chunks of one answer, in their order."""

    chunks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def usage(self) -> dict[str, Any]:
        """Counts of tokens; empty unless the answer is complete, since they come with the last chunk."""
        usage: dict[str, Any] = self.chunks[-1].get("usage", {}) if self.chunks else {}
        return usage

    @property
    def error(self) -> dict[str, Any] | None:
        return next((chunk["error"] for chunk in self.chunks if "error" in chunk), None)

    @property
    def completion(self) -> Completion:
        choices = [choice for chunk in self.chunks for choice in chunk.get("choices", ())]
        return Completion(
            text="".join(map(get_chunk_text, self.chunks)),
            finish_reason=next(choice["finish_reason"] for choice in choices if choice["finish_reason"]),
            prompt_tokens=self.usage["prompt_tokens"],
            completion_tokens=self.usage["completion_tokens"],
        )


def remove_stale_socket_folders() -> None:
    """Remove the folders that killed workers left: those of this user on whose socket no process listens."""
    for folder in Path(tempfile.gettempdir()).glob(f"{SOCKET_FOLDER_PREFIX}*"):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                status = folder.lstat()
                if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid():
                    probe.connect(str(folder / SOCKET_NAME))
            except ConnectionRefusedError:
                shutil.rmtree(folder, ignore_errors=True)
            except OSError:  # another worker is just creating or removing it, or it is not a worker's
                continue


def _to_waijiao_error(error: dict[str, Any]) -> WaijiaoError:
    if error.get("type") == "exceed_context_size_error":
        limit = error["n_ctx"] - 1  # one token must be left for the answer
        return PromptTooLong(f"The messages have {error['n_prompt_tokens']} tokens together; at most {limit} fit.")
    return _log_engine_failure(str(error.get("message")))


def _log_engine_failure(cause: str) -> EngineFailed:
    log.error("llama.cpp failed: %s", cause)
    return EngineFailed()


def _server_parameters(model: Path, settings: Settings, key: str, address: str) -> Any:
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.n_parallel = settings.llm_batch
    parameters.n_ctx = settings.llm_context * settings.llm_batch  # shared by the slots
    parameters.kv_unified = False  # so that each slot has its own llm_context tokens
    parameters.n_gpu_layers = settings.llm_gpu_layers
    if settings.llm_gpu_layers:
        parameters.main_gpu = settings.llm_gpu
        parameters.split_mode = xllamacpp.llama_split_mode.LLAMA_SPLIT_MODE_NONE  # on that GPU alone
    else:
        parameters.n_batch = PREFILL_CHUNK_TOKENS
        # The same result alone and in a batch, which float16 does not give: docs/decisions/0013-batches-across-jobs.md
        parameters.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
        parameters.cache_type_k = parameters.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_BF16
    parameters.cache_ram_mib = PROMPT_CACHE_MIB
    parameters.verbosity = VERBOSITY_ERRORS
    for threads in (parameters.cpuparams, parameters.cpuparams_batch):
        threads.n_threads = settings.llm_threads
        threads.poll = 0  # sleep while waiting: a spinning thread takes a core from the other workers
    parameters.hostnames, parameters.api_keys, parameters.cors_origins = [address], [key], ""
    parameters.ui = parameters.endpoint_slots = parameters.endpoint_props = False
    return parameters
