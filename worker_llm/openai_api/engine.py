"""The language model of any server with OpenAI's chat completions API: vLLM, Ollama, llama.cpp's own, a cloud."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import anyio
import httpx
from anyio.from_thread import start_blocking_portal

from pipeline.errors import (
    Canceled,
    ConfigurationError,
    EngineFailed,
    TooSlow,
    Unavailable,
    WaijiaoError,
    safe_traceback,
)
from pipeline.jobs.results import Completion
from pipeline.settings import Settings
from worker_llm.engine import Prompt
from worker_llm.openai_api.chat_format import (
    LENGTH_LIMIT_FIELDS,
    build_supported_request,
    estimate_tokens,
    estimate_usage,
)
from worker_llm.openai_api.errors import ApiError
from worker_llm.openai_api.server import URL_EXAMPLE, Server, create_server, format_model_names
from worker_llm.openai_api.stream import StreamedAnswer, read_chunks

log = logging.getLogger(__name__)

CANCEL_POLL_S = 0.2  # between two checks whether answers are still wanted
RECONNECT_S = 1  # between two attempts to reach a server that may be starting
STARTUP_SHARE = 0.8  # of the seconds that an engine may take to load, spent waiting for the server
WARMUP_TOKENS = 16  # some models refuse to answer with fewer
RETRY_PAUSES_S = (0.5, 2.0, None)  # before the second attempt, before the third; there is no fourth
MAX_RETRY_AFTER_S = 20  # a server that asks for a longer pause is overloaded: the job is better retried as a whole
INCOMPLETE_ANSWER = "The language model's server broke off its answer."
Result = TypeVar("Result")


class OpenAICompatible:
    """`model` is the server's name for it. The prompts of one call are sent at the same time, at most `llm_batch`."""

    def __init__(self, model: Path, settings: Settings) -> None:
        self.model, self.settings = str(model), settings
        self.server = create_server(settings)
        if self.server.exposes_key:
            self.server.warn_once("gets WAIJIAO_LLM_KEY unencrypted: anybody on the network path can read it")
        run_in_event_loop(self._wait_for_server)

    def reply(self, prompts: Sequence[Prompt]) -> list[Completion | WaijiaoError]:
        return [chat.outcome for chat in self._run_chats(prompts, self.settings.llm_reply_s)]

    def count_tokens(self, text: str) -> int:
        """An estimate, rather too many than too few: these servers have no common way to count."""
        return estimate_tokens(text)

    def warm(self, prompt: Prompt) -> None:
        """Make the server load the model, and prove that it answers. Raises ConfigurationError when it does not."""
        short_prompt = replace(prompt, max_tokens=WARMUP_TOKENS)
        (chat,) = self._run_chats([short_prompt], self.settings.load_s * STARTUP_SHARE)
        if isinstance(chat.outcome, WaijiaoError):
            reason = chat.api_error.full_text if chat.api_error else chat.outcome.detail
            server_settings = f"WAIJIAO_LLM_URL={self.server} WAIJIAO_LLM_MODEL={self.model}"
            raise ConfigurationError(f"{server_settings}: the first chat failed: {reason}") from chat.outcome

    def _run_chats(self, prompts: Sequence[Prompt], stall_timeout_s: float) -> list["Chat"]:
        """In a thread's event loop, so that a time limit, an exception in the main thread, closes all connections."""

        async def run_all() -> list[Chat]:
            chats = [Chat(prompt, self.model, self.server, stall_timeout_s) for prompt in prompts]
            slots = asyncio.Semaphore(self.settings.llm_batch)
            async with self.server.create_client() as client, asyncio.TaskGroup() as tasks:
                pending = {tasks.create_task(chat.run(client, slots)): chat for chat in chats}
                while pending:
                    await asyncio.wait(pending, timeout=CANCEL_POLL_S)
                    pending = {task: chat for task, chat in pending.items() if not task.done()}
                    for chat in pending.values():
                        chat.cancel_if_unwanted_or_stalled()
            return chats

        return run_in_event_loop(run_all)

    async def _wait_for_server(self) -> None:
        """Wait for a server that may be starting. Raises ConfigurationError without one, or if it lacks the model."""
        cause = "no response"
        with anyio.move_on_after(self.settings.load_s * STARTUP_SHARE):
            async with self.server.create_client() as client:
                while True:
                    try:
                        return self._check_model(await self.server.list_models(client))
                    except httpx.HTTPError as error:
                        cause = str(error) or type(error).__name__
                        self.server.warn_once(f"does not answer yet: {cause}")
                        await anyio.sleep(RECONNECT_S)
        raise ConfigurationError(f"WAIJIAO_LLM_URL={self.server}: no server answers there, {URL_EXAMPLE}: {cause}")

    def _check_model(self, models: list[str] | None) -> None:
        if models is None:
            self.server.warn_once(f"does not list its models; the first chat will show whether it has {self.model}")
        elif not {self.model, f"{self.model}:latest"} & set(models):  # the second is Ollama's name for it
            reason = f"{self.server} does not have it; expected one of {format_model_names(models)}"
            raise ConfigurationError(f"WAIJIAO_LLM_MODEL={self.model!r}: {reason}")


def run_in_event_loop(function: Callable[[], Awaitable[Result]]) -> Result:
    """Run it in an event loop in a thread; an exception raised in the calling thread cancels it."""
    with start_blocking_portal() as portal:
        return portal.call(function)


