"""Recordings of a class, wherever a teacher keeps them: a folder, a ZIP, single files."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import file_digest
from io import BytesIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO

from pipeline.errors import NotAudio, TooManyFiles, WaijiaoError
from pipeline.homework.filenames import display_path, is_clutter, is_recording
from pipeline.homework.zip_import import RefusedFile, ZipLimits, ZipMember, list_members
from waijiao.request import Opener, opener

FILES = 10_000  # of a folder, or of a ZIP with its folders
LIMITS = ZipLimits(FILES, entry_bytes=500_000_000, total_bytes=50_000_000_000)  # the server may take less
IN_MEMORY = 1 << 23  # bytes of a ZIP's recording that is in memory while it is sent; a longer one in a temporary file
Stamp = tuple[int, int]  # bytes, nanoseconds of its last change: others when a file is another one


@dataclass(frozen=True)
class Found:
    """A file; how it is opened at its start, or why it is not taken.

    `name` says where it lies: in which ZIP, too; `path`, without the ZIP's own name, says whose it is.
    """

    name: str
    path: str
    stamp: Stamp
    opener: Opener | None = field(default=None, repr=False, compare=False)
    code: str = ""
    detail: str = ""

    def sha256(self) -> str:
        assert self.opener  # noqa: S101 - asked of what is taken only
        with self.opener() as file:
            return file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it reads, which is enough


@contextmanager
def gathered(paths: Sequence[Path], without: Sequence[Path] = ()) -> Iterator[list[Found]]:
    """What lies at `paths` but for the files `without`; ZIPs are open meanwhile. TooManyFiles."""
    passed = {path.resolve() for path in without}
    with ExitStack() as opened:
        places = ((path, name) for path, name in files(paths) if path.resolve() not in passed)
        yield [found for path, name in places for found in contents(path, name, opened)]


def files(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Every file and its name: as it is seen from its folder, or from the one that all single files have in common."""
    single = [path for path in paths if not path.is_dir()]
    common = Path(os.path.commonpath([path.absolute().parent for path in single] or [Path.cwd()]))
    for path in paths:
        if path.is_dir():
            yield from inside(path)
        else:
            yield path, path.absolute().relative_to(common).as_posix()


def inside(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file of a folder and its folders, but for clutter."""
    count = 0
    for place, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        for path in (Path(place, name) for name in sorted(names)):
            name = path.relative_to(folder).as_posix()
            if not is_clutter(name):
                count += 1
                yield path, name
            if count > FILES:
                raise TooManyFiles(f"{folder} has more than {FILES:,} files: is it the folder of one class?")


def refuse(error: OSError) -> None:
    """A folder that cannot be read may hold half of a class."""
    raise error


def contents(path: Path, name: str, opened: ExitStack) -> Iterator[Found]:
    """The file itself, or the recordings of the ZIP that it is."""
    stamp, shown = (0, 0), display_path(name)
    try:
        about = path.stat()
        stamp = about.st_size, about.st_mtime_ns
        if path.suffix.lower() == ".zip" and path.is_file():
            archive = opened.enter_context(path.open("rb"))
            yield from (unpacked(each, shown, stamp) for each in list_members(archive, LIMITS))
        elif is_recording(name) and path.is_file():
            yield Found(shown, shown, stamp, recording_opener(path))
        else:
            yield Found(shown, shown, stamp, code=NotAudio.code, detail=NotAudio.meaning())
    except (WaijiaoError, OSError) as error:
        code = error.code if isinstance(error, WaijiaoError) else "unreadable"
        yield Found(shown, shown, stamp, code=code, detail=str(error))


def unpacked(entry: ZipMember | RefusedFile, archive: str, stamp: Stamp) -> Found:
    name, path = f"{archive}/{entry.name}", (PurePosixPath(archive).parent / entry.name).as_posix()
    if isinstance(entry, RefusedFile):
        return Found(name, path, stamp, code=entry.code, detail=entry.detail)
    if not is_recording(entry.name):
        return Found(name, path, stamp, code=NotAudio.code, detail=NotAudio.meaning())
    return Found(name, path, stamp, lambda: inflated(entry))


def inflated(entry: ZipMember) -> IO[bytes]:
    """The whole entry, since what is sent has to say how long it is, which a stream does not."""
    file: IO[bytes] = BytesIO() if entry.size <= IN_MEMORY else TemporaryFile()  # noqa: SIM115 - whoever asked closes it
    with entry.open() as packed:
        shutil.copyfileobj(packed, file)
    file.seek(0)
    return file
