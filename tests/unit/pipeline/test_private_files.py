"""Folders with recordings are closed to other users, or refused."""

import os
import stat
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.errors import ConfigurationError
from pipeline.private_files import close_to_others, make_private_folder, make_private_home


def permissions(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("before", [0o755, 0o777, 0o750, 0o701, 0o1777])
def test_an_open_folder_is_closed_to_all_but_its_owner(tmp_path, before):
    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(before)
    make_private_folder(folder)
    assert permissions(folder) & 0o777 == 0o700


def test_a_new_folder_is_private_under_any_umask(tmp_path):
    before = os.umask(0)
    try:
        make_private_folder(tmp_path / "data" / "home")
    finally:
        os.umask(before)
    assert permissions(tmp_path / "data" / "home") == 0o700


def test_the_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        make_private_folder(tmp_path)


@pytest.mark.parametrize(("uid", "is_refused"), [(12_345, True), (0, False)])
def test_a_link_of_another_user_to_one_s_own_folder_is_refused(tmp_path, monkeypatch, uid, is_refused):
    (tmp_path / "own").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "own")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "lstat", lambda path: SimpleNamespace(st_uid=uid))
        with pytest.raises(ConfigurationError, match="another user") if is_refused else nullcontext():
            make_private_folder(tmp_path / "link")


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "home").touch()
    with pytest.raises(ConfigurationError, match="File exists"):
        make_private_folder(tmp_path / "home")


def test_the_folders_of_a_home_are_closed_and_its_models_stay_readable(tmp_path):
    for name in ("blobs", "logs", "redis", "models"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o755)
    (tmp_path / "elsewhere").symlink_to("/usr")
    tmp_path.chmod(0o755)
    make_private_home(tmp_path, tmp_path / "models")
    assert {path.name: permissions(path) for path in (tmp_path, *tmp_path.iterdir()) if not path.is_symlink()} == {
        tmp_path.name: 0o700,
        "blobs": 0o700,
        "logs": 0o700,
        "redis": 0o700,
        "models": 0o755,
    }


@pytest.mark.parametrize(("before", "after"), [(0o755, 0o750), (0o2775, 0o2770), (0o700, 0o700), (0o770, 0o770)])
def test_a_folder_that_hosts_share_by_a_group_is_closed_to_all_others(tmp_path, before, after):
    tmp_path.chmod(before)
    close_to_others(tmp_path)
    assert permissions(tmp_path) == after


def test_an_open_folder_that_cannot_be_closed_is_refused_with_the_command_that_closes_it(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    tmp_path.chmod(0o755)
    monkeypatch.setattr(type(tmp_path), "chmod", refuse)
    with pytest.raises(ConfigurationError, match=f"chmod o-rwx '{tmp_path}'"):
        close_to_others(tmp_path)
