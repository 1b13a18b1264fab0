"""The progress of jobs: a recording that was refused shows none."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from waijiao.cli.job_report import JobProgress, JobReport

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
