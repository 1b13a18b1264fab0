"""When a disk has too little space for new work, and how much Redis's append-only file keeps for itself."""

import ctypes
import errno
import os
from types import SimpleNamespace

import pytest

from pipeline import disk_space
from pipeline.blob_store import unavailable
from pipeline.disk_space import MB, DiskSpace, check_free_space, find_fullest, measure_disks
from pipeline.errors import DiskFull
from pipeline.settings import Settings
from waijiao.local import redis_disk
from waijiao.local.redis_disk import BLOCK_BYTES, MIN_RESERVE_BYTES, RESERVE_BYTES, RedisDisk


@pytest.fixture
def set_disk(monkeypatch):
    """Sets what the system says of the disk: free megabytes; free files, and how many there may be (0: no limit)."""

    def set_disk(free_mb: float, free_files: int = 10**6, max_files: int = 10**7) -> None:
        disk = SimpleNamespace(
            f_bavail=int(free_mb * MB) // 4096, f_frsize=4096, f_favail=free_files, f_files=max_files
        )
        monkeypatch.setattr(os, "statvfs", lambda folder: disk)

    return set_disk


@pytest.mark.parametrize(
    ("free_mb", "upload_bytes", "is_refused"),
    [
        (250, 0, False),
        (199, 0, True),
        (0, 0, True),
        (250, 20 * MB, False),
        (250, 26 * MB, True),
        (3000, 2000 * MB, True),
    ],
)
def test_an_upload_must_leave_the_margin_free_although_it_is_written_twice(
    tmp_path, set_disk, free_mb, upload_bytes, is_refused
):
    set_disk(free_mb)
    settings = Settings(home=tmp_path, min_free_mb=200)
    if is_refused:
        with pytest.raises(DiskFull):
            check_free_space(settings, upload_bytes)
    else:
        check_free_space(settings, upload_bytes)


def test_a_disk_without_room_for_more_files_is_full(tmp_path, set_disk):
    settings = Settings(home=tmp_path)
    set_disk(10_000, free_files=0)
    with pytest.raises(DiskFull):
        check_free_space(settings)
    set_disk(10_000, free_files=0, max_files=0)
    check_free_space(settings)


def test_no_margin_refuses_nothing(tmp_path, set_disk):
    set_disk(0, free_files=0)
    check_free_space(Settings(home=tmp_path, min_free_mb=0))


@pytest.mark.parametrize(
    ("free_mb", "free_files", "state"),
    [
        (1001, 10**6, "enough"),
        (999, 10**6, "low"),
        (201, 10**6, "low"),
        (199, 10**6, "full"),
        (0, 10**6, "full"),
        (10_000, 0, "full"),
    ],
)
def test_a_disk_is_low_below_five_margins_and_full_below_one(tmp_path, set_disk, free_mb, free_files, state):
    set_disk(free_mb, free_files)
    settings = Settings(home=tmp_path, min_free_mb=200)
    (disk,) = measure_disks(settings)
    assert (disk.state, disk.needed_bytes) == (state, 200 * MB)
    assert free_mb * MB - 4096 < disk.free_bytes <= free_mb * MB
    if state == "full":
        with pytest.raises(DiskFull):
            check_free_space(settings)


def test_without_a_margin_a_disk_is_full_when_nothing_is_free(tmp_path, set_disk):
    for free_mb, state in [(1, "enough"), (0, "full")]:
        set_disk(free_mb)
        assert [disk.state for disk in measure_disks(Settings(home=tmp_path, min_free_mb=0))] == [state]


def test_the_disk_of_the_embedded_redis_is_measured_where_it_runs(tmp_path):
    (tmp_path / "redis").mkdir()
    settings = Settings(home=tmp_path, blobs=str(tmp_path / "elsewhere"))
    assert [disk.folder for disk in measure_disks(settings)] == [tmp_path, tmp_path / "redis"]


def test_the_fullest_disk_is_the_one_in_the_worst_state_then_with_the_fewest_bytes(tmp_path):
    enough, low, full = (DiskSpace(tmp_path, state, 5 * MB, 1) for state in ("enough", "low", "full"))
    fuller = DiskSpace(tmp_path, "low", 4 * MB, 1)
    assert find_fullest([enough, low, full, fuller]) == full
    assert find_fullest([enough, low, fuller]) == fuller
    assert find_fullest([enough]) == enough


def test_the_disk_of_a_folder_that_does_not_exist_yet_is_that_of_its_parent(tmp_path):
    assert disk_space.existing_parent(tmp_path / "a" / "b") == tmp_path


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_what_the_system_says_of_a_full_disk_is_disk_full(number):
    error = unavailable("written to", OSError(number, os.strerror(number)))
    assert (error.code, error.http_status, error.retryable) == ("disk_full", 507, True)
    assert "accepted" not in error.detail, "it is also the error of a job that was accepted"


@pytest.mark.parametrize("name", ["appendonly.aof", "appendonlydir/appendonly.aof.12.incr.aof"])
def test_the_append_only_file_owns_space_beyond_its_end_and_keeps_its_content(tmp_path, name):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    for other in ("appendonly.aof.9.incr.aof", "appendonly.aof.12.base.rdb", "appendonly.aof.manifest"):
        if file.parent != tmp_path:
            (file.parent / other).write_bytes(b"other")
    (tmp_path / "temp-rewriteaof-bg-7.aof").write_bytes(b"temporary")
    file.write_bytes(b"content")
    disk = RedisDisk(tmp_path)
    for _ in range(2):
        assert disk.options() == {"appendfsync": "always", "auto-aof-rewrite-percentage": "100"}
        assert file.read_bytes() == b"content"
        assert RESERVE_BYTES // 2 < file.stat().st_blocks * BLOCK_BYTES <= RESERVE_BYTES + 2**20


def test_a_file_system_that_cannot_keep_space_is_reported_once(tmp_path, monkeypatch, caplog):
    def fallocate(*_: object) -> int:
        ctypes.set_errno(errno.EOPNOTSUPP)
        return -1

    monkeypatch.setattr(redis_disk, "libc", SimpleNamespace(fallocate=fallocate))
    (tmp_path / "appendonly.aof").write_bytes(b"content")
    disk = RedisDisk(tmp_path)
    for _ in range(3):
        assert disk.options()["appendfsync"] == "always"
    assert caplog.text.count("cannot keep space for Redis") == 1


def test_a_redis_without_reserve_on_a_full_disk_does_not_end_when_it_cannot_write(tmp_path, monkeypatch, set_disk):
    (tmp_path / "appendonly.aof").write_bytes(b"content")
    set_disk(0)
    disk = RedisDisk(tmp_path)
    monkeypatch.setattr(disk, "allocate", lambda *_: False)
    assert disk.options() == {"appendfsync": "everysec", "auto-aof-rewrite-percentage": "0"}
    set_disk(2 * MIN_RESERVE_BYTES / MB)
    assert disk.options() == {"appendfsync": "always", "auto-aof-rewrite-percentage": "100"}
