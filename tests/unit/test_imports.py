"""What each process imports: the API starts light, a worker's parent imports no model library."""

import subprocess
import sys

import pytest

HEAVY = {
    "numpy",
    "torch",
    "av",
    "ctranslate2",
    "onnxruntime",
    "faster_whisper",
    "xllamacpp",
    "hibari",
    "soundfile",
}
WORKERS = ("worker_asr", "worker_llm", "worker_tts", "worker_segment", "worker_maintenance")


def modules_after(statement: str) -> set[str]:
    script = f"{statement}\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_the_api_imports_nothing_heavy():
    assert not HEAVY & modules_after("import api; api.create_app()")


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_s_parent_imports_no_model_library(worker):
    assert not HEAVY & modules_after(f"import {worker}.tasks")


@pytest.mark.parametrize("worker", WORKERS)
def test_no_worker_knows_another(worker):
    others = {*WORKERS, "api", "waijiao"} - {worker}
    assert not others & modules_after(f"import {worker}.tasks")


def test_the_pipeline_imports_nothing_above_it():
    import pipeline

    names = sorted(
        path.stem for folder in pipeline.__path__ for path in __import__("pathlib").Path(folder).glob("*.py")
    )
    found = modules_after("\n".join(f"import pipeline.{name}" for name in names if name != "__init__"))
    above = {*WORKERS, "api", "waijiao", "flask"}
    assert not (above | {"torch", "transformers"}) & found
