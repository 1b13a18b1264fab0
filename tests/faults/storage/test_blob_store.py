"""A blob store that is full or fails: requests are refused or jobs wait for a retry, and no file is incomplete."""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.faults.harness.client import AcceptedTurn
from tests.faults.harness.cluster_plan import Plan

PLAN = Plan(workers={"asr": 1, "llm": 1, "tts": 1, "maintenance": 1})
MAX_FILE_BYTES = 10_000  # bytes: less than any recording or answer, more than the ledger of a few tests
LONG_UTTERANCE = 3_000  # an utterance of 1 MB, more than the API keeps in memory
Trouble = Callable[..., AbstractContextManager[None]]


@contextmanager
def full_disk(cluster, kind: str) -> Iterator[None]:
    """What fsync says (ENOSPC)."""
    cluster.orders.give(kind, "in_blob", "full", times=9)
    yield
    cluster.orders.withdraw("in_blob")


@contextmanager
def file_size_limit(cluster, kind: str) -> Iterator[None]:
    """What the kernel says to every file that would grow beyond MAX_FILE_BYTES (EFBIG)."""
    (process,) = cluster[f"{kind}1"].children()
    process.rlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, resource.RLIM_INFINITY))
    yield
    process.rlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@contextmanager
def broken_folder(cluster, kind: str = "") -> Iterator[None]:
    """A file is in the place of the tenant's folder (ENOTDIR)."""
    folder = cluster.settings.blobs_folder / "default"
    moved = folder.rename(cluster.settings.home / "moved")  # where orphans are not removed
    folder.touch()
    yield
    folder.unlink()
    moved.rename(folder)


TROUBLES = [full_disk, file_size_limit, broken_folder]


@pytest.fixture(autouse=True)
def answered_turn(client) -> AcceptedTurn:
    """An answered turn, so that the folder exists."""
    turn = client.submit()
    client.expect_success(turn)
    return turn


@pytest.mark.parametrize(
    ("trouble", "utterance"), [*((each, None) for each in TROUBLES), (file_size_limit, LONG_UTTERANCE)]
)
def test_on_a_full_disk_a_recording_is_refused_and_leaves_nothing(cluster, client, trouble: Trouble, utterance):
    before = list_contents(cluster)
    with trouble(cluster, "api"):
        expect_refusal(client.post(utterance), "unavailable" if trouble is broken_folder else "disk_full")
    assert list_contents(cluster) == before
    client.expect_success(client.submit(utterance))


@pytest.mark.parametrize("trouble", [full_disk, file_size_limit])
def test_on_a_full_disk_typed_text_is_accepted(cluster, client, trouble: Trouble):
    with trouble(cluster, "api"):
        client.expect_success(client.submit(typed=True))


@pytest.mark.parametrize("trouble", TROUBLES)
def test_on_a_full_disk_an_answer_is_dead_until_it_is_retried(cluster, client, trouble: Trouble):
    with trouble(cluster, "tts"):
        dead = client.submit(typed=True)
        job = client.expect_failure(dead, "unavailable" if trouble is broken_folder else "disk_full")
        assert (job["error"]["stage"], job["attempts"]["tts"]) == ("tts", 3)
        assert cluster.list_blobs(dead) == []
    client.expect_success(retry(client, dead))


def test_an_answer_that_can_be_stored_at_the_second_attempt_succeeds(client, orders):
    orders.give("tts", "in_blob", "full")
    assert client.expect_success(client.submit())["attempts"]["tts"] == 2


def test_a_recording_that_cannot_be_read_is_dead_until_it_is_retried(cluster, client):
    cluster["asr1"].kill()
    dead = client.submit()
    with broken_folder(cluster):
        cluster.start("asr1")
        assert client.expect_failure(dead, "unavailable")["attempts"] == {"asr": 3}
    client.expect_success(retry(client, dead))


def test_an_answer_that_cannot_be_read_now_can_be_read_later(cluster, client, answered_turn):
    audio = client.get_job(answered_turn)["answer"]["audio"]
    with broken_folder(cluster):
        expect_refusal(client.ask("GET", audio))
    assert client.ask("GET", audio).status_code == 200


def test_a_job_whose_files_cannot_be_removed_is_erased_all_the_same(cluster, client, answered_turn):
    client.forget(answered_turn)
    with broken_folder(cluster):
        expect_refusal(client.ask("DELETE", f"/v1/jobs/{answered_turn.id}"))
    assert client.ask("GET", f"/v1/jobs/{answered_turn.id}").status_code == 410


def list_contents(cluster) -> tuple[set, set]:
    """Every job, and every file of the blob store."""
    return {*cluster.redis.scan_iter("waijiao:job:*")}, {*cluster.settings.blobs_folder.glob("*/*/*")}


def expect_refusal(answer, code: str = "unavailable") -> None:
    status = {"unavailable": 503, "disk_full": 507}[code]
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert int(answer.headers["Retry-After"]) >= 1


def retry(client, dead: AcceptedTurn) -> AcceptedTurn:
    answer = client.ask("POST", f"/v1/jobs/{dead.id}/retry")
    assert answer.status_code == 202, answer.text
    again = AcceptedTurn(answer.json()["id"], dead.utterance, dead.session)
    client.accepted[again.id] = again
    return again
