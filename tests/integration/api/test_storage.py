"""/readyz and `waijiao status` tell an administrator of a full disk and of a Redis that refuses writes."""

import os

import pytest
from redis.exceptions import ResponseError

from api import create_app
from api.admin.storage import REDIS_ADVICE
from pipeline.disk_space import MB
from pipeline.redis_connection import REFUSAL_REASONS, why_redis_refuses
from pipeline.schemas.status import Storage

NO_DISK_IS_SO_LARGE_MB = 10**9


@pytest.fixture
def read(redis, settings):
    """Reads what /readyz says of the storage, where so many megabytes must stay free."""

    def read(min_free_mb: int = 0) -> Storage:
        app = create_app(settings.model_copy(update={"min_free_mb": min_free_mb}))
        return Storage.model_validate(app.test_client().get("/readyz").json["storage"])

    return read


@pytest.fixture
def refuse_writes(redis, monkeypatch):
    """Makes Redis refuse writes for a reason, and takes them again afterwards."""

    def refuse(reason: str) -> None:
        if reason == "memory":
            redis.config_set("maxmemory", 1)
        elif reason == "read_only":
            redis.replicaof("127.0.0.1", 1)
        else:
            said = {"disk": "MISCONF Errors writing to the AOF file", "other": "NOREPLICAS Not enough good replicas"}
            monkeypatch.setattr(type(redis), "set", lambda *_, **__: raise_error(ResponseError(said[reason])))

    yield refuse
    redis.config_set("maxmemory", 0)
    redis.replicaof("NO", "ONE")


def raise_error(error: Exception) -> None:
    raise error


def test_with_room_for_work_there_is_nothing_to_do(read, settings):
    storage = read()
    assert (storage.disk, storage.redis_refuses, storage.advice) == ("enough", None, [])
    assert (storage.folder, storage.needed_bytes) == (str(settings.home), 0)


def test_asking_whether_redis_takes_writes_changes_nothing(redis):
    redis.set("waijiao:something", "kept")
    assert why_redis_refuses(redis) is None
    assert redis.keys() == ["waijiao:something"]


@pytest.mark.parametrize("reason", REFUSAL_REASONS)
def test_why_redis_refuses_is_said_with_what_to_do(read, refuse_writes, reason):
    refuse_writes(reason)
    storage = read()
    assert (storage.redis_refuses, storage.advice) == (reason, [REDIS_ADVICE[reason]])


def test_a_full_disk_is_said_with_its_free_bytes_and_what_to_do(read, settings):
    storage = read(NO_DISK_IS_SO_LARGE_MB)
    assert (storage.disk, storage.needed_bytes) == ("full", NO_DISK_IS_SO_LARGE_MB * MB)
    assert 0 < storage.free_bytes < storage.needed_bytes
    (advice,) = storage.advice
    assert advice.startswith("The disk is full, so uploads are refused")
    for words in (f"{storage.free_bytes // MB} MB", str(settings.home), "erase", "WAIJIAO_RETENTION_H"):
        assert words in advice


def test_a_disk_is_nearly_full_before_anything_is_refused(read, settings):
    disk = os.statvfs(settings.home)
    storage = read(disk.f_bavail * disk.f_frsize // MB // 2)
    assert storage.disk == "low"
    assert storage.advice[0].startswith("The disk is nearly full")


def test_a_file_system_without_room_for_files_is_not_called_short_of_bytes(read, settings, monkeypatch):
    disk = os.statvfs(settings.home)
    few_files = os.statvfs_result((*disk[:5], 10**7, 0, 0, *disk[8:]))
    monkeypatch.setattr(os, "statvfs", lambda _: few_files)
    storage = read(1)
    assert storage.disk == "full"
    assert "no room for more files" in storage.advice[0]
