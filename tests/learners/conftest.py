"""Tests on recordings of real learners, which are not part of this repository: LEARNERS names the folder they are in.

Run with: make test-learners LEARNERS=folder. The folder has a `learners.json`, a list of objects with the `id` of each
recording, which is the file `id`.wav, and the English `text` that was read. Without LEARNERS nothing is collected here.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.audio.decode import Waveform
from pipeline.jobs.results import Transcript
from pipeline.settings import settings
from tests.support.recordings import load_recording
from tests.support.running_app import app
from worker_asr.engine import Recogniser, Recording, load

__all__ = ["app"]

FOLDER = os.environ.get("LEARNERS", "")
collect_ignore_glob = [] if FOLDER else ["test_*.py"]


@dataclass(frozen=True)
class Learner:
    """One recording, and the text that its learner was asked to read."""

    id: str
    text: str
    path: Path

    @property
    def sound(self) -> Waveform:
        return load_recording(self.path)


def read_learners(folder: Path) -> list[Learner]:
    """Raises UsageError when the folder has no list of its recordings."""
    try:
        facts = json.loads((folder / "learners.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise pytest.UsageError(f"LEARNERS={folder}: {error.strerror}: learners.json") from None
    return [Learner(fact["id"], fact["text"], folder / f"{fact['id']}.wav") for fact in facts]


@pytest.fixture(scope="session")
def learners() -> list[Learner]:
    return read_learners(Path(FOLDER))


@pytest.fixture(scope="session")
def recogniser() -> Recogniser:
    return load(settings())


@pytest.fixture(scope="session")
def transcripts(recogniser: Recogniser, learners: list[Learner]) -> dict[str, Transcript]:
    """What is recognised in each recording when the language is given; by the learner's id."""
    results = recogniser.transcribe([Recording(learner.sound, "en") for learner in learners])
    found = {learner.id: result for learner, result in zip(learners, results, strict=True)}
    assert all(isinstance(result, Transcript) for result in results)
    return found
