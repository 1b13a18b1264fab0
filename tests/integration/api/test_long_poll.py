"""Waiting for a job on a real server: long polls, ETags, and the maximum of waiting requests."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api.long_poll import JobChanges
from pipeline.api_keys import Keys, Limits
from pipeline.jobs.records import to_fields
from pipeline.jobs.results import Part
from tests.support.job_steps import FEEDBACK, claim_job, make_job_request, run_stage
from tests.support.wait import wait_for

SHORT = 0.3  # seconds in which a wait that does not wait is over


def submit_job(jobs, id_: str = "a" * 32, **fields) -> str:
    jobs.submit(make_job_request(id_, **fields))
    return f"/v1/jobs/{id_}"


def complete_job(jobs) -> None:
    for stage in ("llm", "tts"):
        run_stage(jobs, stage)


@pytest.fixture
def run_later():
    """Runs a function in another thread a little later, when the request under test is already waiting."""
    with ThreadPoolExecutor() as pool:
        yield lambda do, *given: pool.submit(lambda: (time.sleep(SHORT), do(*given)))


def test_a_job_that_ends_in_time_is_the_answer_to_its_own_submission(server, jobs, run_later):
    def answer_it() -> None:
        wait_for(lambda: jobs.waiting()["llm"])
        complete_job(jobs)

    run_later(answer_it)
    answer = server.post("/v1/jobs", json={"text": "hi"}, headers={"Prefer": "respond-async, wait=20"})
    assert (answer.status_code, answer.json()["state"]) == (200, "succeeded")
    assert answer.headers["Preference-Applied"] == "wait=20"
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json()['id']}"
    assert "Retry-After" not in answer.headers


def test_a_job_that_does_not_end_in_time_is_accepted(server):
    answer = server.post("/v1/jobs", json={"text": "hi"}, headers={"Prefer": "wait=1"})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_long_poll_is_answered_when_the_job_changes(server, jobs, run_later):
    place = submit_job(jobs, recording=False)
    run_later(claim_job, jobs, "llm")
    start_time = time.monotonic()
    assert server.get(place, params={"wait": 20}).json()["state"] == "thinking"
    assert time.monotonic() - start_time < 10


def test_a_long_poll_that_missed_a_change_is_answered_at_once(server, jobs):
    place = submit_job(jobs, recording=False)
    seen = server.get(place)
    claim_job(jobs, "llm")
    news = server.get(place, params={"wait": 20}, headers={"If-None-Match": seen.headers["ETag"]})
    assert news.json()["state"] == "thinking"


def test_a_long_poll_without_a_change_is_304(server, jobs):
    place = submit_job(jobs, recording=False)
    seen = server.get(place)
    same = server.get(place, params={"wait": 0.5}, headers={"If-None-Match": seen.headers["ETag"]})
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", seen.headers["ETag"])


def test_an_unchanged_job_is_not_sent_again(server, jobs):
    place = submit_job(jobs, recording=False)
    tag = server.get(place).headers["ETag"]
    assert server.get(place, headers={"If-None-Match": f'"other", {tag}'}).status_code == 304
    claim_job(jobs, "llm")
    assert server.get(place, headers={"If-None-Match": tag}).status_code == 200


def test_a_long_poll_for_an_ended_job_does_not_wait(server, jobs):
    place = submit_job(jobs, recording=False)
    complete_job(jobs)
    start_time = time.monotonic()
    seen = server.get(place, params={"wait": 20})
    assert server.get(place, params={"wait": 20}, headers={"If-None-Match": seen.headers["ETag"]}).status_code == 304
    assert time.monotonic() - start_time < 10


def test_a_spoken_sentence_is_a_change_and_can_be_fetched(server, jobs, settings, run_later):
    place = submit_job(jobs, recording=False)
    job = reach_speaking(jobs)
    settings.blobs_folder.joinpath("default", job.id).mkdir(parents=True)
    settings.blobs_folder.joinpath("default", job.id, "1").write_bytes(b"a sentence")
    part = Part("I went home.", f"default/{job.id}/1", "5e", 10, 1.5)
    assert server.get(place).json()["parts"] == []
    assert server.get(f"{place}/audio?part=1").json()["code"] == "answer_not_ready"
    run_later(jobs.progress, "tts", job, 1, {"part": to_fields(part)})
    audio = f"{place}/audio?part=1"
    spoken = [{"number": 1, "text": "I went home.", "audio": audio, "duration_s": 1.5}]
    assert server.get(place, params={"wait": 20}).json()["parts"] == spoken
    audio_answer = server.get(audio)
    assert (audio_answer.content, audio_answer.headers["Content-Type"], audio_answer.headers["ETag"]) == (
        b"a sentence",
        "audio/wav",
        '"5e"',
    )
    assert server.get(audio, headers={"Range": "bytes=2-9"}).content == b"sentence"
    assert server.get(f"{place}/audio").json()["code"] == "answer_not_ready"
    assert server.get(f"{place}/audio?part=2").json()["code"] == "answer_not_ready"


def reach_speaking(jobs):
    run_stage(jobs, "llm", FEEDBACK)
    return claim_job(jobs, "tts")


def test_a_wait_ends_when_the_job_is_erased(server, jobs, run_later):
    place = submit_job(jobs, recording=False)
    run_later(jobs.erase, "default", "anna")
    gone = server.get(place, params={"wait": 20})
    assert (gone.status_code, gone.json()["code"]) == (410, "erased")


def test_when_too_many_wait_the_next_is_answered_at_once(serve, jobs):
    server = serve(most_waiting=2)
    place = submit_job(jobs, recording=False)
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(wait_until_thinking, server, place) for _ in range(2)]
        wait_for(lambda: is_answered_at_once(server, place))
        assert not any(each.done() for each in waiting)
        claim_job(jobs, "llm")
        for each in waiting:
            each.result()


@pytest.mark.parametrize(
    ("callers", "places"),
    [
        pytest.param([("school", "anna")] * 8, 2, id="a quarter for one key"),
        pytest.param([("school", key) for key in "aabbccdd"], 4, id="half for one tenant"),
        pytest.param([("school", key) for key in "aabb"] + [("club", key) for key in "aabb"], 8, id="all for two"),
        pytest.param([("default", "")] * 9, 8, id="all where no key is needed"),
    ],
)
def test_places_are_shared_by_keys_and_tenants(settings, callers, places):
    changes = JobChanges(settings.model_copy(update={"most_waiting": 8}))

    def count_places() -> int:
        with contextlib.ExitStack() as stack:
            watches = [changes.watch(f"{tenant}/{'a' * 32}", key) for tenant, key in callers]
            return sum(stack.enter_context(watch) is not None for watch in watches)

    assert count_places() == places
    assert count_places() == places  # those of requests that have ended are free again
    assert not changes.taken_places


def test_one_key_that_waits_everywhere_leaves_places_to_other_tenants(serve, redis, jobs):
    server = serve(keys=True, most_waiting=4, api_processes=1)
    greedy, other = ({"Authorization": f"Bearer {create_key(redis, tenant)}"} for tenant in ("school", "club"))
    mine, theirs = (server.post("/v1/jobs", json={"text": "hi"}, headers=who).json() for who in (greedy, other))
    streams = [server.stream("GET", f"/v1/jobs/{mine['id']}/events", headers=greedy) for _ in range(20)]
    with contextlib.ExitStack() as stack:
        for stream in streams:
            stack.enter_context(stream)
        start_time = time.monotonic()
        job = server.get(f"/v1/jobs/{theirs['id']}", params={"wait": 1}, headers=other)
        assert (job.status_code, time.monotonic() - start_time > 0.9) == (200, True)


def create_key(redis, tenant: str) -> str:
    return Keys(redis).create(tenant, "teacher", "Ms Li", Limits())[1]


def wait_until_thinking(server, place: str) -> None:
    wait_for(lambda: server.get(place, params={"wait": 20}).json()["state"] == "thinking")


def is_answered_at_once(server, place: str) -> bool:
    start_time = time.monotonic()
    assert server.get(place, params={"wait": 2}).status_code == 200
    return time.monotonic() - start_time < 1


def test_long_polls_do_not_block_other_requests(server, jobs):
    place = submit_job(jobs, recording=False)
    with ThreadPoolExecutor(100) as pool:
        waiting = [pool.submit(server.get, place, params={"wait": 20}) for _ in range(100)]
        time.sleep(SHORT)
        start_time = time.monotonic()
        assert server.post("/v1/jobs", json={"text": "hi"}).status_code == 202
        assert time.monotonic() - start_time < 5
        claim_job(jobs, "llm")
        assert {each.result().json()["state"] for each in waiting} == {"thinking"}


def test_long_polls_continue_when_the_subscription_breaks(server, jobs, redis):
    place = submit_job(jobs, recording=False)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(server.get, place, params={"wait": 20})
        wait_for(lambda: redis.pubsub_numsub("waijiao:changed")[0][1])
        redis.client_kill_filter(_type="pubsub")
        claim_job(jobs, "llm")
        assert waiting.result(15).json()["state"] == "thinking"


@pytest.mark.parametrize("error", [ValueError("odd"), KeyError("data"), RuntimeError("changed"), OSError("odd")])
def test_the_subscription_goes_on_after_an_error_that_nobody_expected(jobs, settings, error):
    errors = [error]

    class FailingOnce(JobChanges):
        def subscribe(self):
            if errors:
                raise errors.pop()
            super().subscribe()

    changes = FailingOnce(settings)
    with changes.watch("default/a", "") as change_event:
        wait_for(lambda: jobs.redis.pubsub_numsub("waijiao:changed")[0][1], 4)
        change_event.clear()
        jobs.submit(make_job_request("a"))
        assert change_event.wait(4)


@pytest.fixture
def changes(settings):
    return JobChanges(settings)


def count_subscriptions(redis) -> int:
    return redis.pubsub_numsub("waijiao:changed")[0][1]


def wait_once(changes, redis) -> threading.Thread:
    """The thread that keeps the subscription, when nobody waits any longer."""
    with changes.watch("default/a", ""):
        wait_for(lambda: count_subscriptions(redis), 4)
        assert changes.subscriber
        return changes.subscriber


def test_there_is_no_subscription_when_nobody_waits(changes, jobs):
    wait_once(changes, jobs.redis).join(5)
    wait_for(lambda: not count_subscriptions(jobs.redis), 2)
    with changes.watch("default/a", "") as change_event:
        wait_for(lambda: count_subscriptions(jobs.redis), 4)
        change_event.clear()
        jobs.submit(make_job_request("a"))
        assert change_event.wait(4)


def test_a_lost_subscription_is_no_warning_when_nobody_waits(changes, jobs, caplog):
    subscriber = wait_once(changes, jobs.redis)
    jobs.redis.client_kill_filter(_type="pubsub")
    subscriber.join(5)
    assert not subscriber.is_alive()
    assert not caplog.records


def test_a_thread_that_cannot_be_started_takes_no_place_for_ever(changes, jobs, monkeypatch):
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError), changes.watch("default/a", ""):
            raise AssertionError("the thread was started")
    assert not changes.taken_places
    assert not changes.waiting
    wait_once(changes, jobs.redis)


def test_requests_that_wait_by_turns_are_all_woken(changes, jobs):
    for number in range(12):
        with changes.watch(f"default/{number}", "") as change_event:
            jobs.submit(make_job_request(str(number)))
            assert change_event.wait(4)
        time.sleep(number % 3 * 0.5)  # so that the thread is at times ending, and has at times ended


def test_a_wait_that_is_not_a_number_is_refused(server, jobs):
    place = submit_job(jobs, recording=False)
    for wait in ("soon", "-1", "nan"):
        answer = server.get(place, params={"wait": wait})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")


def test_a_server_stops_in_time_though_somebody_waits(serve, jobs):
    server = serve(wait_s=60)
    place = submit_job(jobs)
    threading.Thread(target=poll_until_cut_off, args=(server, place), daemon=True).start()
    time.sleep(SHORT)  # the fixture then stops the server, and demands that it ends within 10 s


def poll_until_cut_off(server, place: str) -> None:
    with contextlib.suppress(httpx.TransportError):
        server.get(place, params={"wait": 60})
