"""The client that blocks."""

from collections.abc import Generator, Iterable
from typing import Unpack

from waijiao.client.async_client import AsyncClient
from waijiao.client.classes import ClassMethods
from waijiao.client.concurrent import (
    DEFAULT_AT_ONCE,
    JobT,
    OnItemChange,
    RecordingT,
    ask_run,
    iterate_blocking,
    wait_run,
)
from waijiao.client.fields import JobFields
from waijiao.client.homework import HomeworkMethods
from waijiao.client.jobs import JobMethods
from waijiao.client.learners import LearnerMethods
from waijiao.client.lessons import LessonMethods
from waijiao.client.results import Outcome


class Client(JobMethods, HomeworkMethods, ClassMethods, LessonMethods, LearnerMethods):
    """A Waijiao server, blocking. Threads may share a client; close it, or use it as a context."""

    def ask_all(
        self,
        recordings: Iterable[RecordingT],
        at_once: int = DEFAULT_AT_ONCE,
        *,
        on_change: OnItemChange = None,
        **fields: Unpack[JobFields],
    ) -> Generator[Outcome[RecordingT], None, None]:
        """Ask for each recording, `at_once` of them at a time; the outcomes in their order.

        They are submitted in their order too, which is that of the turns of a session. One that fails stops no other:
        its Outcome has the error. `on_change` is called, in another thread, with the number of a recording, from 0,
        and its job after each change. Raises ValueError when `at_once` is less than 1.
        """
        return iterate_blocking(ask_run(self._async_client(), recordings, at_once, on_change, fields))

    def wait_all(
        self, jobs: Iterable[JobT], at_once: int = DEFAULT_AT_ONCE, *, on_change: OnItemChange = None
    ) -> Generator[Outcome[JobT], None, None]:
        """Wait for jobs that were submitted before, and fetch their answers, as `ask_all` does."""
        return iterate_blocking(wait_run(self._async_client(), jobs, at_once, on_change))

    def _async_client(self) -> AsyncClient:
        """A client of the same server for the event loop of one run."""
        client = AsyncClient(self.url, self._server.key)
        client._server = self._server
        return client
