"""One chat with an OpenAI-compatible server: asked, asked again where that helps, heard piece by piece, given up."""

import asyncio
import logging
import time
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx

from pipeline.errors import Canceled, EngineFailed, TooSlow, Unavailable, WaijiaoError, wordless
from pipeline.jobs.results import Completion
from worker_llm import openai_refusal, openai_request
from worker_llm.engine import Prompt
from worker_llm.openai_refusal import Refusal, Refused
from worker_llm.openai_request import BOUNDS, estimated
from worker_llm.openai_server import Server, listed
from worker_llm.openai_stream import Said, pieces

log = logging.getLogger(__name__)
PAUSES_S = (0.5, 2.0, None)  # seconds before the second attempt, before the third; there is no fourth
LONGEST_PAUSE_S = 20  # seconds: whoever asks for a longer one is busy for good, and the job is better tried elsewhere
BROKEN_OFF = "The language model's server broke its answer off."


@dataclass
class Chat:
    """`outcome` is the completion, or why there is none, when `run` has ended."""

    prompt: Prompt
    model: str
    server: Server
    patience_s: float  # seconds it may take until the answer goes on
    outcome: Completion | WaijiaoError = field(default_factory=EngineFailed)
    refusal: Refusal | None = None  # the last, if it ended with one
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    went_on_at: float | None = None  # monotonic seconds; None while nothing is expected
    without: set[str] = field(default_factory=set)  # fields that this chat cannot have

    async def run(self, client: httpx.AsyncClient, places: asyncio.Semaphore) -> None:
        with self.scope:
            try:
                async with places:
                    self.outcome = await self.answered(client)
            except Refused as refused:
                self.refusal, self.outcome = refused.refusal, refused.refusal.error
                await self.explain(client, refused.refusal)
            except WaijiaoError as error:
                self.outcome = error
                log.error("%s: %s", self.server, error)
            except Exception as error:  # noqa: BLE001 - one chat's trouble is no other's
                log.error("a chat failed: %s", wordless(error))

    def look(self) -> None:
        """Give up what nobody wants any more, or what does not go on; the connection is closed."""
        if not self.prompt.wanted():
            self.give_up(Canceled())
        elif self.went_on_at and time.monotonic() - self.went_on_at > self.patience_s:
            log.error("%s has not gone on with its answer for %s s (WAIJIAO_LLM_REPLY_S)", self.server, self.patience_s)
            self.give_up(TooSlow("The language model's server does not go on with its answer."))

    def give_up(self, why: WaijiaoError) -> None:
        if not self.scope.cancel_called:
            self.outcome = why
            self.scope.cancel()

    async def answered(self, client: httpx.AsyncClient) -> Completion:
        """Asks again what came to nothing, unless a piece of an answer was told already. Raises Refused, too."""
        for pause_s in PAUSES_S:
            said, after_s = Said(), 0.0
            try:
                return await self.asked(client, said)
            except httpx.TransportError as error:
                trouble: Exception = Unavailable("The language model's server cannot be reached.")
                log.warning("%s: %s", self.server, type(error).__name__)
            except Refused as refused:
                trouble, after_s = refused, refused.refusal.after_s
                if not refused.refusal.passing:
                    raise
            if said.text:
                raise EngineFailed(BROKEN_OFF)
            if pause_s is None or after_s > LONGEST_PAUSE_S:
                break
            self.went_on_at = None
            await anyio.sleep(max(pause_s, after_s))
        raise trouble

    async def asked(self, client: httpx.AsyncClient, said: Said) -> Completion:
        """Without what the server does not know, which it is told once; and without a bound that its context is."""
        while True:
            request = openai_request.asked(self.prompt, self.model, self.server.without | self.without)
            said.stops = () if "stop" in request else self.prompt.stop
            try:
                return await self.heard(client, request, said)
            except Refused as refused:
                bounds = BOUNDS & request.keys()
                if refused.refusal.too_long and bounds and not said.text:
                    self.without |= bounds
                elif unknown := refused.refusal.unknown_field(request):
                    self.server.warn(f"does not take {unknown}: it is not sent again")
                    self.server.without.add(unknown)
                else:
                    raise

    async def heard(self, client: httpx.AsyncClient, request: dict[str, Any], said: Said) -> Completion:
        self.went_on_at = time.monotonic()
        async with client.stream("POST", "/chat/completions", json=request) as answer:
            if answer.status_code != 200:
                raise Refused(await openai_refusal.read(answer))
            async with aclosing(pieces(answer)) as coming:
                async for piece in coming:
                    self.went_on_at = time.monotonic()
                    if piece.error is not None:
                        raise Refused(openai_refusal.refusal(0, {"error": piece.error}))
                    if new := said.add(piece):
                        self.prompt.tell(new)
                    if said.ended:
                        break
        if not said.finish_reason:
            raise EngineFailed(BROKEN_OFF)
        if not said.usage:
            self.server.warn("does not count tokens: the numbers of a chat are estimates")
        usage = said.usage or estimated(self.prompt, said.text)
        return Completion(said.text, said.finish_reason, usage.prompt_tokens, usage.completion_tokens)

    async def explain(self, client: httpx.AsyncClient, refusal: Refusal) -> None:
        """Say to the operator what can be done about a refusal."""
        self.went_on_at, hint = None, ""
        if refusal.status in {401, 403}:
            hint = ": is WAIJIAO_LLM_KEY the right one?"
        elif refusal.status == 404:
            with suppress(httpx.HTTPError, WaijiaoError):
                hint = f": WAIJIAO_LLM_MODEL={self.model}; it has {listed(await self.server.models(client) or [])}"
        log.error("%s refuses a chat: %s%s", self.server, refusal.wordless, hint)
