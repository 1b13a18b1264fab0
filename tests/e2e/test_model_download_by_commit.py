"""Models whose files the catalogue does not list: a commit pins them, and the hub's record of it is stored."""

import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError, ModelDamaged, ModelMissing, SourcesExhausted
from pipeline.model_files import catalogue, download
from pipeline.model_files.catalogue import LOCK_FILE
from pipeline.model_files.download import fetch
from tests.support.fake_registries import HUB, PATIENCE_S, REVISION, sha256

ROOT = Path(__file__).resolve().parents[2]
LARGE = random.Random(8).randbytes(3_000_000)
CONTENT = {"a.bin": LARGE, "b.bin": LARGE[::-1], "config.json": b'{"large": true}', "vocab.txt": "好\n".encode()}
OTHERS = {"README.md": b"read me", "onnx/a.bin": b"elsewhere", "training.json.txt": b"not ours"}
ENTRY = f"""
[small]
stage = "llm"
engine = "transformers"
about = "for tests"
licence = "MIT"
credit = "us"
homepage = "https://example.org"
unlisted_patterns = ["*.bin", "config.json", "vocab.txt"]
approximate_bytes = 6_000_100
files = [{{ name = "a.bin", size = {len(LARGE)}, sha256 = "{sha256(LARGE)}" }}]

[[small.sources]]
kind = "hub"
repository = "us/small"
revision = "{REVISION}"
"""
FETCH = """
import sys
from pathlib import Path
from pipeline.model_files.download import fetch
from pipeline.model_files.catalogue import parse
entry, folder = map(Path, sys.argv[1:])
fetch(parse(entry.read_text())["small"], folder, print)
"""


@pytest.fixture
def registries(empty_registries):
    """A hub with the model, its record of the commit, and files that are not the model's."""
    empty_registries.put_hub({**CONTENT, **OTHERS})
    empty_registries.put_record({**CONTENT, **OTHERS})
    return empty_registries


@pytest.fixture
def small() -> catalogue.Model:
    return catalogue.parse(ENTRY)["small"]


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "models"


def ignore_progress(*_: object) -> None:
    pass


def assert_in_place(folder: Path) -> None:
    there = {path.name: path.read_bytes() for path in (folder / "small").iterdir() if path.name != LOCK_FILE}
    assert there == CONTENT
    assert {path.name for path in folder.iterdir()} == {"small", ".lock"}


# --- fetched and locked


def test_the_files_of_the_commit_are_fetched_and_listed_in_a_lock(registries, small, folder):
    assert fetch(small, folder, ignore_progress) == folder / "small"
    assert_in_place(folder)
    lock = json.loads((folder / "small" / LOCK_FILE).read_text())
    assert lock["revision"] == REVISION
    assert {each["name"]: (each["size"], each["sha256"]) for each in lock["files"]} == {
        name: (len(data), sha256(data)) for name, data in CONTENT.items()
    }
    assert not [path for path in registries.gets if path.startswith(HUB) and path.removeprefix(HUB) in OTHERS]


def test_a_fetched_model_is_verified_without_a_network(registries, small, folder):
    fetch(small, folder, ignore_progress)
    registries.withdraw("/")
    registries.gets.clear()
    fetch(small, folder, ignore_progress)
    catalogue.verify(small, folder)
    assert catalogue.locate_files(small, folder) == folder / "small"
    assert not registries.gets


def test_a_folder_copied_from_another_machine_is_enough_with_its_lock(registries, small, folder, tmp_path):
    fetch(small, tmp_path / "other", ignore_progress)
    registries.withdraw("/")
    fetch(small, folder, ignore_progress, start_from=tmp_path / "other")
    assert_in_place(folder)
    catalogue.verify(small, folder)


def test_a_folder_without_a_lock_is_fetched_from_the_hub(registries, small, folder, tmp_path):
    fetch(small, tmp_path / "other", ignore_progress)
    (tmp_path / "other" / "small" / LOCK_FILE).unlink()
    fetch(small, folder, ignore_progress, start_from=tmp_path / "other")
    assert_in_place(folder)


# --- refused


@pytest.mark.parametrize("name", list(CONTENT))
def test_a_file_that_differs_from_the_commit_s_record_is_refused(registries, small, folder, name):
    data = CONTENT[name]
    registries.put_hub({name: data[:-1] + b"?"})
    with pytest.raises(SourcesExhausted, match=re.escape(f"{name} is not the file of the catalogue")):
        fetch(small, folder, ignore_progress)
    assert not (folder / "small").exists()


