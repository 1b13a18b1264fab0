"""Who may see what is known of a learner: the learner's own key, and the tenant's teachers."""

from collections.abc import Iterable
from typing import cast

from api import context
from pipeline.api_keys import record_key
from pipeline.errors import UnknownLearner
from pipeline.jobs.job import Job
from pipeline.jobs.listing import read_jobs
from pipeline.learners.identity import KEY, learner_kind
from pipeline.learners.ledger import Ledger
from pipeline.learners.store import Ledgers


def check_learner(learner: str) -> str:
    """The id, if the caller may see this learner. Raises UnknownLearner, also for one of another tenant."""
    caller, kind = context.caller(), learner_kind(learner)
    is_foreign = bool(caller.owner) and learner != f"{KEY}{caller.owner}"
    if kind is None or is_foreign or (kind == "key" and key_field(learner, "tenant") != caller.tenant):
        raise UnknownLearner
    return learner


def key_field(learner: str, field: str) -> str:
    """A field of the learner's key; "" where there is no such key."""
    value = context.jobs().redis.hget(record_key(learner.removeprefix(KEY)), field)
    return cast(str | None, value) or ""


def find_name(ledger: Ledger) -> str:
    """The student's name, or that of the learner's key; "" of a session."""
    return key_field(ledger.learner, "name") if learner_kind(ledger.learner) == "key" else ledger.name


def ledgers() -> Ledgers:
    return Ledgers(context.jobs().redis, context.settings())


def load_ledger(learner: str) -> Ledger:
    """The learner's ledger, if the caller may see it. Raises UnknownLearner."""
    return ledgers().read(context.caller().tenant, check_learner(learner))


def load_jobs(ids: Iterable[str]) -> dict[str, Job]:
    """The jobs of these ids that are still kept, by id."""
    names = [f"{context.caller().tenant}/{id_}" for id_ in dict.fromkeys(ids)]
    jobs = read_jobs(context.jobs().redis, names, "a ledger") if names else {}
    return {job.id: job for job in jobs.values()}
