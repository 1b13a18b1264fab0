"""When a delivery that failed is tried again."""

import email.utils
import time

import pytest

from worker_chores.posting import Answer
from worker_chores.trying_again import JITTER, WAITS_S, asked_to_wait, verdict


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_the_end(status):
    assert verdict(1, Answer(status, None), 8) == ("delivered", None)


@pytest.mark.parametrize("answer", [None, Answer(199, None), Answer(301, None), Answer(404, None), Answer(500, None)])
def test_anything_else_is_tried_again_after_longer_and_longer(answer):
    waits = [verdict(tried, answer, 99) for tried in range(1, 10)]
    assert {state for state, _ in waits} == {"waiting"}
    for (_, wait_s), meant in zip(waits, [*WAITS_S, *WAITS_S[-1:] * 2], strict=True):
        assert (1 - JITTER) * meant <= wait_s <= (1 + JITTER) * meant


def test_deliveries_that_failed_together_do_not_come_again_together():
    assert len({verdict(3, None, 8)[1] for _ in range(20)}) > 10


def test_the_last_attempt_and_a_receiver_that_is_gone_end_it():
    assert verdict(8, None, 8) == ("given_up", None)
    assert verdict(1, Answer(410, None), 8) == ("given_up", None)


def test_a_receiver_may_ask_for_more_time_but_not_for_all_of_it():
    assert verdict(1, Answer(503, "3600"), 8) == ("waiting", 3600)
    assert verdict(1, Answer(503, "99999999999999999"), 8)[1] == WAITS_S[-1]
    assert verdict(3, Answer(429, "1"), 8)[1] > 60


def test_the_time_may_be_said_as_a_date_and_nonsense_is_no_time():
    assert asked_to_wait(Answer(503, email.utils.formatdate(time.time() + 100, usegmt=True))) == pytest.approx(
        100, abs=5
    )
    for nonsense in ("soon", "", "-5", "１０", None):
        assert asked_to_wait(Answer(503, nonsense)) == 0
    assert asked_to_wait(None) == 0