def test_only_the_refused_files_are_downloaded_again(registries, small, folder):
    registries.put_hub({"vocab.txt": "坏\n".encode()})
    with pytest.raises(SourcesExhausted):
        fetch(small, folder, ignore_progress)
    registries.put_hub(CONTENT)
    fetch(small, folder, ignore_progress)
    assert_in_place(folder)
    assert registries.gets[f"{HUB}a.bin"] == registries.gets[f"{HUB}b.bin"] == 1
    assert registries.gets[f"{HUB}vocab.txt"] == 2


def test_a_record_of_another_commit_is_refused(registries, small, folder):
    registries.put_record(CONTENT, revision="f" * 40)
    with pytest.raises(SourcesExhausted, match=f"its commit is f{{40}}, not {REVISION}"):
        fetch(small, folder, ignore_progress)


def test_a_hub_without_a_record_is_reported(registries, small, folder):
    registries.withdraw("/api/")
    with pytest.raises(SourcesExhausted, match=r"hub us/small: .*404"):
        fetch(small, folder, ignore_progress)


def test_a_full_disk_is_reported_before_any_download(registries, small, folder, monkeypatch):
    monkeypatch.setattr(download, "MIN_FREE_BYTES", 1 << 62)
    with pytest.raises(ConfigurationError, match=r"needs [0-9.]+ GB in .*, where [0-9.]+ GB are free; free some"):
        fetch(small, folder, ignore_progress)
    assert not [path for path in registries.gets if path.startswith(HUB)]
    assert [path.name for path in folder.iterdir()] == [".lock"]


# --- damaged later


@pytest.mark.parametrize("name", list(CONTENT))
def test_a_byte_changed_later_is_found(registries, small, folder, name):
    fetch(small, folder, ignore_progress)
    path = folder / "small" / name
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ModelDamaged, match=f"{name} is damaged: .* run: waijiao models fetch small"):
        catalogue.verify(small, folder)


def test_without_its_lock_a_model_is_missing(registries, small, folder):
    fetch(small, folder, ignore_progress)
    (folder / "small" / LOCK_FILE).unlink()
    with pytest.raises(ModelMissing, match=rf"{LOCK_FILE} is not there; run: waijiao models fetch small"):
        catalogue.locate_files(small, folder)


def make_damaged_locks(lock: dict) -> list[str]:
    """Invalid locks: damaged, of another commit, without pinned files, with paths outside of the folder."""
    first, *rest = lock["files"]
    return [
        "{",
        "[]",
        json.dumps({**lock, "revision": "f" * 40}),
        json.dumps({**lock, "files": rest}),
        json.dumps({**lock, "files": [{**first, "sha256": "0" * 64}, *rest]}),
        json.dumps({**lock, "files": [*lock["files"], {"name": "../../etc/passwd", "size": 1, "sha256": "0" * 64}]}),
    ]


def test_a_lock_that_differs_from_the_catalogue_counts_as_damage_and_is_repaired(registries, small, folder):
    fetch(small, folder, ignore_progress)
    path = folder / "small" / LOCK_FILE
    whole = path.read_text()
    for text in make_damaged_locks(json.loads(whole)):
        path.write_text(text)
        with pytest.raises(ModelDamaged, match="run: waijiao models fetch small"):
            catalogue.locate_files(small, folder)
    fetch(small, folder, ignore_progress)
    assert path.read_text() == whole


# --- interrupted


def test_a_broken_download_resumes_where_it_broke(registries, small, folder):
    larger = {**CONTENT, "c.bin": LARGE * 8}  # the client writes ten megabytes at once
    registries.put_hub(larger)
    registries.put_record(larger)
    registries.torn.add(f"{HUB}c.bin")
    fetch(small, folder, ignore_progress)
    assert (folder / "small" / "c.bin").read_bytes() == LARGE * 8
    assert registries.ranges == [f"{HUB}c.bin"]


def test_a_killed_fetch_keeps_the_complete_files(registries, folder, tmp_path):
    entry = tmp_path / "models.toml"
    entry.write_text(ENTRY)
    command = [sys.executable, "-c", FETCH, str(entry), str(folder)]
    registries.stuck.add(f"{HUB}b.bin")
    killed = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    assert registries.waiting.wait(PATIENCE_S)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    registries.stuck.clear()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True, timeout=PATIENCE_S)
    assert_in_place(folder)
    assert registries.gets[f"{HUB}a.bin"] == 1
    assert registries.gets[f"{HUB}b.bin"] == 2
