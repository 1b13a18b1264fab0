"""Reads and erases the mistake ledgers in Redis. Jobs write them, in the script in which they succeed."""

from collections.abc import Sequence

from redis import Redis

from pipeline.api_keys import now
from pipeline.jobs.records import read_all, read_json
from pipeline.jobs.store import PREFIX
from pipeline.learners.entries import LedgerEntry
from pipeline.learners.ledger import DatedEntry, Ledger, build_ledger
from pipeline.settings import Settings

DAY_S = 86_400


class Ledgers:
    """The ledgers in one Redis. What is older than `ledger_days` is not shown, even before it is removed."""

    def __init__(self, redis: "Redis", settings: Settings) -> None:
        self.redis = redis
        self.settings = settings

    def read(self, tenant: str, learner: str) -> Ledger:
        """The learner's ledger; an empty one where nothing is known."""
        return self.read_many(tenant, [learner])[0]

    def read_many(self, tenant: str, learners: Sequence[str]) -> list[Ledger]:
        """Their ledgers, in the order of `learners`, in one round trip."""
        entries = self.read_entries(tenant, learners)
        return [build_ledger(learner, each) for learner, each in zip(learners, entries, strict=True)]

    def read_entries(self, tenant: str, learners: Sequence[str]) -> list[list[DatedEntry]]:
        """The entries of each of them, the oldest first."""
        with self.redis.pipeline(transaction=False) as pipe:
            for learner in learners:
                pipe.hgetall(entries_key(tenant, learner))
                pipe.zrange(times_key(tenant, learner), 0, -1, withscores=True)
            stored = pipe.execute()
        oldest = now(self.redis) - self.settings.ledger_days * DAY_S
        return [self._entries(*each, oldest) for each in zip(stored[::2], stored[1::2], strict=True)]

    def _entries(self, entries: dict[str, str], times: list[tuple[str, float]], oldest: float) -> list[DatedEntry]:
        """The entries that can be read, those older than `oldest` apart; `times` are Unix seconds."""
        recent = [(at, entries[first]) for first, at in times if first in entries and at >= oldest]
        readable = read_all(lambda text: read_json(LedgerEntry, text), [text for _, text in recent], "a ledger")
        return [DatedEntry(at, entry) for (at, _), entry in zip(recent, readable, strict=True) if entry]

    def count(self, tenant: str, learner: str) -> int:
        """How many jobs have an entry in the ledger."""
        return self.redis.hlen(entries_key(tenant, learner))

    def erase(self, tenant: str, learner: str) -> None:
        self.redis.delete(entries_key(tenant, learner), times_key(tenant, learner))


def entries_key(tenant: str, learner: str) -> str:
    return f"{PREFIX}ledger:{tenant}/{learner}"


def times_key(tenant: str, learner: str) -> str:
    return f"{PREFIX}ledger-times:{tenant}/{learner}"
