"""Many recordings: some on their way at the same time, outcomes in their order, none stopped by another's failure."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.errors import WaijiaoError
from pipeline.shapes import Job
from waijiao.answers import Outcome, Recording
from waijiao.fields import Fields

if TYPE_CHECKING:
    from waijiao.client import AsyncClient

AHEAD = 4  # times `at_once`: as many outcomes may be waiting to be taken, so that a slow one holds up few others
ToldWhich = Callable[[int, Job], object]  # is told the number of the recording, from 0, and its job at each change


@dataclass
class Line:
    """Recordings on their way. They are left in their order, so that a session's turns have the same."""

    client: "AsyncClient"
    recordings: Iterable[Recording | None]
    at_once: int
    fields: Fields
    on_change: ToldWhich | None = None
    tasks: "deque[asyncio.Task[Outcome]]" = field(default_factory=deque)

    def __post_init__(self) -> None:
        if self.at_once < 1:
            raise ValueError(f"at_once is {self.at_once}; at least one recording must be on its way")
        self.numbered = enumerate(self.recordings)
        self.places = asyncio.Semaphore(self.at_once)
        self.turn = asyncio.Lock()

    async def next(self) -> Outcome | None:
        """What became of the next recording; None after the last."""
        while len(self.tasks) < AHEAD * self.at_once and (following := next(self.numbered, None)):
            self.tasks.append(asyncio.create_task(self._outcome(*following)))
        if not self.tasks:
            return None
        outcome = await self.tasks[0]
        self.tasks.popleft()
        return outcome

    async def close(self) -> None:
        """Wait for no more of them; what was accepted will be answered all the same."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _outcome(self, number: int, recording: Recording | None) -> Outcome:
        async with self.places:
            try:
                async with self.turn:
                    job = await self.client.submit(recording, **self._fields(number))
                async for seen in self.client.progress(job):
                    job = seen
                    if self.on_change:
                        self.on_change(number, seen)
                return Outcome(recording, await self.client.answer(job))
            except (WaijiaoError, OSError) as error:
                return Outcome(recording, error=error)

    def _fields(self, number: int) -> Fields:
        """Each recording has an Idempotency-Key of its own, though one was given for all."""
        key = self.fields.get("idempotency_key")
        return {**self.fields, "idempotency_key": f"{key}-{number}"} if key else self.fields
