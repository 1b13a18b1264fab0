"""`waijiao homework` over the default models: a class from its folder to its report, whatever happens on the way."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from tests.e2e.test_cli import Terminal
from tests.support.wait import wait_for
from waijiao import Client

LEARNERS = sorted((Path(__file__).parents[2] / "examples" / "recordings").glob("*.wav"))[:4]
CLASS = ("Anna Weiss", "Ben", "王小明", "Cleo Li", "Dora")  # of whom Dora never hands in
NAMES = ("weiss_anna hw.wav", "Ben.wav", "王小明-作业.wav", "cleo li/1.wav")


@pytest.fixture
def folder(tmp_path):
    """A teacher's folder: the assignment, the roster, the recordings of four students, and clutter."""
    tmp_path.joinpath("class.csv").write_text("name\n" + "\n".join(CLASS), encoding="utf-8")
    inbox = tmp_path / "inbox"
    for name, recording in zip(NAMES, LEARNERS, strict=True):
        inbox.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(recording, inbox / name)
    inbox.joinpath(".DS_Store").touch()
    return tmp_path


@pytest.fixture
def write_assignment(folder, request, client):
    """Writes the assignment's file, with an id of the test's own; the assignment is erased after the test."""
    id_ = request.node.name.replace("_", "-")[-60:].strip("-").lower()

    def write(**fields) -> str:
        content = {"id": id_, "title": "One sentence", "roster": "class.csv", **fields}
        folder.joinpath("hw.yaml").write_text(json.dumps(content))  # JSON is YAML
        return id_

    yield write
    if id_ in {each.id for each in client.assignments()}:
        client.erase_assignment(id_)


@pytest.fixture
def homework(app, folder):
    environment = {**os.environ, "WAIJIAO_URL": app.url, "TERM": "xterm", "COLUMNS": "120", "LC_ALL": "C.UTF-8"}

    def run(*words: object, terminal: bool = False, editor: str = ""):
        command = [sys.executable, "-m", "waijiao", "homework", *map(str, words)]
        if terminal:
            return Terminal(command, environment)
        own = {**environment, "EDITOR": editor}
        return subprocess.run(command, env=own, cwd=folder, capture_output=True, text=True, timeout=200)

    return run


@pytest.fixture
def client(app):
    with Client(app.url, "") as client:
        yield client


def wait_for_answers(client: Client, id_: str) -> None:
    wait_for(lambda: not client.assignment(id_).progress.working, seconds=120)


def jobs_by_student(client: Client, id_: str) -> dict[str, str]:
    return {each.student: each.job for each in client.assignment(id_).submissions}


def test_a_class_s_homework_is_processed_from_its_folder_to_its_report(homework, folder, client, write_assignment):
    id_ = write_assignment()
    submitted = homework("submit", "inbox", "--assignment", "hw.yaml")
    assert submitted.returncode == 0, submitted.stderr + submitted.stdout
    assert "sent: 4, unchanged: 0, refused: 0" in submitted.stdout
    assert "missing: Dora" in submitted.stdout
    again = homework("submit", "inbox", "--assignment", "hw.yaml")
    assert "sent: 0, unchanged: 4, refused: 0" in again.stdout

    fetched = homework("fetch", "hw.yaml", "--out", "results", "--wait")
    assert fetched.returncode == 0, fetched.stderr
    assert "open results/report.html" in fetched.stdout
    assert "missing: 1" in fetched.stdout
    names = {path.name for path in (folder / "results" / "students").iterdir()}
    assert names >= {f"{name}{ending}" for name in CLASS[:4] for ending in (".html", ".json", ".wav")}
    with (folder / "results" / "gradebook.csv").open(encoding="utf-8-sig", newline="") as table:
        assert {row[0] for row in csv.reader(table)} >= set(CLASS)
    results = {path.name for path in folder.joinpath("results").iterdir()}
    assert results == {"report.html", "gradebook.csv", "students", "cards"}
    homework("fetch", id_, "--out", "results")
    assert {path.name for path in (folder / "results" / "students").iterdir()} == names

    shown = homework("status", id_)
    assert shown.returncode == 0
    assert "answered: 4 of 5, missing: 1" in shown.stdout
    assert json.loads(homework("status", id_, "--json").stdout)["progress"]["missing"] == ["Dora"]
    assert id_ in homework("list").stdout


