"""`waijiao homework` between a school's system and back: the ZIP that came from it, its answers, its grading sheet."""

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.support.echo_worker import BlockingAsyncClient, recording
from waijiao import Client
from waijiao.cli.homework import homework

NAMES = {"Ruoxi Wu": "123456", "Anna Li": "123457", "王小明": "123458"}
PATHS = {name: f"{name}_{number}_assignsubmission_file_/my talk.m4a" for name, number in NAMES.items()}
TITLES = ("Identifier", "Full name", "Grade", "Feedback comments")
ROWS = [TITLES, *((f"Participant {number}", name, "", "") for name, number in NAMES.items())]
SHEET = "\ufeff" + "".join(",".join(f'"{cell}"' for cell in row) + "\r\n" for row in ROWS)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A teacher's folder with what came from Moodle, and the assignment."""
    with zipfile.ZipFile(tmp_path / "7B-hw3-2041.zip", "w") as archive:
        for number, path in enumerate(PATHS.values()):
            archive.writestr(path, recording(number))
    tmp_path.joinpath("Dora.wav").write_bytes(recording(7))
    tmp_path.joinpath("grades.csv").write_text(SHEET, encoding="utf-8", newline="")
    tmp_path.joinpath("hw3.yaml").write_text(json.dumps({"title": "My day", "students": [*NAMES, "Dora"]}))
    return tmp_path


@pytest.fixture
def waijiao(server, echo_worker, folder, monkeypatch):
    """Runs a command of `waijiao homework` in the teacher's folder, for which the assignment has been handed in."""
    monkeypatch.chdir(folder)

    def run(*words: str) -> Result:
        return CliRunner().invoke(homework, [*words, "--url", str(server.base_url)])

    done = run("submit", "7B-hw3-2041.zip", "Dora.wav", "--assignment", "hw3.yaml")
    assert "sent: 4, unchanged: 0, refused: 0" in done.output
    return run


def test_a_zip_from_moodle_goes_back_with_answers_and_the_worksheet_is_filled_in(waijiao, folder):
    done = waijiao("fetch", "hw3", "--wait", "--for", "moodle", "--sheet", "grades.csv", "--out", "back")
    assert done.exit_code == 0, done.output
    output = " ".join(done.output.split())
    assert "3 answers entered in back/grades-filled.csv" in output
    assert "not found in the sheet for certain: Dora" in output
    assert "3 answers in back/hw3-moodle.zip. In Moodle: View all submissions" in output
    assert "Dora: the file has no name of Moodle's" in output
    with zipfile.ZipFile(folder / "back" / "hw3-moodle.zip") as archive:
        assert {*archive.namelist()} == {
            *(path.replace(".m4a", ".wav") for path in PATHS.values()), "not-included.txt"
        }  # fmt: skip
    sheet = folder.joinpath("back", "grades-filled.csv").read_bytes().decode()
    assert sheet.splitlines()[0] == SHEET.splitlines()[0]
    assert '"Participant 123456","Ruoxi Wu","",""' not in sheet
    assert folder.joinpath("grades.csv").read_bytes().decode() == SHEET  # the school's own stays
    assert sorted(path.name for path in folder.joinpath("back").iterdir()) == ["grades-filled.csv", "hw3-moodle.zip"]


def test_unzipped_folders_go_back_as_well(waijiao, folder):
    zipfile.ZipFile(folder / "7B-hw3-2041.zip").extractall(folder / "unzipped")
    folder.joinpath("hw4.yaml").write_text(json.dumps({"title": "My day", "students": [*NAMES]}))
    assert "sent: 3" in waijiao("submit", "unzipped", "--assignment", "hw4.yaml").output
    assert (
        "3 answers in back/hw4-moodle.zip"
        in waijiao("fetch", "hw4", "--wait", "--for", "moodle", "--out", "back").output
    )


def test_a_sheet_may_be_filled_in_next_to_the_folder(waijiao, folder):
    done = waijiao("fetch", "hw3", "--wait", "--sheet", "grades.csv", "--out", "back")
    assert done.exit_code == 0, done.output
    assert {"report.html", "grades-filled.csv", "students"} <= {path.name for path in folder.joinpath("back").iterdir()}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--for", "canvas"], "No file was handed in under a name of Canvas's"),
        (["--for", "canvas", "--sheet", "grades.csv"], "grades.csv is a sheet of Moodle: fetch it with --for moodle"),
        (["--sheet", "hw3.yaml"], "neither Moodle's grading worksheet nor"),
        (["--sheet", "grades.csv", "--column", "Remarks"], "no column “Remarks”"),
        (["--for", "blackboard"], "is not one of"),
    ],
)
def test_what_does_not_fit_is_an_error_and_saves_nothing(waijiao, folder, words, message):
    done = waijiao("fetch", "hw3", "--wait", "--out", "back", *words)
    assert done.exit_code != 0
    assert message in " ".join(done.output.split())
    assert not [path for path in folder.joinpath("back").rglob("*") if path.is_file()]


@pytest.mark.parametrize("client_class", [Client, BlockingAsyncClient])
def test_the_client_fetches_for_a_system_and_fills_in_sheets(waijiao, server, folder, client_class):
    waijiao("status", "hw3", "--wait")
    with client_class(str(server.base_url), "") as client:
        with zipfile.ZipFile(client.export("hw3", folder / "back.zip", system="moodle")) as archive:
            assert len(archive.namelist()) == len(NAMES) + 1
        sheet = client.fill_sheet("hw3", folder / "grades.csv", column="Feedback comments")
        assert (sheet.system, sheet.entered, sheet.not_found) == ("moodle", [*NAMES], ["Dora"])
