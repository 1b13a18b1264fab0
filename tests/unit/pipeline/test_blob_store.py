"""The blob store: whole blobs under names of its own, and nothing outside its folder."""

import hashlib
import io
import os

import pytest

from pipeline.blob_store import FolderBlobs
from pipeline.errors import Unavailable


class BrokenSource(io.RawIOBase):
    """A source whose connection breaks after some bytes."""

    def read(self, size: int = -1) -> bytes:
        if self.is_first_call():
            return b"half"
        raise OSError("connection reset")

    def is_first_call(self) -> bool:
        first, self.started = not getattr(self, "started", False), True
        return first


@pytest.fixture
def blobs(tmp_path):
    return FolderBlobs(tmp_path / "blobs")


def test_a_blob_comes_back_as_it_was_put(blobs):
    content = os.urandom(3_000_000)
    blob = blobs.put("default/job", io.BytesIO(content))
    assert (blob.size, blob.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    with blobs.open(blob.name) as file:
        assert file.read() == content


def test_no_blob_is_ever_overwritten(blobs):
    names = {blobs.put("default/job", io.BytesIO(b"same")).name for _ in range(50)}
    assert len(names) == 50


def test_a_broken_upload_leaves_nothing(blobs):
    with pytest.raises(Unavailable):
        blobs.put("default/job", BrokenSource())
    assert not [path for path in blobs.folder.rglob("*") if path.is_file()]


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(Unavailable, match="cannot be written"):
        FolderBlobs(tmp_path / "file").put("default/job", io.BytesIO(b"x"))


@pytest.mark.parametrize(
    "name", ["../x", "default/../x", "/etc/passwd", "default", "a/b/c/d", "", "a/b\n", "a/b.c", "~/x"]
)
def test_a_blob_name_that_the_store_did_not_make_is_refused(blobs, name):
    with pytest.raises(ValueError, match="not the name of a blob"):
        blobs.path(name)


@pytest.mark.parametrize("files", [1, 3])
def test_a_job_is_deleted_although_a_worker_writes_another_blob_meanwhile(blobs, monkeypatch, files):
    blobs.put("default/job", io.BytesIO(b"x"))
    remove_folder, late_names = os.rmdir, [f"late{number}" for number in range(files)]

    def write_before_removing(*arguments, **keywords):
        if late_names:
            (blobs.folder / "default/job" / late_names.pop()).write_bytes(b"late")
        remove_folder(*arguments, **keywords)

    monkeypatch.setattr(os, "rmdir", write_before_removing)
    blobs.delete_job("default/job")
    assert not (blobs.folder / "default/job").exists()
    assert not late_names


@pytest.mark.parametrize("count", [1, 5])
def test_a_job_is_deleted_although_a_worker_renames_what_it_wrote_meanwhile(blobs, monkeypatch, count):
    folder = blobs.folder / "default/job"
    folder.mkdir(parents=True)
    unfinished = [folder / f"{number}.temporary" for number in range(count)]
    for file in (*unfinished, folder / "finished"):
        file.write_bytes(b"x")
    remove_file = os.unlink

    def rename_before_removing(*arguments, **keywords):
        while unfinished:
            file = unfinished.pop()
            file.rename(file.with_suffix(""))
        remove_file(*arguments, **keywords)

    monkeypatch.setattr(os, "unlink", rename_before_removing)
    blobs.delete_job("default/job")
    assert not folder.exists()


def test_deleting_is_harmless_when_done_twice(blobs):
    blob = blobs.put("default/job", io.BytesIO(b"x"))
    for _ in range(2):
        blobs.delete(blob.name)
        blobs.delete_job("default/job")
    with pytest.raises(FileNotFoundError):
        blobs.open(blob.name)
