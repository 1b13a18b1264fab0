"""Ledgers of learners: the methods of Client (LearnerMethods) and their awaited twins of AsyncClient."""

from typing import Literal
from urllib.parse import quote

from pipeline.schemas.learners import ClassLedger, ErasureReceipt, Ledger
from waijiao.client.base import AsyncBase, SyncBase, delete_request
from waijiao.client.transport import Request

ExportFormat = Literal["csv", "apkg"]


class LearnerMethods(SyncBase):
    """Ledgers, blocking."""

    def ledger(self, learner: str) -> Ledger:
        """What a learner gets wrong again and again; `learner` is that of a job."""
        return self._fetch(Ledger, Request("GET", learner_path(learner, "/ledger")))

    def class_ledger(self, assignment: str) -> ClassLedger:
        """What the students of an assignment have to practise."""
        return self._fetch(ClassLedger, class_request(assignment))

    def export_ledger(self, learner: str, format: ExportFormat = "csv") -> bytes:
        """The ledger as a table, or as a deck of cards for Anki with sound (apkg)."""
        return self._send(Request("GET", learner_path(learner, f"/ledger.{format}"))).content

    def erase_learner(self, learner: str) -> ErasureReceipt:
        """Erase everything of a learner: jobs, audio, ledger, names. The receipt counts what was removed."""
        return self._decode(ErasureReceipt, self._send(delete_request(learner_path(learner))))


class AsyncLearnerMethods(AsyncBase):
    """Ledgers, awaited."""

    async def ledger(self, learner: str) -> Ledger:
        """What a learner gets wrong again and again; `learner` is that of a job."""
        return await self._fetch(Ledger, Request("GET", learner_path(learner, "/ledger")))

    async def class_ledger(self, assignment: str) -> ClassLedger:
        """What the students of an assignment have to practise."""
        return await self._fetch(ClassLedger, class_request(assignment))

    async def export_ledger(self, learner: str, format: ExportFormat = "csv") -> bytes:
        """The ledger as a table, or as a deck of cards for Anki with sound (apkg)."""
        return (await self._send(Request("GET", learner_path(learner, f"/ledger.{format}")))).content

    async def erase_learner(self, learner: str) -> ErasureReceipt:
        """Erase everything of a learner: jobs, audio, ledger, names. The receipt counts what was removed."""
        return self._decode(ErasureReceipt, await self._send(delete_request(learner_path(learner))))


def learner_path(learner: str, rest: str = "") -> str:
    return f"/v1/learners/{quote(learner, safe='')}{rest}"


def class_request(assignment: str) -> Request:
    return Request("GET", f"/v1/assignments/{quote(assignment, safe='')}/ledger")
