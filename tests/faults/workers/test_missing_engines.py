"""Workers that cannot load their engine, or take no work: they end, say why, and come back when they can."""

import pytest

from tests.faults.harness.cluster import FaultCluster
from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

PLAN = Plan(workers={"asr": 1, "llm": 1, "tts": 1, "maintenance": 1}, settings={"stall_s": 3})
STAGES = ("asr", "llm", "tts")
END_S = 20  # seconds in which a worker that cannot start has ended
RECOVERY_S = 40  # seconds after which a worker that takes no work is back, and has answered, on a busy machine


@pytest.fixture
def model(cluster: FaultCluster, tmp_path):
    """Of the language model's worker: a file that the test may take away."""
    file = tmp_path / "model"
    file.touch()
    worker = cluster["llm1"]
    worker.environment["WAIJIAO_LLM_MODEL"] = str(file)
    cluster.restart("llm1")
    yield file
    worker.environment["WAIJIAO_LLM_MODEL"] = str(cluster.orders.folder)


def test_a_worker_without_its_model_ends_and_its_jobs_wait_for_it(cluster, client, model):
    worker = cluster["llm1"]
    worker.kill()
    model.unlink()
    turn, before = client.submit(), worker.log.read_text()
    worker.start()
    assert worker.wait_for_exit(END_S) == 1
    words = worker.log.read_text().removeprefix(before)
    assert words.count("waijiao: the llm worker cannot start: ") == 1
    assert "Traceback" not in words
    wait_for(lambda: client.get_job(turn)["state"] == "thinking")
    model.touch()
    cluster.start("llm1")
    assert client.expect_success(turn)["attempts"]["llm"] == 1


def test_a_worker_whose_new_child_finds_no_model_is_back_when_the_model_is(cluster, client, orders, model):
    turn = cluster.submit_and_hold("llm")
    model.unlink()
    worker = cluster["llm1"]
    worker.kill_child()
    assert worker.wait_for_exit(END_S) == 1
    cluster.keep_alive()
    before = len(worker.runs)
    wait_for(lambda: len(worker.runs) > before + 2)  # it is started again and again
    assert client.get_job(turn)["state"] == "thinking"
    model.touch()
    assert client.expect_success(turn)["attempts"]["llm"] == 2


def test_engines_that_fail_to_load_a_few_times_cost_no_answer(cluster, client, orders):
    for stage in STAGES:
        orders.give(stage, "load", "fail", times=2)
        cluster[f"{stage}1"].kill()
    cluster.keep_alive()
    assert client.expect_success(client.submit())["attempts"] == dict.fromkeys(STAGES, 1)


def test_a_worker_that_takes_no_work_comes_back_by_itself(cluster, client, orders):
    before = {each.name: each.pid for each in cluster.select(*STAGES)}
    cluster.keep_alive()
    for name in before:  # in the parent's event loop; it is mostly the same worker that sweeps
        orders.give(name, "before_sweep", "hang")
    (order, *_) = wait_for(lambda: [*orders.folder.glob("*.before_sweep.*.taken")])
    orders.withdraw()
    turns = [client.submit() for _ in range(2)]  # the first of which it may have asked for already
    for turn in turns:
        assert client.expect_success(turn, RECOVERY_S)["attempts"] == dict.fromkeys(STAGES, 1)
    name = order.name.split(".")[0]
    assert cluster[name].pid != before[name]
