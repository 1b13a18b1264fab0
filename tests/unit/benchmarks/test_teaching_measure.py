"""What a checker does with the corpus is counted as it should be: by fake checkers, whose answers are known."""

import io

import pytest
from rich.console import Console

from benchmarks.teaching import measure, scores
from benchmarks.teaching.corpus import Half, Mistake
from benchmarks.teaching.scores import EditCounts, check_mistake, check_right, compare_edits
from pipeline.jobs.results import Edit
from worker_llm.grammar.checker import CheckedSentence

WRONG = Mistake("Two dog sleeps.", ("Two dogs sleep.", "Two dogs are sleeping."), "plural", "A1")
EDIT = Edit("so", "too", (0, 1))
HALF = Half(
    (WRONG, Mistake("She go.", ("She goes.",), "verb_agreement", "A1")),
    (Mistake("A apple.", ("An apple.",)),),
    {"tricky": ("Ten minutes is enough.",), "plain": ("I am here.", "We sang."), "hard": ("A big tree.",)},
)


class FakeChecker:
    """Answers with the sentences that were set for a text, and has no fault to find with any other."""

    def __init__(self, **answers):
        self.answers = answers
        self.texts = []

    def check(self, text, unclear=()):
        self.texts.append(text)
        return self.answers.get(text, (CheckedSentence(text, text),))


def checked(text, corrected=None, edits=(), is_doubtful=False):
    return CheckedSentence(text, text if corrected is None else corrected, edits, is_doubtful)


@pytest.mark.parametrize(
    ("sentences", "outcome"),
    [
        ((checked(WRONG.text, "Two dogs sleep.", (EDIT,)),), scores.PUT_RIGHT),
        ((checked(WRONG.text, "two dogs're sleeping"),), scores.PUT_RIGHT),
        ((checked("Two", "Two dogs"), checked("dog sleeps.", "sleep.")), scores.PUT_RIGHT),
        ((checked(WRONG.text, "Two dogs sleeps.", (EDIT,)),), scores.PARTLY),
        ((checked(WRONG.text, "Two dog are sleeping."),), scores.PARTLY),
        ((checked(WRONG.text, "Two cats sleep."),), scores.OTHERWISE),
        ((checked(WRONG.text, "Two dogs slept."),), scores.OTHERWISE),
        ((checked(WRONG.text, "The two dogs sleep."),), scores.OTHERWISE),
        ((checked(WRONG.text, edits=(EDIT,)),), scores.OTHERWISE),
        ((checked(WRONG.text, is_doubtful=True),), scores.DOUBTFUL),
        ((checked("Two dog"), checked("sleeps.", is_doubtful=True)), scores.DOUBTFUL),
        ((), scores.DOUBTFUL),
        ((checked(WRONG.text),), scores.PRAISED),
        ((checked(WRONG.text, "Two dog sleeps!"),), scores.PRAISED),
    ],
)
def test_what_became_of_a_mistake(sentences, outcome):
    result = check_mistake(FakeChecker(**{WRONG.text: sentences}), WRONG)
    assert (result.text, result.outcome, result.kind) == (WRONG.text, outcome, "plural")


@pytest.mark.parametrize(
    ("sentences", "outcome"),
    [
        ((checked("I'm here."),), scores.PRAISED),
        ((checked("I'm here.", "I am here"),), scores.PRAISED),
        ((checked("I'm here.", is_doubtful=True),), scores.DOUBTFUL),
        ((), scores.DOUBTFUL),
        ((checked("I'm here.", "I was here."),), scores.TOUCHED),
        ((checked("I'm here.", "I was here.", is_doubtful=True),), scores.TOUCHED),
        ((checked("I'm here.", edits=(EDIT,)),), scores.TOUCHED),
    ],
)
def test_what_became_of_a_right_sentence(sentences, outcome):
    assert check_right(FakeChecker(**{"I'm here.": sentences}), "I'm here.").outcome == outcome


def test_the_cpu_seconds_of_each_sentence_are_those_of_its_check(monkeypatch):
    clock = iter([1.0, 1.5])
    monkeypatch.setattr(scores.time, "process_time", lambda: next(clock))
    assert check_right(FakeChecker(), "I am here.").cpu_s == 0.5


