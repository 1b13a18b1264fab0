"""What each process imports: the API starts light, a worker's parent loads no model, no import goes in a circle."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

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
    "spacy",
    "lemminflect",
    "tokenizers",
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
def test_no_worker_imports_another(worker):
    others = {*WORKERS, "api", "waijiao"} - {worker}
    assert not others & modules_after(f"import {worker}.tasks")


def test_the_pipeline_imports_nothing_above_it():
    found = modules_after("\n".join(f"import {name}" for name in product_modules() if name.startswith("pipeline.")))
    above = {
        "worker_asr",
        "worker_llm",
        "worker_tts",
        "worker_segment",
        "worker_maintenance",
        "api",
        "waijiao",
        "flask",
    }
    assert not (above | {"torch", "transformers"}) & found


def test_no_module_imports_itself_through_others():
    modules = product_modules()
    imports = {name: imports_of(name, modules) - {name} for name in modules}
    assert cycles(imports) == []


def test_a_cycle_is_found_among_packages():
    assert cycles({"a": {"b.c"}, "b.c": {"b.d", "e"}, "b.d": {"a"}, "e": set()}) == [["a", "b.c", "b.d"]]


def product_modules() -> dict[str, Path]:
    """The file of each module of the product, by its dotted name; packages within packages too."""
    folders = [path for path in ROOT.iterdir() if (path / "__init__.py").exists() and path.name != "tests"]
    files = [file for folder in folders for file in folder.rglob("*.py")] + [ROOT / "celeryconfig.py"]
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imports_of(name: str, modules: dict[str, Path]) -> set[str]:
    """The modules that run when this one is imported; `from a import b` means a.b where that is a module, else a."""
    path = modules[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in run_at_import(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            submodules = [f"{source}.{alias.name}" for alias in node.names]
            found |= {submodule if submodule in modules else source for submodule in submodules}
    return found & set(modules)


def run_at_import(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements that run when a module is imported: not those of functions, nor those for type checkers."""
    for statement in statements:
        yield statement
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            continue
        for field in ("body", "orelse", "handlers", "finalbody"):
            for inner in getattr(statement, field, []):
                yield from run_at_import(inner.body if isinstance(inner, ast.ExceptHandler) else [inner])


def cycles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules of which each imports all others, directly or through others (Tarjan's algorithm)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    groups = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        path.append(module)
        for imported in sorted(imports[module]):
            if imported not in order:
                visit(imported)
            if imported in path:
                lowest[module] = min(lowest[module], lowest[imported])
        if lowest[module] == order[module]:
            group = path[path.index(module) :]
            del path[path.index(module) :]
            if len(group) > 1:
                groups.append(sorted(group))

    for module in imports:
        if module not in order:
            visit(module)
    return groups
