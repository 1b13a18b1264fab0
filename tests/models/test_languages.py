"""Learners with an accent are heard in the language they learn."""

import json
from pathlib import Path

import pytest
from spoken import word_error_rate

from pipeline.audio.decode import decode
from pipeline.settings import settings
from worker_asr.engine import Recording, load

LEARNERS = Path(__file__).parents[2] / "examples" / "learners"


@pytest.fixture(scope="module")
def heard() -> dict[str, tuple[str, str]]:
    """For each learner's recording: its language and its text as they were heard; empty when there was none."""
    recogniser = load(settings())
    found = {}
    for path in sorted(LEARNERS.glob("*.wav")):
        with path.open("rb") as file:
            (result,) = recogniser.transcribe([Recording(decode(file, 300), expected_languages=("en", "zh"))])
        found[path.stem] = (getattr(result, "language", ""), getattr(result, "text", ""))
    return found


def test_an_accent_is_not_taken_for_another_language(heard):
    assert sum(language != "en" for language, _ in heard.values()) <= 2


def test_they_are_heard_as_well_as_if_the_language_were_given(heard):
    texts = {entry["id"]: entry["text"] for entry in json.loads((LEARNERS / "learners.json").read_text())}
    assert word_error_rate([(texts[id_], text) for id_, (_, text) in heard.items()]) < 0.36
