"""The language model through llama.cpp."""

import logging
import os
import secrets
import shutil
import socket
import tempfile
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import xllamacpp

from pipeline.errors import BadRequest, Canceled, EngineFailed, ModelDamaged, PromptTooLong, WaijiaoError
from pipeline.jobs.results import Completion
from pipeline.settings import Settings
from worker_llm.completion import Streamed, request, text
from worker_llm.engine import Prompt

log = logging.getLogger(__name__)

FOLDER, SOCKET = "waijiao-llm-", "llm.sock"
CACHE_MIB = 64  # prompts that fell out of a slot; a persona's beginning takes about 7 MiB with the small model
ERRORS_ONLY = 1  # llama.cpp's verbosity
STEP = 128  # tokens of a prompt computed before looking whether it is still wanted; on a CPU as fast as more
LISTENER_S = 10  # seconds the listener may take to count tokens


class LlamaCpp:
    """Prompts of one call are answered at the same time.

    llama.cpp's server cannot do without a listener, so it listens on a socket in a folder that only this user
    can enter, and answers only who knows a key made for this process. It is asked for token counts alone, each through
    a connection of its own: one that is kept may be ended by the server just as it is used again.
    """

    def __init__(self, model: Path, settings: Settings) -> None:
        remove_deserted()
        folder = tempfile.mkdtemp(prefix=FOLDER)
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        key, self.socket = secrets.token_hex(32), f"{folder}/{SOCKET}"
        try:
            self._server = xllamacpp.Server(_parameters(model, settings, key, self.socket))
        except RuntimeError as error:
            raise ModelDamaged(f"WAIJIAO_LLM_MODEL: llama.cpp cannot load {model}: {error}") from error
        self._listener = httpx.Client(
            transport=httpx.HTTPTransport(uds=self.socket, limits=httpx.Limits(max_keepalive_connections=0)),
            base_url="http://llm",
            headers={"Authorization": f"Bearer {key}"},
            timeout=LISTENER_S,
        )
        weakref.finalize(self, self._listener.close)
        self._slots = settings.llm_batch
        self._threads = ThreadPoolExecutor(self._slots)

    def reply(self, prompts: Sequence[Prompt]) -> list[Completion | WaijiaoError]:
        """In threads, so that a time limit strikes at once, which here is an exception in the main thread."""
        given_up = Event()

        def until_given_up(prompt: Prompt) -> Prompt:
            return replace(prompt, wanted=lambda: prompt.wanted() and not given_up.is_set())

        replies = [self._threads.submit(self._reply, until_given_up(prompt)) for prompt in prompts]
        try:
            return [each.result() for each in replies]
        finally:
            given_up.set()

    def count_tokens(self, text: str) -> int:
        """Exact, in about a millisecond. Marks of the chat's form count as text. Raises EngineFailed."""
        job_request = {"content": text, "add_special": False, "parse_special": False}
        try:
            return len(self._listener.post("/tokenize", json=job_request).raise_for_status().json()["tokens"])
        except httpx.HTTPError as error:
            raise EngineFailed(f"llama.cpp did not count tokens: {error}") from error

    def warm(self, prompt: Prompt) -> None:
        """In one slot: each of them computes its own, which a CPU takes seconds for, and a busy hour soon has done."""
        self.reply([Prompt(prompt.messages, max_tokens=1)])

    def _reply(self, prompt: Prompt) -> Completion | WaijiaoError:
        try:
            return self.complete(prompt).completion
        except WaijiaoError as error:
            return error

    def complete(self, prompt: Prompt) -> Streamed:
        """All that is said. Raises EngineFailed, PromptTooLong, BadRequest; Canceled when it is not wanted any more."""
        streamed = Streamed()

        def read(piece: dict[str, Any]) -> bool:
            """Called for each piece of the answer, and between pieces of the prompt; True ends it."""
            streamed.pieces.append(piece)
            if added := text(piece):
                prompt.tell(added)
            return not prompt.wanted()

        try:
            self._server.handle_chat_completions(request(prompt), read)
        except ValueError as error:
            raise BadRequest("The model does not take messages in this order of roles.") from error
        except RuntimeError as error:
            raise _failed(str(error)) from error
        if streamed.error:
            raise _refused(streamed.error)
        if not streamed.usage:
            raise Canceled
        return streamed


def remove_deserted() -> None:
    """Remove the folders of killed workers: those of ours whose socket nobody listens at any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                if folder.stat().st_uid == os.getuid():
                    probe.connect(str(folder / SOCKET))
            except ConnectionRefusedError:
                shutil.rmtree(folder, ignore_errors=True)
            except FileNotFoundError:  # it is just being made, or just being removed
                continue


def _refused(error: dict[str, Any]) -> WaijiaoError:
    if error.get("type") == "exceed_context_size_error":
        most = error["n_ctx"] - 1  # one token must be left for the answer
        return PromptTooLong(f"The messages have {error['n_prompt_tokens']} tokens together; at most {most} fit.")
    return _failed(str(error.get("message")))


def _failed(cause: str) -> EngineFailed:
    log.error("llama.cpp failed: %s", cause)
    return EngineFailed()


def _parameters(model: Path, settings: Settings, key: str, address: str) -> Any:
    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(model)
    wanted.n_parallel = settings.llm_batch
    wanted.n_ctx = settings.llm_context * settings.llm_batch  # shared by the slots
    wanted.kv_unified = False  # so that each has its own llm_context tokens
    wanted.n_gpu_layers = settings.llm_gpu_layers
    if settings.llm_gpu_layers:
        wanted.main_gpu = settings.llm_gpu
        wanted.split_mode = xllamacpp.llama_split_mode.LLAMA_SPLIT_MODE_NONE  # on that one alone
    else:
        wanted.n_batch = STEP
        # Alone and beside others computed alike, which float16 is not: docs/decisions/0013-batches-across-jobs.md
        wanted.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
        wanted.cache_type_k = wanted.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_BF16
    wanted.cache_ram_mib = CACHE_MIB
    wanted.verbosity = ERRORS_ONLY
    for threads in (wanted.cpuparams, wanted.cpuparams_batch):
        threads.n_threads = settings.llm_threads
        threads.poll = 0  # sleep while waiting: a spinning thread takes a core from the other workers
    wanted.hostnames, wanted.api_keys, wanted.cors_origins = [address], [key], ""
    wanted.ui = wanted.endpoint_slots = wanted.endpoint_props = False
    return wanted
