"""A disk that is full below one folder, for the processes that are started with its `environment` (full_disk.c)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.preloaded import compile_preloaded


class FullDisk:
    """It has space until `fill` is called. Its flag and its library lie in `tools`, outside of the folder."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self.folder = folder
        self.flag = tools / "full-disk"
        library = compile_preloaded(Path(__file__).with_suffix(".c"), tools)
        self.environment = {"LD_PRELOAD": str(library), "FULL_DISK_FLAG": str(self.flag)}

    def fill(self) -> None:
        self.flag.write_text(str(self.folder.resolve()))

    def make_room(self) -> None:
        self.flag.unlink(missing_ok=True)

    @contextmanager
    def full(self) -> Iterator[None]:
        self.fill()
        try:
            yield
        finally:
            self.make_room()
