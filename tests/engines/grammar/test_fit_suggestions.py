"""What a suggestion adds to the scores is fitted to choices whose right answers are known."""

import numpy as np
import pytest

from benchmarks.teaching import fit_suggestions
from benchmarks.teaching.fit_suggestions import Choice, RememberingModel, describe_rates, fit, report


def choice(scores, suggested=(), right=(), is_wrong=True):
    places = range(len(scores))
    flags = [np.array([place in chosen for place in places], dtype=bool) for chosen in (suggested, right)]
    return Choice(np.array(scores, dtype=float), *flags, is_wrong)


def test_the_more_often_suggestions_are_right_the_more_they_add():
    right, wrong = choice([0.0, 0.0], [0], [0]), choice([0.0, 0.0], [0], [1])
    mostly_right, mostly_wrong = fit([right] * 9 + [wrong]), fit([right] * 5 + [wrong] * 5)
    assert mostly_right[0] - mostly_right[1] > mostly_wrong[0] - mostly_wrong[1]


def test_where_nothing_suggested_is_right_nothing_is_added():
    assert fit([choice([0.0], [0], [], is_wrong=False)] * 9)[0] == 0


def test_the_likelihood_is_that_of_the_right_candidate_or_of_leaving_the_sentence_alone():
    assert choice([0.0], [0], [0]).log_likelihood(0, 0) == pytest.approx(np.log(0.5))
    assert choice([0.0, 0.0, 0.0], [0], []).log_likelihood(0, 0) == pytest.approx(np.log(0.25))
    assert choice([], is_wrong=False).log_likelihood(1, -1) == 0


def test_it_is_counted_how_often_candidates_lie_on_the_way():
    choices = [choice([0.0, 1.0, 2.0], [0, 1], [0]), choice([0.0], [], [0]), choice([])]
    assert describe_rates(choices) == "on the way: 1 of 2 right ones, 1 of 2 others"


def test_the_first_steps_are_counted():
    choices = [
        choice([0.0, 1.0], [0], [0]),
        choice([-9.0], [], [0]),
        choice([-1.0], [0], [], is_wrong=False),
        choice([], is_wrong=False),
    ]
    assert report(choices, 0, 0).endswith("right step 0, wrong step 1, touched 0 of 2 wrong and 2 right ones")
    assert report(choices, 2, 0).endswith("right step 1, wrong step 0, touched 1 of 2 wrong and 2 right ones")


def test_a_model_is_asked_about_each_sentence_once(tmp_path, monkeypatch):
    monkeypatch.setattr(fit_suggestions, "REPLIES", tmp_path / "build" / "replies.sqlite")
    asked = []

    class Model:
        def ask(self, text):
            asked.append(text)
            return f'"{text}"'

    for name in ("one", "one", "other"):
        assert RememberingModel(Model(), name).ask("I am here.") == '"I am here."'
    assert asked == ["I am here."] * 2
