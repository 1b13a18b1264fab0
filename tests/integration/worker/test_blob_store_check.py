"""A blob folder and a Redis that do not belong together are told apart from those that do."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.errors import ConfigurationError
from pipeline.worker.bootsteps import STORE_ID_FILE, STORE_ID_KEY, check_store_id


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "blobs"


def test_the_first_worker_makes_the_id_and_later_ones_find_it(redis, folder):
    check_store_id(folder, redis)
    id_ = redis.get(STORE_ID_KEY)
    assert (folder / STORE_ID_FILE).read_text() == id_
    check_store_id(folder, redis)
    assert redis.get(STORE_ID_KEY) == id_
    assert [path.name for path in folder.iterdir()] == [STORE_ID_FILE]


def test_workers_that_start_at_once_agree(redis, folder):
    with ThreadPoolExecutor(16) as starting:
        for _ in range(20):
            list(starting.map(lambda _: check_store_id(folder, redis), range(16)))
            redis.delete(STORE_ID_KEY)
            (folder / STORE_ID_FILE).unlink()


def test_a_redis_that_lost_everything_gets_the_folder_s_id(redis, folder):
    check_store_id(folder, redis)
    redis.flushall()
    check_store_id(folder, redis)
    assert redis.get(STORE_ID_KEY) == (folder / STORE_ID_FILE).read_text()


def test_a_folder_that_the_others_do_not_have_is_refused(redis, folder, tmp_path):
    check_store_id(folder, redis)
    with pytest.raises(ConfigurationError, match=r"is not the folder .* same shared folder; .* redis-cli del"):
        check_store_id(tmp_path / "another", redis)
    assert not (tmp_path / "another").exists()


def test_a_folder_of_another_redis_is_refused(redis, folder):
    check_store_id(folder, redis)
    (folder / STORE_ID_FILE).write_text("another")
    with pytest.raises(ConfigurationError, match=r"belongs to another Redis .* redis-cli del"):
        check_store_id(folder, redis)


def test_a_folder_that_cannot_be_made_is_reported(redis, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be used"):
        check_store_id(tmp_path / "file" / "blobs", redis)
