"""`waijiao status` on a server that has no room for new work."""

import json

import pytest
from click.testing import CliRunner

from pipeline.schemas.status import Readiness
from waijiao.cli import status as status_command
from waijiao.cli.console import EXIT_FAILED

ADVICE = "Make room on this disk."


class Server:
    """A server that says this of its storage; in the place of the client."""

    def __init__(self, storage: dict[str, object] | None) -> None:
        models = {stage: {"ready": 1, "loading": 0, "waiting": 0} for stage in ("asr", "llm", "tts")}
        self.answer = Readiness.model_validate({"ready": True, "models": models, "storage": storage})

    def __call__(self, _url: str | None) -> "Server":
        return self

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def readiness(self) -> Readiness:
        return self.answer

    def jobs(self, **_: object):
        return iter([])


@pytest.fixture
def run(monkeypatch):
    """Runs the command against a server with this storage."""

    def run(storage: dict[str, object] | None, *options: str):
        monkeypatch.setattr(status_command, "Client", Server(storage))
        return CliRunner().invoke(status_command.status, options)

    return run


def storage(disk: str, reason: str | None = None) -> dict[str, object]:
    advice = [ADVICE] if disk != "enough" or reason else []
    sizes = {"free_bytes": 120_000_000, "needed_bytes": 200_000_000}
    return {"disk": disk, "folder": "/srv/[bold]", **sizes, "redis_refuses": reason, "advice": advice}


@pytest.mark.parametrize(
    ("said", "has_advice", "exit_code"),
    [
        (storage("enough"), False, 0),
        (storage("low"), True, 0),
        (storage("full"), True, EXIT_FAILED),
        (storage("enough", "memory"), True, EXIT_FAILED),
        (storage("low", "read_only"), True, EXIT_FAILED),
    ],
)
def test_what_to_do_is_printed_and_a_server_that_refuses_work_ends_with_status_1(run, said, has_advice, exit_code):
    result = run(said)
    assert "Disk of /srv/[bold]: 0.1 GB free." in result.output
    assert (ADVICE in result.output) == has_advice
    assert result.exit_code == exit_code
    as_json = run(said, "--json")
    assert json.loads(as_json.output)["storage"] == said
    assert as_json.exit_code == exit_code


def test_who_is_not_told_of_the_storage_reads_nothing_of_it(run):
    result = run(None)
    assert result.exit_code == 0
    assert "Disk" not in result.output
