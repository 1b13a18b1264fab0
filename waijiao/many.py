"""Many at once: some on their way at the same time, outcomes in their order, none stopped by another's failure."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar, Unpack

from pipeline.errors import WaijiaoError
from pipeline.schemas.jobs import Job
from waijiao.answers import Outcome, Recording
from waijiao.fields import Fields

if TYPE_CHECKING:
    from waijiao.client import AsyncClient

AHEAD = 4  # times `at_once`: as many outcomes may be waiting to be taken, so that a slow one holds up few others
T = TypeVar("T")
Told = Callable[[int, Job], object] | None  # is told which of them it is, counted from 0, and its job at each change
R = TypeVar("R", bound=Recording | None)
J = TypeVar("J", bound=Job | str)
AT_ONCE = 4


@dataclass
class Line(Generic[T]):
    """What is on its way; `begin` is given one after the other, so that a session's turns have the order of `given`."""

    client: "AsyncClient"
    given: Iterable[T]
    begin: Callable[[int, T], Awaitable[Job]]
    at_once: int
    on_change: Told
    tasks: "deque[asyncio.Task[Outcome[T]]]" = field(default_factory=deque)

    def __post_init__(self) -> None:
        if self.at_once < 1:
            raise ValueError(f"at_once is {self.at_once}: at least one must be on its way")
        self.numbered = enumerate(self.given)
        self.places = asyncio.Semaphore(self.at_once)
        self.turn = asyncio.Lock()

    async def next(self) -> Outcome[T] | None:
        """What became of the next one; None after the last."""
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

    async def _outcome(self, number: int, given: T) -> Outcome[T]:
        async with self.places:
            try:
                async with self.turn:
                    job = await self.begin(number, given)
                told = partial(self.on_change, number) if self.on_change else None
                return Outcome(given, await self.client.wait(job, on_change=told))
            except (WaijiaoError, OSError) as error:
                return Outcome(given, error=error)


def ask_all(
    client: "AsyncClient",
    recordings: Iterable[R],
    at_once: int = AT_ONCE,
    *,
    on_change: Told = None,
    **fields: Unpack[Fields],
) -> Line[R]:
    """Ask for each recording, `at_once` of them on their way at the same time; what became of each, in their order.

    They are left in their order too, which is that of the turns of a session. One that fails stops no other: its
    Outcome has the error. `on_change` is told the number of a recording, from 0, and its job at each change.
    """

    async def begin(number: int, recording: R) -> Job:
        key = fields.get("idempotency_key")  # of all of them; each has its own
        own: Fields = {**fields, "idempotency_key": f"{key}-{number}"} if key else fields
        return await client.submit(recording, **own)

    return Line(client, recordings, begin, at_once, on_change)


def wait_all(client: "AsyncClient", jobs: Iterable[J], at_once: int = AT_ONCE, *, on_change: Told = None) -> Line[J]:
    """Wait for jobs that were left before, and fetch their answers; the rest is as in `ask_all`."""

    async def begin(number: int, job: J) -> Job:
        return await client.job(job)

    return Line(client, jobs, begin, at_once, on_change)
