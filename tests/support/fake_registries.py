"""An index of wheels and a model hub on loopback, for pip and the hub's client; a test can make them misbehave."""

import hashlib
import io
import json
import os
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PATIENCE_S = 60  # seconds within which a condition must come true
REVISION = "0123456789abcdef0123456789abcdef01234567"
HUB = f"/us/small/resolve/{REVISION}/"  # begins the paths of the hub's files


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_wheel(name: str, files: dict[str, bytes]) -> bytes:
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


def git_blob(data: bytes) -> str:
    """The name that git, and so the hub, gives to a file that is not in LFS."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class FakeRegistries:
    """The pages that the server has, by path.

    A path in `stuck` sends half of its bytes, then waits for `go`; one in `torn` sends half and hangs up, once.
    """

    def __init__(self):
        self.pages: dict[str, bytes] = {}
        self.gets = Counter()
        self.ranges: list[str] = []
        self.stuck: set[str] = set()
        self.torn: set[str] = set()
        self.waiting, self.go = threading.Event(), threading.Event()

    def put_wheel(self, name: str, data: bytes) -> None:
        file = f"{name}-1.0-py3-none-any.whl"
        self.pages[f"/simple/{name}/"] = f'<!DOCTYPE html><a href="/files/{file}">{file}</a>'.encode()
        self.pages[f"/files/{file}"] = data

    def put_hub(self, files: dict[str, bytes]) -> None:
        for name, data in files.items():
            self.pages[f"{HUB}{name}"] = data

    def put_record(self, files: dict[str, bytes], large: str = "*.bin", revision: str = REVISION) -> None:
        """The hub's record of its commit: sha256 of what is large, git's sha1 of the rest."""
        siblings = [
            {
                "rfilename": name,
                "size": len(data),
                "blobId": git_blob(data),
                **(
                    {"lfs": {"sha256": sha256(data), "size": len(data), "pointerSize": 130}}
                    if fnmatch(name, large)
                    else {}
                ),
            }
            for name, data in files.items()
        ]
        record = {
            "id": "us/small",
            "sha": revision,
            "siblings": siblings,
            "private": False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
        }
        self.pages[f"/api/models/us/small/revision/{REVISION}"] = json.dumps(record).encode()

    def withdraw(self, beginning: str) -> None:
        self.pages = {path: page for path, page in self.pages.items() if not path.startswith(beginning)}


class Handler(BaseHTTPRequestHandler):
    registries: FakeRegistries

    def do_HEAD(self):
        self.reply(body=False)

    def do_GET(self):
        self.registries.gets[self.path] += 1
        self.reply(body=True)

    def reply(self, body: bool) -> None:
        page = self.registries.pages.get(self.path.partition("?")[0])
        if page is None:
            self.send_error(404)
            return
        begin = self.begin()
        self.send_response(206 if begin else 200)
        self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(page) - 1}/{len(page)}")
        self.send_header("Content-Length", str(len(page) - begin))
        self.send_header("ETag", f'"{sha256(page)}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()
        if body:
            self.send(page[begin:])

    def begin(self) -> int:
        """The first byte that the client asks for."""
        wanted = self.headers.get("Range")
        if not wanted:
            return 0
        self.registries.ranges.append(self.path)
        return int(wanted.removeprefix("bytes=").partition("-")[0])

    def send(self, page: bytes) -> None:
        torn = self.path in self.registries.torn
        half = len(page) // 2 if torn or self.path in self.registries.stuck else len(page)
        try:
            self.wfile.write(page[:half])
            if torn:
                self.registries.torn.remove(self.path)
                self.close_connection = True
            elif half < len(page):
                self.registries.waiting.set()
                if self.registries.go.wait(PATIENCE_S):
                    self.wfile.write(page[half:])
                self.close_connection = True
        except ConnectionError:
            self.close_connection = True  # the client was killed

    def log_message(self, *_):
        pass


@contextmanager
def run_registries() -> Iterator[tuple[FakeRegistries, str]]:
    """The registries, empty at first, and the URL at which they are served."""
    registries = FakeRegistries()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"registries": registries}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield registries, f"http://127.0.0.1:{server.server_port}"
    finally:
        registries.go.set()
        server.shutdown()
        thread.join()
        server.server_close()


def make_environment(url: str, home: Path) -> dict[str, str]:
    """Environment variables with which pip and the hub's client use only this server."""
    return {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{url}/simple/",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DEFAULT_TIMEOUT": str(2 * PATIENCE_S),
        "PIP_RESUME_RETRIES": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "HF_ENDPOINT": url,
        "HF_HOME": str(home / "hf"),
        "HF_HUB_OFFLINE": "1",  # as for the workers
    }


@pytest.fixture
def empty_registries(monkeypatch, tmp_path):
    """An index and a hub that have nothing yet; pip and the hub's client use only these."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "HF_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with run_registries() as (registries, url):
        for name, value in make_environment(url, tmp_path).items():
            monkeypatch.setenv(name, value)
        yield registries
