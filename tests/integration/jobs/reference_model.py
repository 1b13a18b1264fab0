"""A model of the job records in plain Python, with which the real scripts are compared.

It keeps no indexes: which turn is next, held, open or dead is computed from the fields of each turn. Sessions are
served in turn at each stage: of the rounds only the present one and each session's last one are stored.
"""

from dataclasses import dataclass, field
from typing import Any

from pipeline.errors import WaijiaoError

ATTEMPTS, MAX_SERVER_JOBS, MAX_TENANT_JOBS, MAX_SESSION_JOBS = 2, 9, 7, 3
STUDENTS = ("ann", "ben")  # of the assignment


@dataclass
class Turn:
    """One job. `session` is 'tenant/session'; `worker` who runs it, or empty; `lesson` the job whose turn it is."""

    name: str
    session: str
    stages: tuple[str, ...]
    lesson: str = ""
    student: str = ""  # of the only assignment
    sha256: str = ""
    seq: int = 0
    stage: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    fence: int = 0
    round: tuple[str, int] = ("", 0)  # the stage at which it became ready, and in which round
    worker: str = ""
    slow: bool = False
    done: tuple[str, int] | None = None
    ended: bool = False
    error: str = ""
    reset: bool = False
    dead: bool = False
    retried_as: str = ""
    rerun_as: str = ""

    @property
    def tenant(self) -> str:
        return self.session.split("/")[0]

    @property
    def stages_ahead(self) -> tuple[str, ...]:
        return self.stages[self.stages.index(self.stage) :]

    @property
    def waits_for_its_turn(self) -> bool:
        """Whether the language model has still to answer it."""
        return not self.ended and "llm" in self.stages_ahead


