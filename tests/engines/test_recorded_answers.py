"""`tests/data/answers.json` is what the default models answer today."""

import json

import pytest

from pipeline.settings import Settings, settings
from tests.support.answer_recordings import ANSWERS, answer_recordings
from tests.support.recordings import RECORDINGS

RECORDED = json.loads(ANSWERS.read_text(encoding="utf-8"))
MAX_DIFFERENT = 2  # of 24 answers: other processors round otherwise, and what is on the edge falls to either side


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    models = settings().models_folder
    return answer_recordings(
        Settings(home=tmp_path_factory.mktemp("home"), models=models, redis_url="", url=""), RECORDINGS
    )


@pytest.mark.parametrize("name", ["verdict", "heard", "corrected"])
def test_the_answers_are_those_that_were_recorded(answers, name):
    pairs = [
        (now["id"], now["feedback"][name], then["feedback"][name]) for now, then in zip(answers, RECORDED, strict=True)
    ]
    different = [(id_, now, then) for id_, now, then in pairs if now != then]
    assert len(different) <= MAX_DIFFERENT, different
