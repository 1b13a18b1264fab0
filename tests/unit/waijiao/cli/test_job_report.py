"""The progress of jobs: a recording that was refused shows none."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from pipeline.schemas.jobs import PlanDay, PlanExample, StudyPlan
from waijiao.cli.job_report import AnswerFiles, JobProgress, JobReport, describe_card, describe_plan
from waijiao.client.results import Answer

JOB = SimpleNamespace(id="1" * 32, state="thinking", queue_position=None, eta_seconds=None)


def test_only_accepted_recordings_have_a_bar_at_the_end():
    console = Console(file=io.StringIO(), width=100)
    with JobProgress(["accepted.wav", "refused.wav"], console) as progress:
        progress.update(0, JOB)
    shown = console.file.getvalue()
    assert "accepted.wav" in shown
    assert "refused.wav" not in shown
    assert "sending" not in shown


@pytest.mark.parametrize(("jobs_go_on", "is_named"), [(True, True), (False, False)])
def test_ctrl_c_names_the_jobs_that_go_on(capsys, jobs_go_on, is_named):
    def outcomes(on_change):
        on_change(0, JOB)
        on_change(1, SimpleNamespace(**{**vars(JOB), "id": "2" * 32, "state": "succeeded"}))
        raise KeyboardInterrupt
        yield

    report = JobReport(["a", "b"], console=Console(file=io.StringIO()), jobs_go_on=jobs_go_on)
    with pytest.raises(SystemExit) as end:
        report.follow(outcomes)
    assert end.value.code == 130
    shown = capsys.readouterr().err
    assert (f"waijiao watch {JOB.id}" in shown) == is_named
    assert "2" * 32 not in shown


@pytest.mark.parametrize(
    ("card", "line"),
    [
        (None, ""),
        (SimpleNamespace(missing="verdict"), "none (verdict)"),
        (SimpleNamespace(missing=None, duration_s=12.34, chapters=[1, 2]), "anna-card.mp3 (12.3 s, 2 chapters)"),
    ],
)
def test_the_outcome_says_where_the_card_is_or_why_there_is_none(card, line):
    assert describe_card(SimpleNamespace(card=card), Path("anna.mp3")) == line


def test_a_card_is_saved_next_to_its_answer(tmp_path):
    job = SimpleNamespace(answer=SimpleNamespace(format="mp3"))
    files = AnswerFiles(["anna", "ben"], tmp_path)
    files.save(0, Answer(job, b"an answer", b"a card"))
    files.save(1, Answer(job, b"an answer"))
    contents = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert contents == {
        "anna-answer.mp3": b"an answer", "anna-answer-card.mp3": b"a card", "ben-answer.mp3": b"an answer",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked_in", "lines"),
    [
        (
            "en",
            [
                "day 1, 1 minute: Say what you did. (I go home. → I went home.) Tell me what you did.",
                "day 2, 5 minutes: Talk freely.",
            ],
        ),
        (
            "zh",
            [
                "day 1, 1 minute: 说说你做了什么。 (I go home. → I went home.) Tell me what you did.",
                "day 2, 5 minutes: 自由聊天。",
            ],
        ),
    ],
)
def test_a_study_plan_has_a_line_for_each_day_in_the_language_of_the_request(asked_in, lines):
    days = [
        PlanDay(
            number=1,
            activity="mistake",
            minutes=1,
            task={"en": "Say what you did.", "zh": "说说你做了什么。"},
            kind="R:VERB:TENSE",
            words=[],
            example=PlanExample(heard="I go home.", better="I went home."),
            prompt="Tell me what you did.",
            revises=None,
        ),
        PlanDay(
            number=2,
            activity="free_talk",
            minutes=5,
            task={"en": "Talk freely.", "zh": "自由聊天。"},
            kind=None,
            words=[],
            example=None,
            prompt=None,
            revises=None,
        ),
    ]
    plan = StudyPlan(days=days, minutes=5, summary={"en": "", "zh": ""}, asked_in=asked_in, basis="ledger")
    assert describe_plan(Answer(SimpleNamespace(plan=plan), b"").plan) == lines
    assert describe_plan(None) == []
