"""Files that only their owner may read: recordings of children, what was said, keys and logs.

Every process that writes such files sets the umask first; the folders that hold them are checked when they are used.
"""

import os
import stat
from pathlib import Path

from pipeline.errors import ConfigurationError

PRIVATE_UMASK = 0o077  # new files are 0600, new folders 0700
ROOT = 0  # the id of the user who may do anything anyhow


def set_private_umask() -> None:
    """From now on, nothing that this process and its children write can be read by another user."""
    os.umask(PRIVATE_UMASK)


def make_private_folder(folder: Path) -> None:
    """Create the folder, or take the access to it away from the group and from others.

    Raises ConfigurationError when it cannot be made, is not a folder, or belongs to another user, as a folder or as a
    symbolic link, which that user could turn to another place.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.stat().st_uid != os.getuid() or folder.lstat().st_uid not in {os.getuid(), ROOT}:
            raise ConfigurationError(f"{folder} belongs to another user, who could read what is written there.")
        withdraw_access(folder, stat.S_IRWXG | stat.S_IRWXO)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be used: {error.strerror}.") from error


def close_to_others(folder: Path) -> None:
    """Take the access to a folder away from all users but its owner and group: hosts may share it by a group.

    Raises ConfigurationError when others have access and that cannot be changed.
    """
    try:
        withdraw_access(folder, stat.S_IRWXO)
    except OSError as error:
        raise ConfigurationError(
            f"Every user of this machine can enter {folder}, which holds recordings; as its owner, run: "
            f"chmod o-rwx '{folder}'"
        ) from error


def withdraw_access(folder: Path, permissions: int) -> None:
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & permissions:
        folder.chmod(mode & ~permissions)


def make_private_home(home: Path, models: Path) -> None:
    """The same for WAIJIAO_HOME and for every folder in it but that of the models, which anyone may read."""
    make_private_folder(home)
    for folder in home.iterdir():
        if folder.is_dir() and not folder.is_symlink() and folder != models:
            make_private_folder(folder)