def test_every_sentence_is_checked_once_after_one_that_does_not_count():
    checker, steps = FakeChecker(), []
    measurement = measure.measure(checker, HALF, lambda: steps.append(len(checker.texts)))
    sentences = [WRONG.text, "She go.", "A apple.", "Ten minutes is enough.", "I am here.", "We sang.", "A big tree."]
    assert checker.texts == [measure.WARM_UP, *sentences]
    assert steps == [2, 3, 4, 5, 6, 7, 8]
    assert [result.text for result in (*measurement.with_mistakes, *measurement.all_right)] == sentences


def test_counts_are_shown_by_list_and_kind():
    checker = FakeChecker(
        **{
            "She go.": (checked("She go.", "She goes."),),
            "A apple.": (checked("A apple.", is_doubtful=True),),
            "We sang.": (checked("We sang.", "We sing."),),
        }
    )
    console = Console(file=io.StringIO(), width=120)
    measure.show(console, measure.measure(checker, HALF), with_kinds=True)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in console.file.getvalue().splitlines()]
    none, whole = "0 (0.0 %)", "1 (100.0 %)"
    for row in (
        ["mistakes", "2", "1 (50.0 %)", none, none, none, "1 (50.0 %)"],
        ["hard mistakes", "1", none, none, none, whole, none],
        ["tricky", "1", none, none, whole],
        ["plain", "2", "1 (50.0 %)", none, "1 (50.0 %)"],
        ["all", "4", "1 (25.0 %)", none, "3 (75.0 %)"],
        ["plural", "1", none, none, none, none, whole],
        ["verb_agreement", "1", whole, none, none, none, none],
    ):
        assert row in rows


def test_what_went_wrong_is_listed_and_nothing_else():
    checker = FakeChecker(
        **{
            WRONG.text: (checked(WRONG.text, "Two [cats] sleep."),),
            "She go.": (checked("She go.", "She goes."),),
            "We sang.": (checked("We sang.", "We sing."),),
        }
    )
    console = Console(file=io.StringIO(), width=200)
    measure.show_wrong(console, measure.measure(checker, HALF))
    assert console.file.getvalue().splitlines() == [
        "changed otherwise: Two dog sleeps.",
        "    became: Two [cats] sleep.",
        "    accepted: Two dogs sleep. | Two dogs are sleeping.",
        "praised: A apple.",
        "    accepted: An apple.",
        "right, but touched: We sang. → We sing.",
    ]


@pytest.mark.parametrize(
    ("values", "share", "quantile"),
    [([], 0.5, 0), ([3], 0.95, 3), ([4, 1, 3, 2], 0.5, 2), ([*range(1, 101)], 0.95, 95), ([1, 2], 0, 1)],
)
def test_quantiles(values, share, quantile):
    assert scores.find_quantile(values, share) == quantile


def test_edits_are_compared_with_the_correction_that_fits_best():
    references = [{"a", "b"}, {"c"}, {"a", "d", "e"}]
    assert compare_edits({"a", "x"}, references, EditCounts()) == EditCounts(1, 1, 1)
    assert compare_edits({"c"}, references, EditCounts()) == EditCounts(1, 0, 0)
    assert compare_edits(set(), references, EditCounts()) == EditCounts(0, 0, 1)


@pytest.mark.parametrize(
    ("counts", "f05"),
    [(EditCounts(), 1), (EditCounts(2, 0, 0), 1), (EditCounts(0, 1, 1), 0), (EditCounts(1, 1, 3), 0.4167)],
)
def test_f05_counts_precision_twice(counts, f05):
    assert counts.f05 == pytest.approx(f05, abs=1e-4)


def test_errant_is_left_out_where_it_or_the_parser_is_missing(tmp_path):
    console = Console(file=io.StringIO(), width=200)
    measure.show_errant(console, measure.measure(FakeChecker(), HALF), tmp_path / "none")
    assert console.file.getvalue().startswith("ERRANT: not measured: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--half", "judging", "--wrong"], "not shown"),
        (["--half", "other"], "invalid choice"),
        (["--limit", "0"], "not a whole number above 0: 0"),
        (["--limit", "many"], "not a whole number above 0: many"),
    ],
)
def test_unfit_arguments_are_refused(words, message, capsys):
    with pytest.raises(SystemExit):
        measure.parse_arguments(words)
    assert message in capsys.readouterr().err


def test_the_fitting_half_is_the_default():
    arguments = measure.parse_arguments(["--limit", "5", "--wrong"])
    assert (arguments.half, arguments.limit, arguments.kinds, arguments.wrong) == ("fitting", 5, False, True)
