"""A blob folder and a Redis that do not belong together: no worker that handles audio starts, and each says why."""

import pytest

from tests.faults.harness.cluster_plan import Plan

PLAN = Plan(workers={"asr": 1, "llm": 1, "tts": 1, "maintenance": 1})
ENDS_S = 20  # seconds in which a worker that cannot start has ended
SAYS = "waijiao: this worker cannot start: WAIJIAO_BLOBS="


@pytest.fixture(params=["asr", "tts"])
def worker(house, request):
    worker, folder = house[f"{request.param}1"], str(house.settings.blobs_folder)
    worker.kill()
    yield worker
    worker.environment["WAIJIAO_BLOBS"] = folder


@pytest.mark.parametrize("store_id", [None, "another"], ids=["an unshared folder", "another house's folder"])
def test_a_worker_with_the_wrong_folder_does_not_start_and_its_jobs_wait(house, client, worker, store_id, tmp_path):
    if store_id:
        (tmp_path / "store-id").write_text(store_id)
    right, worker.environment["WAIJIAO_BLOBS"] = worker.environment["WAIJIAO_BLOBS"], str(tmp_path)
    said, before = client.say(), worker.said().count(SAYS)
    worker.start()
    assert worker.ended(ENDS_S) == 1
    assert worker.said().count(SAYS) == before + 1
    assert "redis-cli del waijiao:store" in worker.said()
    worker.environment["WAIJIAO_BLOBS"] = right
    house.start(worker.name)
    assert set(client.succeeded(said)["attempts"].values()) == {1}


def test_a_redis_that_lost_everything_belongs_to_the_folder_again(house, client):
    house.redis.flushall()
    for said in [*client.accepted.values()]:
        client.forget(said)
    house.restart("asr1", "tts1")
    client.succeeded(client.say())
    assert house.redis.get("waijiao:store") == (house.settings.blobs_folder / "store-id").read_text()
