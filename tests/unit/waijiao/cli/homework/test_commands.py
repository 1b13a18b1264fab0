"""`waijiao homework`: what is refused before anything is sent, and how a class is shown."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from pipeline.errors import BadRequest
from pipeline.jobs.results import VERDICTS
from pipeline.schemas.homework import AssignmentView, Progress, Submission
from pipeline.schemas.jobs import Verdict
from tests.support.recordings import RECORDINGS
from waijiao.cli.homework import homework
from waijiao.cli.homework.selection import select_assignment
from waijiao.cli.homework.status import render
from waijiao.cli.verdicts import VERDICT_LABELS

MORNING = datetime(2026, 11, 29, 10, tzinfo=UTC)
COLUMNS = 80


@pytest.mark.parametrize("name", ["README.md", "examples/README.md", "", "Homework 3", "../hw3", "hw3.zip"])
def test_a_name_that_is_neither_a_file_nor_an_id_is_refused(name):
    with pytest.raises(BadRequest, match="is not an assignment: name a YAML file"):
        select_assignment(name)


def test_an_id_is_taken_as_it_is():
    assert select_assignment("hw3").id == "hw3"


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["--json"]])
def test_a_folder_without_files_is_an_error(tmp_path, options):
    tmp_path.joinpath("none").mkdir()
    words = ["submit", str(tmp_path / "none"), "--assignment", "hw3", "--url", "http://127.0.0.1:1", *options]
    result = CliRunner().invoke(homework, words)
    assert result.exit_code == 1
    assert result.output == f"There are no recordings in {tmp_path / 'none'}.\n"


def submission(recording: Path, state: str, verdict: Verdict | None) -> Submission:
    student = recording.stem.replace("-", " ").title()
    fields = {"student": student, "file": recording.name, "job": "0" * 32, "sha256": "0" * 64, "state": state}
    return Submission.model_validate(
        {**fields, "handed_in_at": MORNING, "error": None, "verdict": verdict, "tries": None}
    )


def show_class(state: str, width: int, verdict: Verdict | None = None) -> list[str]:
    """The lines that show a class of 24 whose homework is in this state, in a terminal of this width."""
    count = len(RECORDINGS)
    submissions = [submission(each, state, verdict) for each in RECORDINGS]
    concerns = [each.student for each in submissions if verdict == "needs_an_adult"]
    progress = Progress.model_construct(
        needs_an_adult=concerns, verdicts={verdict: count} if verdict else {},
        students=count, handed_in=count, succeeded=count, failed=0, held=0, working=0, missing=[], complete=True,
        eta_seconds=None,
    )  # fmt: skip
    view = AssignmentView.model_construct(
        id="hw3", title="Homework 3", students=[], due=MORNING, progress=progress, submissions=submissions
    )
    output = io.StringIO()
    Console(file=output, width=width).print(render(view))
    return output.getvalue().splitlines()


@pytest.mark.parametrize("state", ["succeeded", "queued", "transcribing"])
def test_a_class_fits_a_terminal_of_80_columns(state):
    lines = show_class(state, COLUMNS)
    assert max(map(len, lines)) <= COLUMNS
    assert any(line.startswith(f"answered: {len(RECORDINGS)} of {len(RECORDINGS)}, complete, due") for line in lines)
    rows = [line for line in lines if state in line]
    assert len(rows) == len(RECORDINGS)
    assert "…" not in "".join(lines)
    assert {row.split()[0] for row in rows} == {"●" if state == "succeeded" else "•"}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_class_shows_each_verdict_and_first_of_all_who_needs_an_adult(verdict):
    lines = show_class("succeeded", COLUMNS, verdict)
    rows = [line for line in lines if f" {VERDICT_LABELS[verdict].lower()} " in line]
    assert len(rows) == len(RECORDINGS)
    assert {row.split()[0] for row in rows} == {"✓" if verdict == "correct" else "●"}
    assert f"{VERDICT_LABELS[verdict].lower()}: {len(RECORDINGS)}" in [line.strip() for line in lines]
    assert lines[1].startswith("Needs an adult: ") is (verdict == "needs_an_adult")
    assert max(map(len, lines)) <= COLUMNS
