"""What killed workers of llama.cpp left in the temporary folder is removed; nothing that lies there stops a worker."""

import socket
import tempfile
from pathlib import Path

import pytest

from tests.support.memory_folder import memory_folder
from worker_llm.llama_cpp import SOCKET_FOLDER_PREFIX, SOCKET_NAME, remove_stale_socket_folders


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The temporary folder of this process; its path is short enough for sockets."""
    with memory_folder(tmp_path) as short:
        monkeypatch.setattr(tempfile, "tempdir", str(short))
        yield short


def listen(folder: Path) -> socket.socket:
    folder.mkdir()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / SOCKET_NAME))
    listener.listen()
    return listener


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def link_to_nothing(path: Path) -> None:
    path.symlink_to(path.parent / "nothing")


def link_to_a_folder_with_a_dead_socket(path: Path) -> None:
    listen(path.parent / "target").close()
    path.symlink_to(path.parent / "target")


def put_a_file_there(path: Path) -> None:
    path.touch()


def make_a_folder_without_a_socket(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    "prepare",
    [
        link_to_itself,
        link_to_nothing,
        link_to_a_folder_with_a_dead_socket,
        put_a_file_there,
        make_a_folder_without_a_socket,
    ],
)
def test_what_is_not_the_folder_of_a_dead_worker_stays_and_stops_nothing(folder, prepare):
    prepare(folder / f"{SOCKET_FOLDER_PREFIX}x")
    before = sorted(folder.rglob("*"))
    remove_stale_socket_folders()
    assert sorted(folder.rglob("*")) == before


def test_a_folder_whose_path_is_too_long_for_a_socket_stops_nothing(folder):
    (folder / f"{SOCKET_FOLDER_PREFIX}{'x' * 200}").mkdir()
    remove_stale_socket_folders()


def test_the_folders_of_dead_workers_are_removed_and_those_of_living_ones_stay(folder):
    listen(folder / f"{SOCKET_FOLDER_PREFIX}dead").close()
    link_to_itself(folder / f"{SOCKET_FOLDER_PREFIX}a")
    with listen(folder / f"{SOCKET_FOLDER_PREFIX}alive"):
        remove_stale_socket_folders()
        assert {path.name.removeprefix(SOCKET_FOLDER_PREFIX) for path in folder.iterdir()} == {"a", "alive"}
