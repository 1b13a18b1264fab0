"""Finds the recordings of a class wherever a teacher keeps them: in folders, in ZIP archives, as single files."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import file_digest
from io import BytesIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import IO

from pipeline.errors import NotAudio, TooManyFiles, WaijiaoError
from pipeline.homework.assignments import Student
from pipeline.homework.filenames import display_path, is_clutter, is_recording
from pipeline.homework.zip_import import RefusedFile, ZipLimits, ZipMember, list_members
from waijiao.client.transport import Opener, recording_opener

MAX_FILES = 10_000  # in a folder, or in a ZIP archive including its folders
ZIP_LIMITS = ZipLimits(MAX_FILES, entry_bytes=500_000_000, total_bytes=50_000_000_000)  # the server may accept less
MAX_MEMORY_BYTES = 1 << 23  # a larger recording from a ZIP archive is put in a temporary file while it is sent
Fingerprint = tuple[int, int]  # bytes, nanoseconds of the last change: they differ if a file has changed


@dataclass(frozen=True)
class FoundFile:
    """A file, and how to open it; or, if `opener` is None, the code and the reason why it is not accepted.

    `name` is its path for messages, with the name of its ZIP archive; `path`, without that, identifies its student.
    """

    name: str
    path: str
    fingerprint: Fingerprint
    opener: Opener | None = field(default=None, repr=False, compare=False)
    code: str = ""
    detail: str = ""

    def sha256(self) -> str:
        assert self.opener  # noqa: S101 - only called for accepted files
        with self.opener() as file:
            return file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it can be read, which is enough


@contextmanager
def find_files(
    paths: Sequence[Path], exclude: Sequence[Path] = (), read_students: Callable[[], Sequence[Student]] = tuple
) -> Iterator[list[FoundFile]]:
    """All files at `paths` except `exclude`; ZIP archives are open inside of the context. Raises TooManyFiles.

    `read_students` returns the class, whose names help to read those in ZIP archives; without any it is not called.
    """
    excluded_paths = {path.resolve() for path in exclude}
    with ExitStack() as archives:
        named_paths = [(path, name) for path, name in list_files(paths) if path.resolve() not in excluded_paths]
        students = read_students() if any(is_archive(path) for path, _ in named_paths) else ()
        yield [file for path, name in named_paths for file in expand(path, name, archives, students)]


def is_archive(path: Path) -> bool:
    return path.suffix.lower() == ".zip" and path.is_file()


def list_files(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Every file and its name: relative to its folder, or for single files to the folder that they have in common."""
    single = [path for path in paths if not path.is_dir()]
    common = Path(os.path.commonpath([path.absolute().parent for path in single] or [Path.cwd()]))
    for path in paths:
        if path.is_dir():
            yield from walk_folder(path)
        else:
            yield path, path.absolute().relative_to(common).as_posix()


def walk_folder(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file in a folder and its subfolders, except clutter. Raises TooManyFiles, and OSError for a subfolder that
    cannot be read, since half of the class may be in it.
    """
    count = 0
    for parent, subfolders, names in os.walk(folder, onerror=raise_error):
        subfolders.sort()
        for path in (Path(parent, name) for name in sorted(names)):
            name = path.relative_to(folder).as_posix()
            if not is_clutter(name):
                count += 1
                yield path, name
            if count > MAX_FILES:
                raise TooManyFiles(f"{folder} has more than {MAX_FILES:,} files: is it the folder of one class?")


def raise_error(error: OSError) -> None:
    raise error


def expand(path: Path, name: str, archives: ExitStack, students: Sequence[Student]) -> Iterator[FoundFile]:
    """The file itself, or the recordings in it if it is a ZIP archive, which `archives` closes."""
    fingerprint, shown_name = (0, 0), display_path(name)
    try:
        stat = path.stat()
        fingerprint = stat.st_size, stat.st_mtime_ns
        if is_archive(path):
            archive = archives.enter_context(path.open("rb"))
            members = list_members(archive, ZIP_LIMITS, students)
            yield from (describe_entry(entry, shown_name, fingerprint) for entry in members)
        elif is_recording(name) and path.is_file():
            yield FoundFile(shown_name, shown_name, fingerprint, recording_opener(path))
        else:
            yield FoundFile(shown_name, shown_name, fingerprint, code=NotAudio.code, detail=NotAudio.meaning())
    except (WaijiaoError, OSError) as error:
        code = error.code if isinstance(error, WaijiaoError) else "unreadable"
        yield FoundFile(shown_name, shown_name, fingerprint, code=code, detail=str(error))


def describe_entry(entry: ZipMember | RefusedFile, archive: str, fingerprint: Fingerprint) -> FoundFile:
    """An entry of the ZIP archive with this name."""
    name, path = f"{archive}/{entry.name}", (PurePosixPath(archive).parent / entry.name).as_posix()
    if isinstance(entry, RefusedFile):
        return FoundFile(name, path, fingerprint, code=entry.code, detail=entry.detail)
    if not is_recording(entry.name):
        return FoundFile(name, path, fingerprint, code=NotAudio.code, detail=NotAudio.meaning())
    return FoundFile(name, path, fingerprint, lambda: unpack(entry))


def unpack(entry: ZipMember) -> IO[bytes]:
    """The whole entry as a file, since an upload must state its length, which a compressed stream does not."""
    file: IO[bytes] = BytesIO() if entry.size <= MAX_MEMORY_BYTES else TemporaryFile()  # noqa: SIM115 - caller closes it
    with entry.open() as stream:
        shutil.copyfileobj(stream, file)
    file.seek(0)
    return file
