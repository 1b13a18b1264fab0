"""Learners with an accent are recognised in the language that they learn."""

import pytest

from tests.support.transcripts import word_error_rate
from worker_asr.engine import Recording


@pytest.fixture(scope="module", params=[False, True], ids=["English or Chinese", "any language"])
def detected_languages(recogniser, learners, request) -> dict[str, tuple[str, str]]:
    """For each learner's recording: its language and its text as they were recognised; empty when there was none."""
    found = {}
    for learner in learners:
        (result,) = recogniser.transcribe(
            [Recording(learner.sound, expected_languages=("en", "zh"), any_language=request.param)]
        )
        found[learner.id] = (getattr(result, "language", ""), getattr(result, "text", ""))
    return found


def test_an_accent_is_not_taken_for_another_language(detected_languages):
    assert sum(language != "en" for language, _ in detected_languages.values()) <= 2


def test_recognition_is_as_good_as_with_a_given_language(learners, detected_languages):
    assert word_error_rate([(learner.text, detected_languages[learner.id][1]) for learner in learners]) < 0.36