def test_a_dry_run_prints_the_student_of_each_file_and_sends_nothing(homework, client, write_assignment):
    id_ = write_assignment()
    tried = homework("submit", "inbox", "--assignment", "hw.yaml", "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert "to be sent: 4" in tried.stdout
    assert all(name in tried.stdout for name in CLASS)
    assert id_ not in {each.id for each in client.assignments()}


def test_refused_files_are_named_and_the_others_are_submitted(homework, folder, client, write_assignment):
    id_ = write_assignment()
    inbox = folder / "inbox"
    shutil.copy(LEARNERS[0], inbox / "stranger.wav")
    shutil.copy(LEARNERS[0], inbox / "Ben (2).wav")
    inbox.joinpath("notes.txt").write_text("hello")
    inbox.joinpath("dora.mp3").write_bytes(os.urandom(5000))
    with zipfile.ZipFile(inbox / "later.zip", "w") as packed:
        packed.writestr("../../cleo.wav", LEARNERS[0].read_bytes())
        packed.writestr("inner.zip", b"PK\3\4" + bytes(100))
    submitted = homework("submit", "inbox", "--assignment", "hw.yaml", "--json")
    assert submitted.returncode == 1
    became = {each["file"]: each for each in map(json.loads, submitted.stdout.splitlines())}
    assert {name: each["code"] for name, each in became.items() if each["kind"] == "refused"} == {
        "stranger.wav": "unknown_student",
        "Ben.wav": "doubled_student",
        "Ben (2).wav": "doubled_student",
        "notes.txt": "not_audio",
        "dora.mp3": "not_audio",
        "later.zip/cleo.wav": "unknown_student",
        "later.zip/inner.zip": "nested_archive",
    }
    assert set(jobs_by_student(client, id_)) == {"Anna Weiss", "王小明", "Cleo Li"}


def test_a_zip_is_submitted_like_a_folder_and_a_fixed_file_is_sent_alone(homework, folder, client, write_assignment):
    id_ = write_assignment()
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted((folder / "inbox").rglob("*.wav")):
            packed.write(path, path.relative_to(folder / "inbox"))
    assert "sent: 4" in homework("submit", "all.zip", "--assignment", "hw.yaml").stdout
    before = jobs_by_student(client, id_)
    shutil.copy(LEARNERS[0], folder / "inbox" / "Ben.wav")
    again = homework("submit", "inbox", "--assignment", id_)
    assert "sent: 1, unchanged: 3" in again.stdout
    assert {name for name, job in jobs_by_student(client, id_).items() if job != before[name]} == {"Ben"}


def test_failed_recordings_are_sent_again(homework, folder, client, write_assignment):
    id_ = write_assignment()
    silence = Path(__file__).parents[2] / "examples" / "silence.wav"
    shutil.copy(silence, folder / "Ben.wav")
    assert "sent: 1" in homework("submit", "Ben.wav", "--assignment", "hw.yaml").stdout
    wait_for_answers(client, id_)
    assert homework("status", id_).returncode == 1
    before = jobs_by_student(client, id_)
    assert "sent: 1, unchanged: 0" in homework("submit", "Ben.wav", "--assignment", "hw.yaml").stdout
    assert jobs_by_student(client, id_) != before


def test_a_watched_folder_is_submitted_as_it_fills(homework, folder, client, write_assignment):
    id_ = write_assignment()
    inbox = folder / "growing"
    inbox.mkdir()
    watching = homework("watch", inbox, "--assignment", folder / "hw.yaml", terminal=True)
    with (inbox / "Ben.wav").open("wb") as growing:
        content = LEARNERS[0].read_bytes()
        for start in range(0, len(content), len(content) // 4):  # for longer than two looks
            growing.write(content[start : start + len(content) // 4])
            growing.flush()
            assert "sent" not in watching.output
            threading.Event().wait(1)
    wait_for(lambda: "Ben.wav (Ben): sent" in watching.output, seconds=60)
    first = jobs_by_student(client, id_)
    shutil.copy(LEARNERS[1], inbox / "Ben.wav")
    inbox.joinpath("nobody.wav").write_bytes(LEARNERS[2].read_bytes())
    wait_for(lambda: watching.output.count("Ben.wav (Ben): sent") == 2, seconds=60)
    wait_for(lambda: "nobody.wav: refused" in watching.output, seconds=60)
    assert jobs_by_student(client, id_)["Ben"] != first["Ben"]
    watching.process.send_signal(signal.SIGINT)
    assert watching.wait() == 0
    assert watching.output.count("nobody.wav") == 1


def test_held_answers_are_listed_changed_and_released(homework, folder, client, write_assignment):
    id_ = write_assignment(hold=True)
    homework("submit", "inbox/Ben.wav", "inbox/王小明-作业.wav", "--assignment", "hw.yaml")
    wait_for(lambda: client.assignment(id_).progress.held == 2, seconds=120)
    listed = homework("review", id_).stdout
    assert "Ben" in listed
    assert listed.count("spoken:") == 2
    editor = folder / "editor.py"
    editor.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, re, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "text = re.sub('(?ms)^spoken:.*', 'spoken: No!', path.read_text())\n"
        "path.write_text(text)\n"
    )
    editor.chmod(0o755)
    edited = homework("review", id_, "--edit", "ben", "--release", "Ben", editor=str(editor))
    assert edited.returncode == 0, edited.stderr
    wait_for_answers(client, id_)
    found = jobs_by_student(client, id_)
    assert client.job(found["Ben"]).answer.text == "No!"
    assert client.job(found["王小明"]).state == "held"
    assert homework("review", id_, "--edit", "Ben").returncode == 1  # it is spoken
    assert "released: 1" in homework("review", id_, "--release-all").stdout


def test_an_answer_is_repeated_in_another_voice_or_from_another_transcript(homework, client, write_assignment):
    id_ = write_assignment()
    homework("submit", "inbox/Ben.wav", "inbox/cleo li/1.wav", "--assignment", "hw.yaml")
    wait_for_answers(client, id_)
    before = jobs_by_student(client, id_)
    words = ("--student", "Ben", "--transcript", "Yesterday I go home.")
    assert "started again: 1" in homework("rerun", id_, "--from", "llm", "--persona", "emma", *words).stdout
    wait_for_answers(client, id_)
    now = client.job(jobs_by_student(client, id_)["Ben"])
    assert (now.rerun_of, now.persona, now.transcript.text) == (before["Ben"], "emma", "Yesterday I go home.")
    assert jobs_by_student(client, id_)["Cleo Li"] == before["Cleo Li"]
    assert "started again: 2" in homework("rerun", id_, "--from", "tts", "--speed", "0.8").stdout
    assert homework("rerun", id_, "--from", "llm", "--transcript", "Hi.").returncode == 2


def test_a_class_is_watched_live_until_it_is_complete(homework, client, write_assignment):
    write_assignment(roster="", students=["Ben", "王小明"])
    homework("submit", "inbox/Ben.wav", "--assignment", "hw.yaml")
    watched = homework("status", client.assignments()[0].id, terminal=True)
    wait_for(lambda: "missing" in watched.output, seconds=60)
    homework("submit", "inbox/Ben.wav", "inbox/王小明-作业.wav", "--assignment", "hw.yaml")
    assert watched.wait() == 0
    assert "complete" in watched.output


def test_an_assignment_is_erased_with_all_its_jobs(homework, app, client, write_assignment):
    id_ = write_assignment()
    homework("submit", "inbox/Ben.wav", "--assignment", "hw.yaml")
    (job,) = jobs_by_student(client, id_).values()
    assert homework("erase", id_).returncode == 1  # not confirmed
    assert homework("erase", id_, "--yes").returncode == 0
    assert app.get(f"/v1/jobs/{job}").status_code in {404, 410}
    assert "unknown" in homework("status", id_).stderr.lower() or homework("status", id_).returncode == 1


def test_a_mistake_in_the_file_is_reported_with_its_name(homework, folder, write_assignment):
    write_assignment(speed=9)
    refused = homework("submit", "inbox", "--assignment", "hw.yaml")
    assert refused.returncode == 1
    assert "hw.yaml: `speed`" in refused.stderr
    assert homework("submit", "inbox", "--assignment", "none.yaml").returncode == 1
    assert homework("submit", "inbox", "--assignment", "never-set").returncode == 1
    assert homework("status", "never-set", "--url", "http://127.0.0.1:1").returncode == 3
