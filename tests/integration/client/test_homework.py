"""Handing in a class's homework with the client: nothing is lost or doubled, whatever becomes of the server."""

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.errors import NotHeld, UnknownAssignment
from pipeline.homework.assignments import Student
from tests.support.echo_worker import BlockingAsyncClient, EchoWorker, recording
from tests.support.wait import wait_for
from waijiao import Client
from waijiao.cli.homework import homework
from waijiao.cli.homework.assignment_file import AssignmentFile
from waijiao.cli.homework.recordings import find_files
from waijiao.cli.homework.selection import SelectedAssignment
from waijiao.cli.homework.submit import Submitter, match_files
from waijiao.cli.homework.watch import FolderWatcher
from waijiao.errors import Unreachable

CLASS = [Student(name) for name in ("Ann", "Ben", "Cleo", "Dora", "Emil", "王小明")]
FIELDS = {"title": "One sentence", "students": [{"name": each.name} for each in CLASS]}
both = pytest.mark.parametrize("client", [Client, BlockingAsyncClient], indirect=True)


@pytest.fixture
def client(request, server):
    with request.param(str(server.base_url), "") as client:
        yield client


@pytest.fixture
def folder(tmp_path):
    """The recording of each student."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number, each in enumerate(CLASS):
        folder.joinpath(f"{each.name}.wav").write_bytes(recording(number))
    return folder


def submit_folder(client: Client, folder: Path, after=lambda number: None) -> list[str]:
    """The type of each result; `after` is called with the number of each."""
    kinds = []
    with find_files([folder]) as files:
        recordings = match_files(files, CLASS).recordings
        submitter = Submitter(client, "hw3", client.assignment("hw3").submissions)
        for number, result in enumerate(submitter.submit_all(recordings, 2)):
            kinds.append(result.kind)
            after(number)
    return kinds


@both
def test_homework_is_created_submitted_reviewed_rerun_fetched_and_erased(client, echo_worker, tmp_path):
    assert client.put_assignment("hw3", **FIELDS, hold=True).progress.missing[0] == "Ann"
    (taken,) = client.hand_in("hw3", recording(1), "Ben", file="1.wav").accepted
    assert (taken.file, taken.student) == ("1.wav", "Ben")
    (same,) = client.hand_in("hw3", recording(1), "Ben").unchanged
    assert same.job == taken.job
    wait_for(lambda: client.assignment("hw3").progress.held == 1)
    assert client.change_feedback(taken.job, spoken="No!").feedback.spoken == "No!"
    assert client.release(taken.job).id == taken.job
    assert client.wait(taken.job).job.feedback.spoken == "No!"
    with pytest.raises(NotHeld):
        client.release(taken.job)
    anew = client.rerun(taken.job, "llm", persona="emma")
    assert (anew.rerun_of, anew.persona) == (taken.job, "emma")
    wait_for(lambda: client.assignment("hw3").progress.held == 1)
    assert client.release_all("hw3").jobs == [anew.id]
    client.wait(anew.id)
    assert len(client.rerun_all("hw3", "tts").jobs) == 1
    wait_for(lambda: client.assignment("hw3").progress.succeeded == 1)
    with zipfile.ZipFile(client.export("hw3", tmp_path / "hw3.zip")) as archive:
        assert {"report.html", "students/Ben.wav"} <= {*archive.namelist()}
    assert [path.name for path in tmp_path.glob("*hw3*")] == ["hw3.zip"]
    assert "Ben" in client.report("hw3")
    assert [each.id for each in client.assignments()] == ["hw3"]
    client.erase_assignment("hw3")
    with pytest.raises(UnknownAssignment):
        client.export("hw3", tmp_path / "again.zip")
    assert not list(tmp_path.glob("*again*"))


def test_a_server_that_is_killed_on_the_way_and_comes_back_gets_everything_once(served_cluster, redis, folder):
    def restart(number: int) -> None:
        if number == 1:
            served_cluster["api1"].kill()
            served_cluster.start("api1")

    with Client(served_cluster.url(), "") as client:
        client.put_assignment("hw3", **FIELDS)
        kinds = submit_folder(client, folder, restart)
        assert len(kinds) == len(CLASS)
        assert "refused" not in kinds
        assert client.assignment("hw3").progress.missing == []
        assert redis.zcard("waijiao:jobs:default") == len(CLASS)
        assert submit_folder(client, folder) == ["unchanged"] * len(CLASS)


def test_when_a_server_stays_down_the_next_command_sends_the_rest(served_cluster, redis, folder):
    with Client(served_cluster.url(), "", patience_s=0.5) as client:
        client.put_assignment("hw3", **FIELDS)
        with pytest.raises(Unreachable):
            submit_folder(client, folder, lambda number: served_cluster["api1"].kill() if number == 1 else None)
        served_cluster.start("api1")
        there = len(client.assignment("hw3").submissions)
        assert 2 <= there < len(CLASS)
        kinds = submit_folder(client, folder)
        assert (kinds.count("unchanged"), kinds.count("sent")) == (there, len(CLASS) - there)
        assert redis.zcard("waijiao:jobs:default") == len(CLASS)


def test_a_full_server_is_waited_for(serve, jobs, settings, folder):
    with Client(str(serve(max_jobs=2).base_url), "") as client:
        client.put_assignment("hw3", **FIELDS)
        echo_worker = EchoWorker(jobs, settings.blobs_folder)
        try:
            assert submit_folder(client, folder) == ["sent"] * len(CLASS)
        finally:
            echo_worker.close()


def test_a_watched_folder_waits_for_its_server(served_cluster, folder):
    with Client(served_cluster.url(), "", patience_s=0.2) as client:
        watcher = FolderWatcher(client, SelectedAssignment("hw3", AssignmentFile("hw3", FIELDS, ())), folder)
        assert list(watcher.scan()) == []  # nothing was the same twice yet
        served_cluster["api1"].kill()
        with pytest.raises(Unreachable):
            list(watcher.scan())
        served_cluster.start("api1")
        assert [each.kind for each in watcher.scan()] == ["sent"] * len(CLASS)
        assert list(watcher.scan()) == []
        folder.joinpath("Ben.wav").write_bytes(recording(77))
        folder.joinpath("nobody.wav").write_bytes(recording(78))
        assert list(watcher.scan()) == []
        assert {(each.file, each.kind) for each in watcher.scan()} == {("Ben.wav", "sent"), ("nobody.wav", "refused")}
        assert list(watcher.scan()) == []


def test_a_watched_folder_is_handed_in_when_a_full_disk_has_space_again(served_cluster, folder):
    environment = served_cluster["api1"].environment
    environment["WAIJIAO_MIN_FREE_MB"] = str(10**9)  # more than any disk has
    served_cluster.restart("api1")
    with Client(served_cluster.url(), "") as client:
        watcher = FolderWatcher(client, SelectedAssignment("hw3", AssignmentFile("hw3", FIELDS, ())), folder)
        assert list(watcher.scan()) == []  # nothing was the same twice yet
        assert [each.code for each in watcher.scan()] == ["disk_full"] * len(CLASS)
        assert list(watcher.scan()) == []  # it was reported
        environment["WAIJIAO_MIN_FREE_MB"] = "0"
        served_cluster.restart("api1")
        assert [each.kind for each in watcher.scan()] == ["sent"] * len(CLASS)
        assert client.assignment("hw3").progress.missing == []


@pytest.fixture
def submit(server, tmp_path, monkeypatch):
    """Runs `waijiao homework submit` for the class, whose assignment is in a file; returns what it prints."""
    assignment = tmp_path / "hw7.yaml"
    assignment.write_text(json.dumps({"title": "My day", "students": ["O'Neil, Mary", "Ann", "Ben"]}))  # JSON is YAML

    def run(*words: str | Path) -> Result:
        command = ["submit", *map(str, words), "--assignment", str(assignment), "--url", str(server.base_url)]
        return CliRunner().invoke(homework, command)

    return run


REFUSED_FILES = {
    "nobody's": {"stranger.wav": recording(1)},
    "no recording": {"Ann.txt": b"hello"},
    "two of one student": {"Ann 1.wav": recording(1), "Ann 2.wav": recording(2)},
    "refused by the server": {"Ann.wav": b"no sound"},
    "empty, and an archive": {"Mary O'Neil.mp3": b"", "Ann.rar": b"Rar!\x1a\7\1\0"},
}


@pytest.mark.parametrize("files", REFUSED_FILES.values(), ids=REFUSED_FILES)
@pytest.mark.parametrize("client", [Client], indirect=True)
def test_a_new_assignment_for_which_every_file_is_refused_is_not_left_behind(client, submit, tmp_path, files):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    for name, data in files.items():
        inbox.joinpath(name).write_bytes(data)
    result = submit(inbox)
    assert result.exit_code == 1
    assert f"refused: {len(files)}" in result.output
    assert "hw7 was not set, since nothing was handed in." in result.output
    assert client.assignments() == []
    inbox.joinpath("Ben.wav").write_bytes(recording(3))
    again = submit(inbox)
    assert "sent: 1" in again.output
    assert "not set" not in again.output
    assert client.assignment("hw7").progress.handed_in == 1
    inbox.joinpath("Ben.wav").unlink()
    submit(inbox)
    assert client.assignment("hw7").progress.handed_in == 1  # it is not new any more


@pytest.mark.parametrize("client", [Client], indirect=True)
def test_a_dry_run_says_that_nothing_was_sent(client, submit, folder):
    result = submit(folder, "--dry-run")
    assert "nothing was sent" in result.output
    assert "handing in" not in result.output
    assert "to be sent: 2" in result.output
    assert "not set" not in result.output
    assert client.assignments() == []


@pytest.mark.parametrize("client", [Client], indirect=True)
def test_names_with_commas_are_told_apart_among_those_who_are_missing(client, submit, folder):
    for name in ("Ben.wav",):
        assert "missing: “O'Neil, Mary”, Ann\n" in submit(folder / name).output
