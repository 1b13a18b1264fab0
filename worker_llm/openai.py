"""The language model of any server that speaks as OpenAI's does: vLLM, Ollama, llama.cpp's own, a cloud."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import anyio
import httpx
from anyio.from_thread import start_blocking_portal

from pipeline.errors import ConfigurationError, WaijiaoError
from pipeline.jobs.results import Completion
from pipeline.settings import Settings
from worker_llm import openai_server
from worker_llm.engine import Prompt
from worker_llm.openai_chat import Chat
from worker_llm.openai_request import estimate
from worker_llm.openai_server import EXAMPLE, listed

LOOK_S = 0.2  # seconds between two looks whether answers are still wanted
AGAIN_S = 1  # seconds between two attempts to reach a server that may be starting
PART = 0.8  # of the seconds that an engine may take to load, that it waits for the server
SHORTEST = 16  # tokens: some models refuse to answer in fewer
T = TypeVar("T")


class OpenAICompatible:
    """`model` is the server's name for it. The prompts of one call are asked at the same time, `llm_batch` at most."""

    def __init__(self, model: Path, settings: Settings) -> None:
        self.model, self.settings = str(model), settings
        self.server = openai_server.named(settings)
        if self.server.shows_the_key:
            self.server.warn("gets WAIJIAO_LLM_KEY unencrypted: anybody on the way can read it")
        in_a_loop(self._find)

    def reply(self, prompts: Sequence[Prompt]) -> list[Completion | WaijiaoError]:
        return [chat.outcome for chat in self._had(prompts, self.settings.llm_reply_s)]

    def count_tokens(self, text: str) -> int:
        """An estimate, rather too many than too few: these servers have no common way to count."""
        return estimate(text)

    def warm(self, prompt: Prompt) -> None:
        """Have the server load the model, and prove that it answers. Raises ConfigurationError when it does not."""
        short = replace(prompt, max_tokens=SHORTEST)
        (chat,) = self._had([short], self.settings.load_s * PART)
        if isinstance(chat.outcome, WaijiaoError):
            why = chat.refusal.whole if chat.refusal else chat.outcome.detail
            where = f"WAIJIAO_LLM_URL={self.server} WAIJIAO_LLM_MODEL={self.model}"
            raise ConfigurationError(f"{where}: the first chat failed: {why}") from chat.outcome

    def _had(self, prompts: Sequence[Prompt], patience_s: float) -> list[Chat]:
        """In a thread's event loop, so that a time limit, an exception in the main thread, closes all connections."""

        async def have() -> list[Chat]:
            chats = [Chat(prompt, self.model, self.server, patience_s) for prompt in prompts]
            places = asyncio.Semaphore(self.settings.llm_batch)
            async with self.server.client() as client, asyncio.TaskGroup() as tasks:
                pending = {tasks.create_task(chat.run(client, places)): chat for chat in chats}
                while pending:
                    await asyncio.wait(pending, timeout=LOOK_S)
                    pending = {task: chat for task, chat in pending.items() if not task.done()}
                    for chat in pending.values():
                        chat.look()
            return chats

        return in_a_loop(have)

    async def _find(self) -> None:
        """Wait for a server that is starting. Raises ConfigurationError when there is none, or not with this model."""
        cause = "it says nothing"
        with anyio.move_on_after(self.settings.load_s * PART):
            async with self.server.client() as client:
                while True:
                    try:
                        return self._check(await self.server.models(client))
                    except httpx.HTTPError as error:
                        cause = str(error) or type(error).__name__
                        self.server.warn(f"does not answer yet: {cause}")
                        await anyio.sleep(AGAIN_S)
        raise ConfigurationError(f"WAIJIAO_LLM_URL={self.server}: no server answers there, {EXAMPLE}: {cause}")

    def _check(self, known: list[str] | None) -> None:
        if known is None:
            self.server.warn(f"does not list its models; whether it has {self.model} is seen when it is asked")
        elif not {self.model, f"{self.model}:latest"} & set(known):  # the second is Ollama's
            has = f"{self.server} does not have it; expected one of {listed(known)}"
            raise ConfigurationError(f"WAIJIAO_LLM_MODEL={self.model!r}: {has}")


def in_a_loop(work: Callable[[], Awaitable[T]]) -> T:
    """Do it in an event loop in a thread; an exception that strikes here ends it there."""
    with start_blocking_portal() as portal:
        return portal.call(work)
