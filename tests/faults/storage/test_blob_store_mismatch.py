"""A blob folder and a Redis that do not belong together: no worker that handles audio starts, and each says why."""

import pytest

from tests.faults.harness.cluster_plan import Plan

PLAN = Plan(workers={"asr": 1, "llm": 1, "tts": 1, "maintenance": 1})
END_S = 20  # seconds in which a worker that cannot start has ended
MESSAGE = "waijiao: this worker cannot start: WAIJIAO_BLOBS="


@pytest.fixture(params=["asr", "tts"])
def worker(cluster, request):
    worker, folder = cluster[f"{request.param}1"], str(cluster.settings.blobs_folder)
    worker.kill()
    yield worker
    worker.environment["WAIJIAO_BLOBS"] = folder


@pytest.mark.parametrize("store_id", [None, "another"], ids=["an unshared folder", "another cluster's folder"])
def test_a_worker_with_the_wrong_folder_does_not_start_and_its_jobs_wait(cluster, client, worker, store_id, tmp_path):
    if store_id:
        (tmp_path / "store-id").write_text(store_id)
    right, worker.environment["WAIJIAO_BLOBS"] = worker.environment["WAIJIAO_BLOBS"], str(tmp_path)
    turn, before = client.submit(), worker.output().count(MESSAGE)
    worker.start()
    assert worker.wait_for_exit(END_S) == 1
    assert worker.output().count(MESSAGE) == before + 1
    assert "redis-cli del waijiao:store" in worker.output()
    worker.environment["WAIJIAO_BLOBS"] = right
    cluster.start(worker.name)
    assert set(client.expect_success(turn)["attempts"].values()) == {1}


def test_a_redis_that_lost_everything_belongs_to_the_folder_again(cluster, client):
    cluster.redis.flushall()
    for turn in [*client.accepted.values()]:
        client.forget(turn)
    cluster.restart("asr1", "tts1")
    client.expect_success(client.submit())
    assert cluster.redis.get("waijiao:store") == (cluster.settings.blobs_folder / "store-id").read_text()
