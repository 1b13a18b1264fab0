"""A blob store that is full or fails: what finds no room is refused or waits for its retry, and is never half there."""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.faults.harness.client import Said
from tests.faults.harness.cluster_plan import Plan

PLAN = Plan(workers={"asr": 1, "llm": 1, "tts": 1, "maintenance": 1})
ROOM = 10_000  # bytes: less than any recording or answer, more than the ledger of a few tests
LONG = 3_000  # an utterance of 1 MB, more than the API keeps in memory
Trouble = Callable[..., AbstractContextManager[None]]


@contextmanager
def full_disk(house, kind: str) -> Iterator[None]:
    """What fsync says (ENOSPC)."""
    house.orders.give(kind, "in_blob", "full", times=9)
    yield
    house.orders.withdraw("in_blob")


@contextmanager
def no_room(house, kind: str) -> Iterator[None]:
    """What the kernel says to every file that would grow beyond ROOM (EFBIG)."""
    (process,) = house[f"{kind}1"].children()
    process.rlimit(resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
    yield
    process.rlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextmanager
def broken_folder(house, kind: str = "") -> Iterator[None]:
    """A file lies where everybody's folder was (ENOTDIR)."""
    place = house.settings.blobs_folder / "default"
    kept = place.rename(house.settings.home / "kept")  # out of the sight of those who tidy up
    place.touch()
    yield
    place.unlink()
    kept.rename(place)


TROUBLES = [full_disk, no_room, broken_folder]


@pytest.fixture(autouse=True)
def answered(client) -> Said:
    """A turn from better times, so that there is a folder."""
    said = client.say()
    client.succeeded(said)
    return said


@pytest.mark.parametrize(("trouble", "n"), [*((each, None) for each in TROUBLES), (no_room, LONG)])
def test_a_recording_that_finds_no_room_is_refused_and_leaves_nothing(house, client, trouble: Trouble, n):
    before = contents(house)
    with trouble(house, "api"):
        is_refused(client.post(n))
    assert contents(house) == before
    client.succeeded(client.say(n))


@pytest.mark.parametrize("trouble", [full_disk, no_room])
def test_typed_text_needs_no_room(house, client, trouble: Trouble):
    with trouble(house, "api"):
        client.succeeded(client.say(typed=True))


@pytest.mark.parametrize("trouble", TROUBLES)
def test_an_answer_that_finds_no_room_is_dead_until_it_is_retried(house, client, trouble: Trouble):
    with trouble(house, "tts"):
        dead = client.say(typed=True)
        job = client.failed(dead, "unavailable")
        assert (job["error"]["stage"], job["attempts"]["tts"]) == ("tts", 3)
        assert house.kept(dead) == []
    client.succeeded(retried(client, dead))


def test_an_answer_that_finds_room_at_the_second_try_is_answered(client, orders):
    orders.give("tts", "in_blob", "full")
    assert client.succeeded(client.say())["attempts"]["tts"] == 2


def test_a_recording_that_cannot_be_read_is_dead_until_it_is_retried(house, client):
    house["asr1"].kill()
    dead = client.say()
    with broken_folder(house):
        house.start("asr1")
        assert client.failed(dead, "unavailable")["attempts"] == {"asr": 3}
    client.succeeded(retried(client, dead))


def test_an_answer_that_cannot_be_read_now_can_be_read_later(house, client, answered):
    audio = client.job(answered)["answer"]["audio"]
    with broken_folder(house):
        is_refused(client.ask("GET", audio))
    assert client.ask("GET", audio).status_code == 200


def test_what_cannot_be_removed_now_is_erased_all_the_same(house, client, answered):
    client.forget(answered)
    with broken_folder(house):
        is_refused(client.ask("DELETE", f"/v1/jobs/{answered.id}"))
    assert client.ask("GET", f"/v1/jobs/{answered.id}").status_code == 410


def contents(house) -> tuple[set, set]:
    """Every job, and every file of the blob store."""
    return {*house.redis.scan_iter("waijiao:job:*")}, {*house.settings.blobs_folder.glob("*/*/*")}


def is_refused(answer) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), answer.text
    assert int(answer.headers["Retry-After"]) >= 1


def retried(client, dead: Said) -> Said:
    answer = client.ask("POST", f"/v1/jobs/{dead.id}/retry")
    assert answer.status_code == 202, answer.text
    again = Said(answer.json()["id"], dead.n, dead.session)
    client.accepted[again.id] = again
    return again