@dataclass
class Chat:
    """One prompt at the server. After `run`, `outcome` is the completion, or the error that prevented it.

    `run` sends the request; sends it again when the failure is transient and no text was published yet; leaves out
    fields that the server does not support; and publishes the answer chunk by chunk.
    """

    prompt: Prompt
    model: str
    server: Server
    stall_timeout_s: float  # seconds without progress after which the chat is given up
    outcome: Completion | WaijiaoError = field(default_factory=EngineFailed)
    api_error: ApiError | None = None  # the server's error, if the chat ended with one
    cancel_scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    progress_at: float | None = None  # monotonic seconds of the last progress; None while none is expected
    unsupported_fields: set[str] = field(default_factory=set)  # fields that only this chat cannot have

    async def run(self, client: httpx.AsyncClient, slots: asyncio.Semaphore) -> None:
        with self.cancel_scope:
            try:
                async with slots:
                    self.outcome = await self._complete_with_retries(client)
            except ApiError as error:
                self.api_error, self.outcome = error, error.to_waijiao_error()
                await self._log_api_error(client, error)
            except WaijiaoError as error:
                self.outcome = error
                log.error("%s: %s", self.server, error)
            except Exception as error:  # noqa: BLE001 - a failing chat must not fail the others
                log.error("a chat failed: %s", safe_traceback(error))

    def cancel_if_unwanted_or_stalled(self) -> None:
        if not self.prompt.still_wanted():
            self._cancel(Canceled())
        elif self.progress_at and time.monotonic() - self.progress_at > self.stall_timeout_s:
            log.error("%s has sent nothing for %s s (WAIJIAO_LLM_REPLY_S)", self.server, self.stall_timeout_s)
            self._cancel(TooSlow("The language model's server stopped sending its answer."))

    def _cancel(self, error: WaijiaoError) -> None:
        """End the chat with this error and close its connection."""
        if not self.cancel_scope.cancel_called:
            self.outcome = error
            self.cancel_scope.cancel()

    async def _complete_with_retries(self, client: httpx.AsyncClient) -> Completion:
        """Raises ApiError, or WaijiaoError."""
        for pause_s in RETRY_PAUSES_S:
            answer, retry_after_s = StreamedAnswer(), 0.0
            try:
                return await self._complete(client, answer)
            except httpx.TransportError as error:
                failure: Exception = Unavailable("The language model's server cannot be reached.")
                log.warning("%s: %s", self.server, type(error).__name__)
            except ApiError as error:
                failure, retry_after_s = error, error.retry_after_s
                if not error.is_transient:
                    raise
            if answer.text:
                raise EngineFailed(INCOMPLETE_ANSWER)
            if pause_s is None or retry_after_s > MAX_RETRY_AFTER_S:
                break
            self.progress_at = None
            await anyio.sleep(max(pause_s, retry_after_s))
        raise failure

    async def _complete(self, client: httpx.AsyncClient, answer: StreamedAnswer) -> Completion:
        """Send the request, and again without a field as often as the server rejects one."""
        while True:
            request = build_supported_request(
                self.prompt, self.model, self.server.unsupported_fields | self.unsupported_fields
            )
            answer.stop = () if "stop" in request else self.prompt.stop
            try:
                return await self._stream_completion(client, request, answer)
            except ApiError as error:
                length_limits = LENGTH_LIMIT_FIELDS & request.keys()
                if error.is_context_exceeded and length_limits and not answer.text:
                    self.unsupported_fields |= length_limits  # then the context alone limits the answer
                elif unsupported_field := error.find_unsupported_field(request):
                    self.server.warn_once(f"does not support {unsupported_field}: it will not be sent again")
                    self.server.unsupported_fields.add(unsupported_field)
                else:
                    raise

    async def _stream_completion(
        self, client: httpx.AsyncClient, request: dict[str, Any], answer: StreamedAnswer
    ) -> Completion:
        self.progress_at = time.monotonic()
        async with client.stream("POST", "/chat/completions", json=request) as response:
            if response.status_code != 200:
                raise await ApiError.from_response(response)
            async with aclosing(read_chunks(response)) as chunks:
                async for chunk in chunks:
                    self.progress_at = time.monotonic()
                    if chunk.error is not None:
                        raise ApiError.from_json(0, {"error": chunk.error})
                    if new_text := answer.add(chunk):
                        self.prompt.on_text(new_text)
                    if answer.is_complete:
                        break
        if not answer.finish_reason:
            raise EngineFailed(INCOMPLETE_ANSWER)
        if not answer.usage:
            self.server.warn_once("does not count tokens: the counts of its chats are estimates")
        usage = answer.usage or estimate_usage(self.prompt, answer.text)
        return Completion(answer.text, answer.finish_reason, usage.prompt_tokens, usage.completion_tokens)

    async def _log_api_error(self, client: httpx.AsyncClient, error: ApiError) -> None:
        """Log the error with a hint what the operator can do about it."""
        self.progress_at, hint = None, ""
        if error.status in {401, 403}:
            hint = ": check WAIJIAO_LLM_KEY"
        elif error.status == 404:
            with suppress(httpx.HTTPError, WaijiaoError):
                models = format_model_names(await self.server.list_models(client) or [])
                hint = f": WAIJIAO_LLM_MODEL={self.model}; it has {models}"
        log.error("%s rejects a chat: %s%s", self.server, error, hint)
