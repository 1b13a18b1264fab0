"""The client for asyncio."""

from collections.abc import AsyncGenerator, Iterable
from typing import Unpack

from waijiao.client.classes import AsyncClassMethods
from waijiao.client.concurrent import DEFAULT_AT_ONCE, JobT, OnItemChange, RecordingT, ask_run, iterate, wait_run
from waijiao.client.fields import JobFields
from waijiao.client.homework import AsyncHomeworkMethods
from waijiao.client.jobs import AsyncJobMethods
from waijiao.client.learners import AsyncLearnerMethods
from waijiao.client.lessons import AsyncLessonMethods
from waijiao.client.results import Outcome


class AsyncClient(AsyncJobMethods, AsyncHomeworkMethods, AsyncClassMethods, AsyncLessonMethods, AsyncLearnerMethods):
    """A Waijiao server, for asyncio: the same methods as Client, awaited. Close it, or use it as a context."""

    def ask_all(
        self,
        recordings: Iterable[RecordingT],
        at_once: int = DEFAULT_AT_ONCE,
        *,
        on_change: OnItemChange = None,
        **fields: Unpack[JobFields],
    ) -> AsyncGenerator[Outcome[RecordingT], None]:
        """For `async for`: ask for each recording, `at_once` of them at a time; the outcomes in their order.

        They are submitted in their order too, which is that of the turns of a session. One that fails stops no other:
        its Outcome has the error. `on_change` is called with the number of a recording, from 0, and its job after each
        change. Raises ValueError when `at_once` is less than 1.
        """
        return iterate(ask_run(self, recordings, at_once, on_change, fields))

    def wait_all(
        self, jobs: Iterable[JobT], at_once: int = DEFAULT_AT_ONCE, *, on_change: OnItemChange = None
    ) -> AsyncGenerator[Outcome[JobT], None]:
        """For `async for`: wait for jobs that were submitted before, and fetch their answers, as `ask_all` does."""
        return iterate(wait_run(self, jobs, at_once, on_change))
