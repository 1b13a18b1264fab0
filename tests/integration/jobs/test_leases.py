"""While an engine works, a thread renews its leases and learns of canceled jobs at the next renewal."""

import threading
from collections.abc import Iterator

import pytest

from pipeline.jobs.store import Jobs
from pipeline.worker.leases import Leases
from tests.support.job_steps import OTHER, TRANSCRIPT, claim_job, make_job_request
from tests.support.wait import wait_for


@pytest.fixture
def jobs_with_short_leases(redis, settings) -> Iterator[Jobs]:
    yield Jobs(redis, settings.model_copy(update={"lease_s": 1.5}))
    wait_for(lambda: not any(thread.name == "leases" for thread in threading.enumerate()))  # none uses a closed Redis


def wait_until_lease_lapses(jobs: Jobs) -> bool:
    """Whether a lease taken after the call has expired: then one taken before it has, if nobody renewed it."""
    jobs.submit(make_job_request("measure", session="measure"))
    jobs.claim("asr", OTHER, 1)
    wait_for(lambda: jobs.sweep({"asr": "queue"}), poll_s=0.02)
    return True


def test_work_that_takes_longer_than_a_lease_is_not_taken_back(jobs_with_short_leases):
    jobs_with_short_leases.submit(make_job_request("a"))
    job = claim_job(jobs_with_short_leases, "asr")
    with Leases(jobs_with_short_leases, "asr", [job]):
        assert wait_until_lease_lapses(jobs_with_short_leases)
        assert jobs_with_short_leases.complete("asr", job, TRANSCRIPT)[0]


def test_work_that_nobody_renews_is_taken_back(jobs_with_short_leases):
    jobs_with_short_leases.submit(make_job_request("a"))
    job = claim_job(jobs_with_short_leases, "asr")
    assert wait_until_lease_lapses(jobs_with_short_leases)
    assert not jobs_with_short_leases.complete("asr", job, TRANSCRIPT)[0]


@pytest.mark.parametrize("error", [ValueError("odd"), UnicodeDecodeError("utf-8", b"x", 0, 1, "odd"), OSError("odd")])
def test_leases_are_renewed_after_an_error_that_nobody_expected(jobs_with_short_leases, error):
    errors = [error]

    class FailingOnce(Jobs):
        def renew(self, stage, batch):
            if errors:
                raise errors.pop()
            return super().renew(stage, batch)

    jobs = FailingOnce(jobs_with_short_leases.redis, jobs_with_short_leases.settings)
    jobs.submit(make_job_request("a"))
    job = claim_job(jobs, "asr")
    with Leases(jobs, "asr", [job]):
        assert wait_until_lease_lapses(jobs)
        assert jobs.complete("asr", job, TRANSCRIPT)[0]


@pytest.mark.parametrize("ending", ["cancel", "erase"])
def test_workers_soon_learn_that_a_job_was_canceled_or_erased(jobs_with_short_leases, ending):
    for name in "ab":
        jobs_with_short_leases.submit(make_job_request(name, session=name))
    ended, other = jobs_with_short_leases.claim("asr", OTHER, 2)[0]
    with Leases(jobs_with_short_leases, "asr", [ended, other]) as leases:
        assert leases.still_wanted(ended)
        getattr(jobs_with_short_leases, ending)("default", "a")
        wait_for(lambda: not leases.still_wanted(ended))
        assert leases.still_wanted(other)
