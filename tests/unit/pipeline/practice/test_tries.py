"""Of all tries of a sentence: the best, the last, how many are left, and which recordings are given up."""

import pytest

from pipeline.jobs.job import MAX_TRIES, Job, JobRequest
from pipeline.jobs.results import Transcript
from pipeline.practice.comparison import recognise_text
from pipeline.practice.tries import JobTries, read_tries

TEXT = "I went home yesterday."


def say(number: int, heard: str | None, error: str = "", keeps: bool = True) -> Job:
    """A try in which this was heard; one that is not recognised yet, or failed, without it."""
    request = JobRequest(str(number), "a", task="read", practised="j", keeps_recording=keeps)
    transcript = Transcript(heard, "en", 2.0) if heard is not None else None
    return Job(
        request, 1, "asr", "1", 1, 1.0, 1.0, 1.0, transcript=transcript, error={"code": error} if error else None
    )


def collect(*jobs: Job, first: str | None = None) -> JobTries:
    return JobTries(TEXT, jobs, read_tries(jobs, TEXT), recognise_text(first, TEXT) if first else None)


def test_the_best_is_the_first_of_equals_and_the_last_is_the_latest_that_was_heard():
    worst, best, as_good, unheard = say(1, "I go"), say(2, TEXT), say(3, TEXT), say(4, None)
    tries = collect(worst, best, as_good, unheard)
    assert (tries.best, tries.last, tries.number(as_good)) == (best, as_good, 3)
    assert [tries.gives_up(each) for each in tries.jobs] == [True, False, False, False]
    assert (tries.word_count, tries.count_said(worst), tries.count_said(best)) == (4, 1, 4)


def test_without_a_try_that_was_heard_there_is_neither_best_nor_last():
    tries = collect(say(1, None, "no_speech"), say(2, None))
    assert (tries.best, tries.last, tries.heard) == (None, None, [])
    assert tries.left == MAX_TRIES - 1


def test_only_tries_of_homework_give_up_a_recording():
    tries = collect(*(say(number, heard, keeps=False) for number, heard in enumerate(("I go", TEXT, "I went home"))))
    assert not any(map(tries.gives_up, tries.jobs))


@pytest.mark.parametrize(
    ("first", "expected"),
    [("I go home yesterday", ["", "heard", "", ""]), (None, ["", "", "heard", ""])],
)
def test_a_try_is_compared_with_what_was_said_at_first_or_else_with_the_first_try(first, expected):
    tries = collect(say(1, "I went hope yesterday"), say(2, TEXT), first=first)
    assert [each.change for each in tries.compare_with_first(tries.jobs[1])] == expected


def test_the_first_of_all_is_compared_with_nothing():
    only = say(1, TEXT)
    assert not any(each.change for each in collect(only).compare_with_first(only))
