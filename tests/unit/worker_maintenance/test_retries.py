"""When a delivery that failed is tried again."""

import email.utils
import time

import pytest

from worker_maintenance.safe_http import Response
from worker_maintenance.webhook_delivery import RETRY_JITTER, RETRY_WAITS_S, next_state, retry_after_s


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_ends_the_delivery(status):
    assert next_state(1, Response(status, None), 8) == ("delivered", None)


@pytest.mark.parametrize(
    "response", [None, Response(199, None), Response(301, None), Response(404, None), Response(500, None)]
)
def test_other_answers_are_retried_with_growing_delays(response):
    waits = [next_state(tried, response, 99) for tried in range(1, 10)]
    assert {state for state, _ in waits} == {"waiting"}
    for (_, wait_s), meant in zip(waits, [*RETRY_WAITS_S, *RETRY_WAITS_S[-1:] * 2], strict=True):
        assert (1 - RETRY_JITTER) * meant <= wait_s <= (1 + RETRY_JITTER) * meant


def test_retries_of_deliveries_are_spread():
    assert len({next_state(3, None, 8)[1] for _ in range(20)}) > 10


def test_the_last_attempt_and_status_410_end_the_delivery():
    assert next_state(8, None, 8) == ("given_up", None)
    assert next_state(1, Response(410, None), 8) == ("given_up", None)


def test_a_receiver_may_ask_for_more_time_but_not_for_all_of_it():
    assert next_state(1, Response(503, "3600"), 8) == ("waiting", 3600)
    assert next_state(1, Response(503, "99999999999999999"), 8)[1] == RETRY_WAITS_S[-1]
    assert next_state(3, Response(429, "1"), 8)[1] > 60


def test_retry_after_may_be_a_date_and_nonsense_is_ignored():
    assert retry_after_s(Response(503, email.utils.formatdate(time.time() + 100, usegmt=True))) == pytest.approx(
        100, abs=5
    )
    for nonsense in ("soon", "", "-5", "１０", None):
        assert retry_after_s(Response(503, nonsense)) == 0
    assert retry_after_s(None) == 0
