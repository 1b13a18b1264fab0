"""Many jobs at once: bounded concurrency, outcomes in the order of the items, no failure that stops another item."""

import asyncio
import atexit
import os
import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterable
from functools import partial
from typing import Any, Generic, TypeVar

from pipeline.errors import WaijiaoError
from pipeline.schemas.jobs import Job
from waijiao.client.fields import JobFields
from waijiao.client.jobs import AsyncJobMethods
from waijiao.client.results import Outcome, Recording

DEFAULT_AT_ONCE = 4  # jobs
BUFFER_FACTOR = 4  # times `at_once`: outcomes that may wait for the caller, so that one slow item delays few others
OnItemChange = Callable[[int, Job], object] | None  # called with an item's number, from 0, and its job
ItemT = TypeVar("ItemT")
RecordingT = TypeVar("RecordingT", bound=Recording | None)
JobT = TypeVar("JobT", bound=Job | str)


class ConcurrentRun(Generic[ItemT]):
    """Jobs for `items`, `at_once` of them running at a time.

    `start` creates or looks up an item's job; it is called for one item after the other, so that the turns of a session
    have the order of the items.
    """

    def __init__(
        self,
        client: AsyncJobMethods,
        items: Iterable[ItemT],
        start: Callable[[int, ItemT], Awaitable[Job]],
        at_once: int,
        on_change: OnItemChange,
    ) -> None:
        if at_once < 1:
            raise ValueError(f"at_once is {at_once}; it must be at least 1")
        self.client, self.start, self.at_once, self.on_change = client, start, at_once, on_change
        self.numbered_items = enumerate(items)
        self.slots = asyncio.Semaphore(at_once)
        self.start_lock = asyncio.Lock()
        self.tasks: deque[asyncio.Task[Outcome[ItemT]]] = deque()

    async def next_outcome(self) -> Outcome[ItemT] | None:
        """The outcome of the next item; None after the last."""
        while len(self.tasks) < BUFFER_FACTOR * self.at_once and (numbered_item := next(self.numbered_items, None)):
            self.tasks.append(asyncio.create_task(self._process(*numbered_item)))
        if not self.tasks:
            return None
        outcome = await self.tasks[0]
        self.tasks.popleft()
        return outcome

    async def close(self) -> None:
        """Stop waiting for the rest. Jobs that the server has accepted are still processed there."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _process(self, number: int, item: ItemT) -> Outcome[ItemT]:
        async with self.slots:
            try:
                async with self.start_lock:
                    job = await self.start(number, item)
                on_change = partial(self.on_change, number) if self.on_change else None
                return Outcome(item, await self.client.wait(job, on_change=on_change))
            except (WaijiaoError, OSError) as error:
                return Outcome(item, error=error)


def ask_run(
    client: AsyncJobMethods, recordings: Iterable[RecordingT], at_once: int, on_change: OnItemChange, fields: JobFields
) -> ConcurrentRun[RecordingT]:
    """Submits each recording. An idempotency key is that of the whole run; each recording gets one derived from it."""

    async def start(number: int, recording: RecordingT) -> Job:
        key = fields.get("idempotency_key")
        own_fields: JobFields = {**fields, "idempotency_key": f"{key}-{number}"} if key else fields
        return await client.submit(recording, **own_fields)

    return ConcurrentRun(client, recordings, start, at_once, on_change)


def wait_run(
    client: AsyncJobMethods, jobs: Iterable[JobT], at_once: int, on_change: OnItemChange
) -> ConcurrentRun[JobT]:
    """Waits for jobs that were submitted before."""

    async def start(number: int, job: JobT) -> Job:
        return await client.job(job)

    return ConcurrentRun(client, jobs, start, at_once, on_change)


async def iterate(run: ConcurrentRun[ItemT]) -> AsyncGenerator[Outcome[ItemT], None]:
    """The outcomes of a run, within asyncio."""
    try:
        while outcome := await run.next_outcome():
            yield outcome
    finally:
        await run.close()


def iterate_blocking(run: ConcurrentRun[ItemT]) -> Generator[Outcome[ItemT], None, None]:
    """The outcomes of a run whose event loop is in a thread of its own; its client is closed at the end."""

    async def close() -> None:
        await run.close()
        await run.client.close()

    loop = EventLoopThread(close)
    try:
        while outcome := loop.call(run.next_outcome):
            yield outcome
    finally:
        loop.close()


class EventLoopThread:
    """An event loop in a thread, for callers that block. `cleanup` runs in it at the end."""

    def __init__(self, cleanup: Callable[[], Awaitable[None]]) -> None:
        self._cleanup = cleanup
        self._stop = asyncio.Event()
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._process_id = os.getpid()
        self._thread = threading.Thread(target=self._run, name="waijiao-event-loop", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # before the interpreter's teardown, in which joining a thread may hang

    def call(self, function: Callable[[], Coroutine[Any, Any, ItemT]]) -> ItemT:
        """Run it in the loop and block until it returns. Raises RuntimeError in a forked child, which has no loop."""
        if self._process_id != os.getpid():
            raise RuntimeError("The process was forked while a run was iterated; start a new run in the child.")
        return asyncio.run_coroutine_threadsafe(function(), self._loop).result()

    def close(self) -> None:
        """End the loop, and wait for that unless the garbage collector calls from the loop's own thread."""
        atexit.unregister(self.close)
        if self._process_id != os.getpid() or not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._serve())

    async def _serve(self) -> None:
        await self._stop.wait()
        await self._cleanup()
