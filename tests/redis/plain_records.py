"""What the job records must do, said in plain Python: the model that the real scripts are compared with.

Who is next, held, open or dead is written down nowhere in it: it follows from each turn's own facts.
"""

from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import WaijiaoError

ATTEMPTS, MOST_SERVER, MOST_TENANT, MOST_SESSION = 2, 7, 5, 3


@dataclass
class Turn:
    """One job. `session` is 'tenant/session'; `worker` who runs it, or nobody."""

    name: str
    session: str
    road: tuple[str, ...]
    seq: int
    stage: str
    facts: dict[str, Any]
    attempts: dict[str, int] = field(default_factory=dict)
    fence: int = 0
    worker: str = ""
    slow: bool = False
    done: tuple[str, int] | None = None
    ended: bool = False
    error: str = ""
    reset: bool = False
    dead: bool = False
    retried_as: str = ""

    @property
    def tenant(self) -> str:
        return self.session.split("/")[0]

    @property
    def waits_for_its_turn(self) -> bool:
        """Whether the language model has still to answer it."""
        return not self.ended and self.stage != "tts"


class PlainRecords:
    """Every turn in the order accepted, and what happens to it."""

    def __init__(self) -> None:
        self.turns: dict[str, Turn] = {}
        self.erased: set[str] = set()
        self.said: dict[str, int] = {}  # session -> turns accepted in it
        self.since: dict[str, int] = {}  # session -> the last turn before it was started over
        self.repeated: dict[tuple[str, str], tuple[str, str]] = {}  # tenant and key -> name and fingerprint

    # --- what follows from the facts

    def alive(self) -> list[Turn]:
        return [turn for turn in self.turns.values() if not turn.ended]

    def line(self, session: str) -> list[Turn]:
        """The turns of the session which the language model has still to answer, first one first."""
        return [turn for turn in self.alive() if turn.session == session and turn.waits_for_its_turn]

    def phase(self, turn: Turn) -> str:
        if turn.ended:
            return "ended"
        if turn.worker:
            return "running"
        return "held" if turn.stage == "llm" and self.line(turn.session)[0] is not turn else "ready"

    def ready(self, stage: str) -> list[str]:
        return [turn.name for turn in self.alive() if turn.stage == stage and self.phase(turn) == "ready"]

    def history(self, session: str) -> list[str]:
        since = self.since.get(session, 0)
        mine = [turn for turn in self.turns.values() if turn.session == session and turn.seq > since]
        return [turn.name for turn in mine if not turn.retried_as and turn.error != "no_speech"]

    def holds(self, name: str, stage: str, fence: int) -> Turn | None:
        """The turn, if it runs at this stage under this fence."""
        turn = self.turns.get(name)
        current = turn and not turn.ended and turn.worker and (turn.stage, turn.fence) == (stage, fence)
        return turn if current else None

    # --- what is done to them; a word where the records raise an error with this code

    def submit(self, name: str, session: str, road: tuple[str, ...], key: str, fingerprint: str) -> str:
        tenant = session.split("/")[0]
        if (tenant, key) in self.repeated:
            first, its_fingerprint = self.repeated[tenant, key]
            if its_fingerprint != fingerprint:
                return "idempotency_key_reused"
            return "erased" if first in self.erased else first
        if full := self.full(session):
            return full
        if key:
            self.repeated[tenant, key] = name, fingerprint
        self.accept(name, session, road, {})
        return name

    def full(self, session: str) -> str:
        tenant = session.split("/")[0]
        if len(self.alive()) >= MOST_SERVER:
            return "server_full"
        mine = [turn for turn in self.alive() if turn.tenant == tenant]
        return "quota_full" if len(mine) >= MOST_TENANT or len(self.line(session)) >= MOST_SESSION else ""

    def accept(self, name: str, session: str, road: tuple[str, ...], facts: dict[str, Any]) -> None:
        self.said[session] = self.said.get(session, 0) + 1
        self.turns[name] = Turn(name, session, road, self.said[session], road[0], dict(facts))

    def retry(self, dead: str, name: str) -> str:
        turn = self.turns[dead]
        if turn.retried_as:
            return "erased" if turn.retried_as in self.erased else turn.retried_as
        if not turn.dead:
            return "not_dead"
        if full := self.full(turn.session):
            return full
        self.accept(name, turn.session, turn.road[turn.road.index(turn.stage) :], turn.facts)
        turn.retried_as, turn.dead = name, False
        return name

    def claim(self, stage: str, worker: str, most: int) -> list[str]:
        """A worker who asks for work has given up what it had."""
        for turn in [turn for turn in self.alive() if turn.worker == worker]:
            self.take_back(turn)
        claimed = self.ready(stage)[:most]
        tried = [name for name in claimed if self.turns[name].attempts.get(stage)]
        if tried:  # which is claimed alone
            claimed = claimed[: max(1, claimed.index(tried[0]))]
        for turn in map(self.turns.__getitem__, claimed):
            turn.worker, turn.slow, turn.fence = worker, False, turn.fence + 1
            turn.attempts[stage] = turn.attempts.get(stage, 0) + 1
        return claimed

    def take_back(self, turn: Turn) -> None:
        self.try_again(turn, "too_slow" if turn.slow else "worker_lost")

    def try_again(self, turn: Turn, error: str) -> None:
        turn.worker = ""
        if turn.attempts[turn.stage] >= ATTEMPTS:
            self.end(turn, error)
            turn.dead = True

    def end(self, turn: Turn, error: str = "") -> None:
        turn.worker, turn.ended, turn.error = "", True, error

    def complete(self, stage: str, name: str, fence: int, fact: tuple[str, Any]) -> bool:
        if name in self.turns and self.turns[name].done == (stage, fence):
            return True
        turn = self.holds(name, stage, fence)
        if not turn:
            return False
        kind, value = fact
        turn.facts[kind], turn.done, turn.worker = value, (stage, fence), ""
        if kind == "feedback" and value.reset:
            turn.reset, self.since[turn.session] = True, turn.seq
        ahead = turn.road[turn.road.index(stage) + 1 :]
        if ahead:
            turn.stage = ahead[0]
        else:
            self.end(turn)
        return True

    def fail(self, stage: str, name: str, fence: int, error: WaijiaoError) -> None:
        if turn := self.holds(name, stage, fence):
            if error.try_again:
                self.try_again(turn, error.code)
            else:
                self.end(turn, error.code)

    def release(self, worker: str) -> None:
        for turn in [turn for turn in self.alive() if turn.worker == worker]:
            turn.worker = ""
            turn.attempts[turn.stage] -= 1

    def cancel(self, name: str) -> bool:
        turn = self.turns[name]
        if turn.ended:
            return False
        self.end(turn, "canceled")
        return True

    def expire(self, turn: Turn) -> None:
        self.end(turn, "expired")
        turn.dead = True

    def forget(self, name: str) -> None:
        if self.turns[name].ended:
            del self.turns[name]
            self.erased.add(name)

    def erase(self, session: str) -> list[str]:
        names = [turn.name for turn in self.turns.values() if turn.session == session]
        for name in names:
            self.end(self.turns[name])
            self.forget(name)
        self.said.pop(session, None)
        self.since.pop(session, None)
        return names

    def reset(self, session: str) -> list[str]:
        canceled = [turn.name for turn in self.alive() if turn.session == session]
        for name in canceled:
            self.cancel(name)
        self.since[session] = self.said[session]
        return canceled
