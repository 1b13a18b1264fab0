"""Compiles a small library that is loaded before all others, by LD_PRELOAD, and replaces functions of the C library."""

import os
import subprocess
from pathlib import Path


def compile_preloaded(source: Path, folder: Path) -> Path:
    """The library in `folder`, compiled from a file in C. Needs a C compiler."""
    library = folder / f"{source.stem}.so"
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-Wall", "-o", library, source], check=True)
    return library