class ReferenceModel:
    """All turns in the order in which they were accepted; each method changes them as the scripts must."""

    def __init__(self) -> None:
        self.turns: dict[str, Turn] = {}
        self.erased: set[str] = set()
        self.turn_counts: dict[str, int] = {}  # session -> turns accepted in it
        self.reset_after: dict[str, int] = {}  # session -> the last turn before it was started over
        self.idempotent_requests: dict[tuple[str, str], tuple[str, str]] = {}  # tenant and key -> name and fingerprint
        self.recognised_in: dict[str, str] = {}  # sha256 -> the turn in which it was recognised
        self.assigned = False
        self.submissions: dict[str, str] = {}  # student -> the turn that counts
        self.completed: set[str] = set()  # turns whose end made the class complete
        self.present_round: dict[str, int] = {}  # stage -> the round of the latest claim
        self.last_round: dict[tuple[str, str], int] = {}  # stage and session -> the round of its latest turn

    # --- computed from the turns

    def unfinished(self) -> list[Turn]:
        return [turn for turn in self.turns.values() if not turn.ended]

    def with_deadlines(self) -> list[Turn]:
        """The unfinished jobs with a deadline of their own: a lesson's turns have the lesson's."""
        return [turn for turn in self.unfinished() if not turn.lesson]

    def waiting_turns(self, session: str) -> list[Turn]:
        """The turns of the session that the language model has not answered yet, in order."""
        return [turn for turn in self.unfinished() if turn.session == session and turn.waits_for_its_turn]

    def phase(self, turn: Turn) -> str:
        if turn.ended:
            return "ended"
        if turn.worker:
            return "running"
        if turn.stage in {"hold", "parts"}:
            return "waiting"
        return "blocked" if turn.stage == "llm" and self.waiting_turns(turn.session)[0] is not turn else "ready"

    def ready(self, stage: str) -> list[str]:
        """In the order in which they are claimed: by round, and within it in the order of acceptance."""
        ready = [turn for turn in self.unfinished() if turn.stage == stage and self.phase(turn) == "ready"]
        for turn in ready:
            if turn.round[0] != stage:
                turn.round = stage, self.next_round(stage, turn.session)
                self.last_round[stage, turn.session] = turn.round[1]
        return [turn.name for turn in sorted(ready, key=lambda turn: turn.round[1])]

    def next_round(self, stage: str, session: str) -> int:
        return 1 + max(self.last_round.get((stage, session), 0), self.present_round.get(stage, 0))

    def leave_round(self, turn: Turn) -> None:
        """It ends before it was claimed: its session has one turn less to wait for."""
        stage, _ = turn.round
        last = self.last_round.get((stage, turn.session), 0)
        if stage == turn.stage and self.phase(turn) == "ready" and last > self.present_round.get(stage, 0):
            self.last_round[stage, turn.session] = last - 1

    def children(self, lesson: str) -> list[Turn]:
        return [turn for turn in self.turns.values() if turn.lesson == lesson]

    def parts(self, lesson: str) -> list[str]:
        return [turn.name for turn in self.children(lesson) if not turn.ended]

    def open_work(self) -> set[str]:
        return {turn.name for turn in self.unfinished() if turn.student}

    def history(self, session: str) -> list[str]:
        first = self.reset_after.get(session, 0)
        mine = [turn for turn in self.turns.values() if turn.session == session and turn.seq > first]
        return [turn.name for turn in mine if not turn.retried_as and not turn.rerun_as and turn.error != "no_speech"]

    def holds(self, name: str, stage: str, fence: int) -> Turn | None:
        """The turn, if it runs at this stage under this fence."""
        turn = self.turns.get(name)
        current = turn and not turn.ended and turn.worker and (turn.stage, turn.fence) == (stage, fence)
        return turn if current else None

    # --- requests; each returns a code where the records raise the error with this code

    def submit(self, turn: Turn, key: str = "", fingerprint: str = "") -> str:
        if (turn.tenant, key) in self.idempotent_requests:
            first, its_fingerprint = self.idempotent_requests[turn.tenant, key]
            if its_fingerprint != fingerprint:
                return "idempotency_key_reused"
            return "erased" if first in self.erased else first
        accepted = self.accept_unless_refused(turn)
        if accepted == turn.name and key:
            self.idempotent_requests[turn.tenant, key] = turn.name, fingerprint
        return accepted

    def accept_unless_refused(self, turn: Turn, instead_of: str = "") -> str:
        """Accept the turn, which may be `instead_of` an earlier one, unless a rule refuses it."""
        if turn.name in self.turns:
            return turn.name
        if turn.lesson and self.has_ended(turn.lesson):
            return "canceled"
        if turn.student:
            if not self.assigned:
                return "unknown_assignment"
            known = self.turns.get(self.submissions.get(turn.student, ""))
            if known and not instead_of and known.sha256 == turn.sha256 and not known.error:
                return known.name
        if not turn.lesson and (code := self.find_full_quota(turn.session)):
            return code
        self.accept(turn, instead_of)
        return turn.name

    def has_ended(self, lesson: str) -> bool:
        return lesson not in self.turns or self.turns[lesson].ended

    def find_full_quota(self, session: str) -> str:
        tenant = session.split("/")[0]
        if len(self.with_deadlines()) >= MAX_SERVER_JOBS:
            return "server_full"
        mine = [turn for turn in self.with_deadlines() if turn.tenant == tenant]
        return (
            "quota_full" if len(mine) >= MAX_TENANT_JOBS or len(self.waiting_turns(session)) >= MAX_SESSION_JOBS else ""
        )

    def accept(self, turn: Turn, instead_of: str) -> None:
        earlier = self.turns.get(self.recognised_in.get(turn.sha256, ""))
        if earlier and not instead_of and "transcript" in earlier.facts:
            turn.facts, turn.stages = (
                {"transcript": earlier.facts["transcript"]},
                turn.stages[turn.stages.index("llm") :],
            )
        self.turn_counts[turn.session] = self.turn_counts.get(turn.session, 0) + 1
        turn.seq, turn.stage = self.turn_counts[turn.session], turn.stages[0]
        self.turns[turn.name] = turn
        if turn.student:
            before = self.submissions.get(turn.student, "")
            if not instead_of or before == instead_of:
                self.submissions[turn.student] = turn.name
                if before in self.turns:
                    self.cancel(before)
        self.settle()

    def retry(self, dead: str, again: Turn) -> str:
        turn = self.turns[dead]
        if turn.retried_as:
            return "erased" if turn.retried_as in self.erased else turn.retried_as
        if not turn.dead:
            return "not_dead"
        again.stages, again.facts = turn.stages_ahead, dict(turn.facts)
        accepted = self.accept_unless_refused(again, dead)
        if accepted == again.name:
            turn.retried_as, turn.dead = again.name, False
        return accepted

    def rerun(self, name: str, again: Turn) -> str:
        """Answer it again, from the language model on."""
        turn = self.turns[name]
        again.facts = {kind: fact for kind, fact in turn.facts.items() if kind == "transcript"}
        accepted = self.accept_unless_refused(again, name)
        if accepted == again.name:
            turn.rerun_as = again.name
        return accepted

    def review(self, name: str, feedback: Any, go: bool) -> bool:
        """A teacher changes or releases an answer, if it is held."""
        turn = self.turns[name]
        if turn.ended or turn.stage != "hold":
            return False
        if feedback:
            turn.facts["feedback"] = feedback
        if go:
            turn.stage = "tts"
        return True

    # --- what workers do

    def claim(self, stage: str, worker: str, max_jobs: int) -> list[str]:
        """A worker that claims again has lost its earlier claims."""
        for turn in [turn for turn in self.unfinished() if turn.worker == worker]:
            self.take_back(turn)
        claimed = self.ready(stage)[:max_jobs]
        tried = [name for name in claimed if self.turns[name].attempts.get(stage)]
        if tried:  # such a job is claimed alone
            claimed = claimed[: max(1, claimed.index(tried[0]))]
        for turn in map(self.turns.__getitem__, claimed):
            turn.worker, turn.slow, turn.fence = worker, False, turn.fence + 1
            turn.attempts[stage] = turn.attempts.get(stage, 0) + 1
            self.present_round[stage] = max(self.present_round.get(stage, 0), turn.round[1])
        return claimed

    def take_back(self, turn: Turn) -> None:
        if not turn.ended:  # with its lesson, which was taken back before
            self.count_failure(turn, "too_slow" if turn.slow else "worker_lost")

    def count_failure(self, turn: Turn, error: str) -> None:
        if turn.attempts[turn.stage] >= ATTEMPTS:
            turn.dead = True
            self.end(turn, error)
        turn.worker = ""

    def complete(self, stage: str, name: str, fence: int, fact: tuple[str, Any]) -> bool:
        if name in self.turns and self.turns[name].done == (stage, fence):
            return True
        turn = self.holds(name, stage, fence)
        if not turn:
            return False
        kind, value = fact
        turn.facts[kind], turn.done = value, (stage, fence)
        if kind == "transcript" and turn.sha256:
            self.recognised_in[turn.sha256] = name
        if kind == "feedback" and value.reset:
            turn.reset, self.reset_after[turn.session] = True, turn.seq
        if turn.stages_ahead[1:]:
            turn.stage, turn.worker = turn.stages_ahead[1], ""
            self.settle()
        else:
            self.end(turn)
        return True

    def fail(self, stage: str, name: str, fence: int, error: WaijiaoError) -> None:
        if turn := self.holds(name, stage, fence):
            if error.try_again:
                self.count_failure(turn, error.code)
            else:
                self.end(turn, error.code)

    def release(self, worker: str) -> None:
        for turn in [turn for turn in self.unfinished() if turn.worker == worker]:
            turn.worker = ""
            turn.attempts[turn.stage] -= 1

    # --- how they end

    def end(self, turn: Turn, error: str = "") -> None:
        """With its turns, if it is a lesson; the last one of a class makes that complete."""
        self.leave_round(turn)
        turn.worker, turn.ended, turn.error = "", True, error
        if turn.student and not self.open_work() and self.assigned and {*STUDENTS} <= {*self.submissions}:
            self.completed.add(turn.name)
        for child in self.children(turn.name):
            if not child.ended:
                self.end(child, "canceled")
        self.settle()

    def settle(self) -> None:
        """A lesson continues as soon as none of its turns is unfinished."""
        for turn in self.unfinished():
            if turn.stage == "parts" and not self.parts(turn.name):
                turn.stage = "llm"

    def cancel(self, name: str) -> bool:
        turn = self.turns[name]
        if turn.ended:
            return False
        self.end(turn, "canceled")
        return True

    def expire(self, turn: Turn) -> None:
        turn.dead = True
        self.end(turn, "expired")

    def forget(self, name: str) -> None:
        if self.turns[name].ended:
            self.drop(name)

    def drop(self, name: str) -> list[str]:
        """Erase it, running or not, and its turns; return all their names."""
        self.leave_round(self.turns[name])
        turn = self.turns.pop(name)
        self.erased.add(name)
        if self.submissions.get(turn.student) == name:
            del self.submissions[turn.student]
        if not any(other.session == turn.session for other in self.turns.values()):  # the session is gone as well
            self.turn_counts.pop(turn.session, None)
            self.reset_after.pop(turn.session, None)
        gone = [name] + [each for child in self.children(name) for each in self.drop(child.name)]
        self.settle()
        return gone

    def erase(self, session: str) -> list[str]:
        names = [turn.name for turn in self.turns.values() if turn.session == session]
        self.turn_counts.pop(session, None)
        self.reset_after.pop(session, None)
        return [each for name in names for each in self.drop(name)]

    def unassign(self) -> list[str]:
        """Erase the assignment with all jobs that were ever submitted for it."""
        names = [turn.name for turn in self.turns.values() if turn.student]
        self.assigned = False
        self.submissions.clear()
        return [each for name in names for each in self.drop(name)]

    def reset(self, session: str) -> list[str]:
        canceled = [turn.name for turn in self.unfinished() if turn.session == session]
        for name in canceled:
            self.cancel(name)
        self.reset_after[session] = self.turn_counts[session]
        return canceled
