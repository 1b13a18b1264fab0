"""A folder in memory, so that what writes there never waits for a slow disk."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")
MIN_FREE_BYTES = 2 << 30


@contextmanager
def memory_folder(fallback: Path) -> Iterator[Path]:
    """A new, empty folder, which is removed at the end. Its path is short: Unix sockets lie in it.

    Where the machine has no such memory, or less than MIN_FREE_BYTES of it, the folder `fallback` itself, which stays.
    """
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < MIN_FREE_BYTES:
        yield fallback
        return
    folder = Path(tempfile.mkdtemp(prefix="waijiao-test-", dir=MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
