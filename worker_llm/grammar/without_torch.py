"""Keeps torch out of this process while libraries that would use it, but do not need it, are imported."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_torch() -> Iterator[None]:
    """Inside it, an import of torch fails as if it were not installed: where it is, it takes 300 MB and a second.

    When torch has been imported before, nothing changes.
    """
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]  # which makes its import raise ModuleNotFoundError
    try:
        yield
    finally:
        del sys.modules["torch"]
