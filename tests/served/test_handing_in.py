"""Handing in a class's homework with the client: nothing is lost or doubled, whatever becomes of the server."""

import zipfile
from pathlib import Path

import pytest
from echo import Awaited, Echo, recording
from waiting import wait_for

from pipeline.errors import NotHeld, UnknownAssignment
from pipeline.homework.assignments import Student
from waijiao import Client
from waijiao.errors import Unreachable
from waijiao.homework.assignment_files import Described
from waijiao.homework.choosing import Chosen
from waijiao.homework.handing_in import HandingIn, sorted_out
from waijiao.homework.recordings import gathered
from waijiao.homework.watch import Watching

CLASS = [Student(name) for name in ("Ann", "Ben", "Cleo", "Dora", "Emil", "王小明")]
FIELDS = {"title": "One sentence", "students": [{"name": each.name} for each in CLASS]}
both = pytest.mark.parametrize("client", [Client, Awaited], indirect=True)


@pytest.fixture
def client(request, server):
    with request.param(str(server.base_url), "") as client:
        yield client


@pytest.fixture
def folder(tmp_path):
    """What each of the class hands in."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number, each in enumerate(CLASS):
        folder.joinpath(f"{each.name}.wav").write_bytes(recording(number))
    return folder


def handed_in(client: Client, folder: Path, after=lambda number: None) -> list[str]:
    """The kind of each result; `after` is told the number of each."""
    kinds = []
    with gathered([folder]) as found:
        files = sorted_out(found, CLASS)
        there = client.assignment("hw3").submissions
        for number, result in enumerate(HandingIn(client, "hw3", there).all(files.owned, 2)):
            kinds.append(result.kind)
            after(number)
    return kinds


@both
def test_homework_is_set_handed_in_reviewed_answered_anew_fetched_and_erased(client, teacher, tmp_path):
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


def test_a_server_that_is_killed_on_the_way_and_comes_back_gets_everything_once(killable, redis, folder):
    def restart(number: int) -> None:
        if number == 1:
            killable.kill()
            killable.start()

    with Client(killable.url, "") as client:
        client.put_assignment("hw3", **FIELDS)
        kinds = handed_in(client, folder, restart)
        assert len(kinds) == len(CLASS)
        assert "refused" not in kinds
        assert client.assignment("hw3").progress.missing == []
        assert redis.zcard("waijiao:jobs:default") == len(CLASS)
        assert handed_in(client, folder) == ["unchanged"] * len(CLASS)


def test_when_a_server_stays_away_the_rest_is_sent_by_the_next_command(killable, redis, folder):
    with Client(killable.url, "", patience_s=0.5) as client:
        client.put_assignment("hw3", **FIELDS)
        with pytest.raises(Unreachable):
            handed_in(client, folder, lambda number: killable.kill() if number == 1 else None)
        killable.start()
        there = len(client.assignment("hw3").submissions)
        assert 2 <= there < len(CLASS)
        kinds = handed_in(client, folder)
        assert (kinds.count("unchanged"), kinds.count("sent")) == (there, len(CLASS) - there)
        assert redis.zcard("waijiao:jobs:default") == len(CLASS)


def test_a_full_server_is_waited_for(serve, jobs, here, folder):
    with Client(str(serve(max_jobs=2).base_url), "") as client:
        client.put_assignment("hw3", **FIELDS)
        teacher = Echo(jobs, here.blobs_folder)
        try:
            assert handed_in(client, folder) == ["sent"] * len(CLASS)
        finally:
            teacher.close()


def test_a_watched_folder_waits_for_its_server(killable, folder):
    with Client(killable.url, "", patience_s=0.2) as client:
        watching = Watching(client, Chosen("hw3", Described("hw3", FIELDS, ())), folder)
        assert list(watching.look()) == []  # nothing was the same twice yet
        killable.kill()
        with pytest.raises(Unreachable):
            list(watching.look())
        killable.start()
        assert [each.kind for each in watching.look()] == ["sent"] * len(CLASS)
        assert list(watching.look()) == []
        folder.joinpath("Ben.wav").write_bytes(recording(77))
        folder.joinpath("nobody.wav").write_bytes(recording(78))
        assert list(watching.look()) == []
        assert {(each.file, each.kind) for each in watching.look()} == {("Ben.wav", "sent"), ("nobody.wav", "refused")}
        assert list(watching.look()) == []
