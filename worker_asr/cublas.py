"""NVIDIA's cuBLAS for CUDA 12 out of its wheel: CTranslate2 opens it by name, which finds what is loaded already."""

import ctypes
import importlib.util
from pathlib import Path

LIBRARIES = (  # in this order, since each needs those before it
    "cuda_nvrtc/lib/libnvrtc.so.12",
    "cublas/lib/libcublasLt.so.12",
    "cublas/lib/libcublas.so.12",
)


def preload() -> None:
    """Load what the wheel `nvidia-cublas-cu12` brought, if it is installed; else the loader's own places hold."""
    package = importlib.util.find_spec("nvidia")
    folders = list(package.submodule_search_locations or ()) if package else []
    for library in LIBRARIES:
        for file in (Path(folder) / library for folder in folders):
            if file.is_file():
                ctypes.CDLL(str(file), mode=ctypes.RTLD_GLOBAL)
