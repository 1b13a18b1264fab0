"""What checks sentences never imports torch, even where torch is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

import worker_llm.grammar
from worker_llm.grammar.without_torch import without_torch

GRAMMAR = Path(worker_llm.grammar.__file__).parent
MODULES = sorted(
    ".".join(("worker_llm", "grammar", *path.relative_to(GRAMMAR).with_suffix("").parts)).removesuffix(".__init__")
    for path in GRAMMAR.rglob("*.py")
)
IMPORT_ALONE = """
import sys
sys.path.insert(0, sys.argv[2])
__import__(sys.argv[1])
"""


@pytest.fixture
def forbidden_torch(tmp_path):
    """A folder with a module torch that ends the process which imports it."""
    (tmp_path / "torch.py").write_text("import os\nos._exit(77)\n")
    return tmp_path


def import_alone(module, folder):
    return subprocess.run([sys.executable, "-c", IMPORT_ALONE, module, str(folder)], check=False).returncode


@pytest.mark.parametrize("module", MODULES)
def test_a_module_of_the_checker_can_be_imported_first_and_imports_no_torch(module, forbidden_torch):
    assert import_alone(module, forbidden_torch) == 0


@pytest.mark.parametrize("module", ["spacy", "ctranslate2.specs", "lemminflect"])
def test_the_libraries_by_themselves_would_import_torch(module, forbidden_torch):
    assert import_alone(module, forbidden_torch) == 77


def test_torch_is_as_if_not_installed_within_and_can_be_imported_after(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    (tmp_path / "torch.py").write_text("answer = 42\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ModuleNotFoundError), without_torch():
        import torch
    import torch

    assert torch.answer == 42
    monkeypatch.delitem(sys.modules, "torch")


def test_a_torch_that_was_imported_before_stays(monkeypatch):
    loaded = object()
    monkeypatch.setitem(sys.modules, "torch", loaded)

    with without_torch():
        assert sys.modules["torch"] is loaded
    assert sys.modules["torch"] is loaded
