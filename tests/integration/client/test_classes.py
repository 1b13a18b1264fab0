"""The client and the commands make, change and delete classes, and hand in for them."""

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from openpyxl import Workbook

from pipeline.errors import BadRoster, UnknownClass
from tests.support.echo_worker import BlockingAsyncClient, recording
from waijiao import Client
from waijiao.cli.main import main

TABLE = (("姓名", "学号", "English name"), ("李明", "0012301", "Li Ming"), ("李明", "0012302", ""), ("Anna Li", "", ""))


@pytest.fixture(params=[Client, BlockingAsyncClient], ids=["blocking", "async"])
def client(request, server):
    with request.param(str(server.base_url)) as connected:
        yield connected


@pytest.fixture
def run(server, tmp_path, monkeypatch):
    """Runs a command in a folder with a class list."""
    monkeypatch.chdir(tmp_path)
    Path("7b.xlsx").write_bytes(excel_file())

    def run_command(*words: str, **options: str) -> Result:
        return CliRunner().invoke(main, [*words, "--url", str(server.base_url)], env={"COLUMNS": "200"}, **options)

    return run_command


def excel_file() -> bytes:
    workbook, file = Workbook(), io.BytesIO()
    for row in TABLE:
        workbook.active.append(row)
    workbook.save(file)
    return file.getvalue()


def test_the_client_makes_changes_and_deletes_a_class(client):
    roster = client.read_roster(excel_file())
    assert [pupil.label for pupil in roster.pupils] == ["李明 (1)", "李明 (2)", "Anna Li"]
    assert (roster.pupils[0].school_id, roster.pupils[0].latin_name) == ("0012301", "Li Ming")
    made = client.create_class("7B", [{"name": "李明"}, {"name": "Bo"}])
    assert [each.id for each in client.classes()] == [made.id]
    changed = client.change_class(made.id, name="8B", add=[{"name": "李明"}], remove=[made.pupils[1].id])
    assert client.school_class(made.id) == changed
    assert (changed.name, [pupil.label for pupil in changed.pupils]) == ("8B", ["李明 (1)", "李明 (2)"])
    client.put_assignment("hw", title="Homework", class_id=made.id)
    assert [each.asked for each in client.class_progress(made.id).pupils] == [1, 1]
    assert len(client.export_class_progress(made.id).splitlines()) == 3
    client.delete_class(made.id)
    with pytest.raises(UnknownClass):
        client.school_class(made.id)
    with pytest.raises(BadRoster):
        client.read_roster(b"")


def test_the_commands_keep_a_class(run, server):
    done = run("class", "create", "7B", "--roster", "7b.xlsx", "--json")
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    assert made["id"] in run("class", "list").stdout
    shown = run("class", "show", made["id"]).stdout
    assert "7B: 3 pupils" in shown
    assert "李明 (2)" in shown
    assert "0012302" in shown
    changes = ("--rename", "0012301", "Lee", "--school-id", "Anna Li", "77", "--add", "Bo", "--remove", "李明 (2)")
    edited = json.loads(run("class", "edit", made["id"], "--name", "8B", *changes, "--json").stdout)
    assert [(each["label"], each["school_id"]) for each in edited["pupils"]] == [
        ("Lee", "0012301"), ("Anna Li", "77"), ("Bo", ""),
    ]  # fmt: skip
    again = json.loads(run("class", "edit", made["id"], "--roster", "7b.xlsx", "--json").stdout)
    assert [each["label"] for each in again["pupils"]] == ["Lee", "Anna Li", "Bo", "李明"]
    erased = run("class", "edit", made["id"], "--erase", "Bo", input="y\n").output
    assert "Bo: erased: 0 jobs" in erased
    assert "1 class list" in erased
    gone = run("class", "delete", made["id"], "--erase-pupils", "--yes").output
    assert gone.count(": erased:") == 3
    assert "deleted: 8B" in gone
    assert "No classes yet." in run("class", "list").output


def test_a_name_that_several_have_is_refused_with_what_to_say(run):
    made = json.loads(run("class", "create", "7B", "--pupil", "李明", "--pupil", "李明", "--json").stdout)
    refused = run("class", "edit", made["id"], "--remove", "李明")
    assert (refused.exit_code, "李明 (1) or 李明 (2)" in refused.stderr) == (1, True)
    assert "has no pupil Zoe" in run("class", "edit", made["id"], "--remove", "Zoe").stderr
    assert run("class", "create", "7B").exit_code == 2


def test_homework_of_a_class_is_handed_in_and_shown_as_progress(run, server, echo_worker, tmp_path):
    made = json.loads(run("class", "create", "7B", "--roster", "7b.xlsx", "--json").stdout)
    Path("hw1.yaml").write_text(json.dumps({"title": "My day", "class_id": made["id"]}))
    Path("inbox").mkdir()
    for number, name in enumerate(("Li Ming.wav", "anna_li.wav", "李明.wav")):
        Path("inbox", name).write_bytes(recording(number))
    done = run("homework", "submit", "inbox", "--assignment", "hw1.yaml")
    output = " ".join(done.output.split())
    assert "sent: 2, unchanged: 0, refused: 1" in output
    assert "ambiguous_student" in output
    assert "missing: 李明 (2)" in output
    progress = run("class", "progress", made["id"]).output
    assert "7B: 1 assignment" in progress
    assert "1 of 1" in progress
    assert "0 of 1" in progress
    assert "saved: p.csv, 3 lines" in run("class", "progress", made["id"], "--out", "p.csv").output
    listed = json.loads(run("class", "progress", made["id"], "--json").stdout)
    assert [each["handed_in"] for each in listed["pupils"]] == [1, 0, 1]


@pytest.mark.parametrize("extra", [{"students": ["Bo"]}, {"roster": "7b.xlsx"}])
def test_a_file_names_a_class_or_a_list_and_not_both(run, extra):
    Path("hw1.yaml").write_text(json.dumps({"title": "My day", "class_id": "0" * 20, **extra}))
    refused = run("homework", "submit", "7b.xlsx", "--assignment", "hw1.yaml")
    assert "not both" in " ".join(refused.output.split())
