"""Workers that cannot load their engine, or take no work: they end, say why, and come back when they can."""

import pytest
from house import House
from plan import Plan
from waiting import wait_for

PLAN = Plan(workers={"asr": 1, "llm": 1, "tts": 1, "chores": 1})
KINDS = ("asr", "llm", "tts")
ENDS_S = 20  # seconds in which a worker that cannot start has ended
BACK_S = 15  # seconds after which a worker that takes no work is back, and has answered


@pytest.fixture
def model(house: House, tmp_path):
    """Of the language model's worker: a file that the test may take away."""
    file = tmp_path / "model"
    file.touch()
    worker = house["llm1"]
    worker.environment["WAIJIAO_LLM_MODEL"] = str(file)
    house.restart("llm1")
    yield file
    worker.environment["WAIJIAO_LLM_MODEL"] = str(house.orders.folder)


def test_a_worker_without_its_model_ends_and_its_jobs_wait_for_it(house, client, model):
    worker = house["llm1"]
    worker.kill()
    model.unlink()
    said = client.say()
    worker.start()
    assert worker.ended(ENDS_S) == 1
    assert worker.said().count("cannot start") == 1
    assert "Traceback" not in worker.said()
    wait_for(lambda: client.job(said)["state"] == "thinking")
    model.touch()
    house.start("llm1")
    assert client.succeeded(said)["attempts"]["llm"] == 1


def test_a_worker_whose_new_child_finds_no_model_is_back_when_the_model_is(house, client, orders, model):
    said = house.held("llm")
    model.unlink()
    worker = house["llm1"]
    worker.kill_child()
    assert worker.ended(ENDS_S) == 1
    house.keep_alive()
    wait_for(lambda: len(worker.runs) > 3)  # it is started again and again
    assert client.job(said)["state"] == "thinking"
    model.touch()
    assert client.succeeded(said)["attempts"]["llm"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_that_fails_to_load_a_few_times_costs_no_answer(house, client, orders, kind):
    orders.give(kind, "load", "fail", times=2)
    house[f"{kind}1"].kill()
    house.keep_alive()
    assert client.succeeded(client.say())["attempts"] == dict.fromkeys(KINDS, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_takes_no_work_comes_back_by_itself(house, client, orders, kind):
    worker = house[f"{kind}1"]
    house.keep_alive()
    orders.give(worker.name, "before_sweep", "hang")  # in its parent's event loop
    wait_for(lambda: orders.obeyed("before_sweep"))
    client.say()
    said = client.say()
    assert client.succeeded(said, BACK_S)["attempts"] == dict.fromkeys(KINDS, 1)
    assert len(worker.runs) > 1
