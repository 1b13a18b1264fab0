"""The scorer with the real model: better English is likelier, and its numbers are consistent."""

import itertools

import numpy as np
import pytest

from pipeline.errors import ModelDamaged
from pipeline.settings import settings
from worker_llm.grammar.judge.scorer import BATCH_TOKENS, Scorer
from worker_llm.grammar.model_loading import load_scorer

PAIRS = [  # wrong, right
    ("We goes home at five.", "We go home at five."),
    ("My sister have a red bike.", "My sister has a red bike."),
    ("I saw elephant at the zoo.", "I saw an elephant at the zoo."),
    ("There is three books on the table.", "There are three books on the table."),
    ("Last night we watch a film.", "Last night we watched a film."),
    ("Does he likes milk?", "Does he like milk?"),
    ("He is good in football.", "He is good at football."),
    ("I am boring in class because it is long.", "I am bored in class because it is long."),
]
ROUNDING = (
    0.5  # of the score of a sentence, since other shapes are computed in another order and then rounded to 8 bits
)
TEXTS = [
    "He goes to school.",
    "I have 25 apples, café au lait — and 3.50 €!",
    "我喜欢苹果。",
    " begins with a space",
    "don't",
    "<|im_end|> is text, and <|endoftext|> too",
    "🙂🙂",
]


@pytest.fixture(scope="module")
def scorer():
    return load_scorer(settings())


@pytest.mark.parametrize(("wrong", "right"), PAIRS)
def test_a_right_sentence_is_likelier_than_a_wrong_one(scorer, wrong, right):
    wrong_score, right_score = scorer.score([wrong, right])

    assert right_score > wrong_score + 1


@pytest.mark.parametrize("text", TEXTS)
def test_a_score_is_the_sum_of_its_tokens_log_probabilities(scorer, text):
    ids, _, matrix = scorer.token_log_probs(text)

    assert matrix.shape[0] == len(ids)
    assert scorer.score([text]) == pytest.approx([matrix[np.arange(len(ids)), ids].sum()], abs=0.05)


@pytest.mark.parametrize("text", TEXTS)
def test_every_row_is_a_distribution_over_the_vocabulary(scorer, text):
    _, _, matrix = scorer.token_log_probs(text)

    assert np.exp(matrix.astype(np.float64)).sum(axis=1) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_those_of_ids_and_their_characters_cover_the_text(scorer, text):
    ids, offsets, _ = scorer.token_log_probs(text)

    assert ids == scorer.ids(text)
    assert min(ids) > 16  # special tokens come first in the vocabulary
    assert [offsets[0][0], offsets[-1][1]] == [0, len(text)]
    assert all(before[1] >= after[0] for before, after in itertools.pairwise(offsets))


def test_each_digit_is_a_token_and_a_word_has_its_space(scorer):
    _, offsets, _ = scorer.token_log_probs("He has 125 apples")

    assert offsets == [(0, 2), (2, 6), (6, 7), (7, 8), (8, 9), (9, 10), (10, 17)]


def test_scores_do_not_depend_on_the_other_texts_of_a_batch(scorer):
    texts = [f"{wrong} {right}" for wrong, right in PAIRS] * 6 + ["Yes."]
    assert sum(len(scorer.ids(text)) for text in texts) > 4 * BATCH_TOKENS

    assert scorer.score(texts) == pytest.approx([scorer.score([text])[0] for text in texts], abs=ROUNDING)


def test_a_prefix_is_what_the_text_follows(scorer):
    thirsty, cold = (
        scorer.score([" So I drank some water."], prefix)[0] for prefix in ("I was thirsty.", "I was cold.")
    )
    together, first = scorer.score(["I was cold. So I drank some water.", "I was cold."])

    assert thirsty > cold + 1
    assert cold == pytest.approx(together - first, abs=ROUNDING)


def test_an_empty_text_is_certain(scorer):
    ids, offsets, matrix = scorer.token_log_probs("")

    assert scorer.score(["", "Yes.", ""], "No. ")[::2] == [0, 0]
    assert scorer.score([]) == []
    assert (ids, offsets, matrix.shape[0]) == ([], [], 0)


def test_a_text_longer_than_any_limit_of_the_library_is_scored_to_its_end(scorer):
    long = "I like apples. " * 300
    assert len(scorer.ids(long)) > 1100

    assert scorer.score([long + "Qzx!"])[0] < scorer.score([long])[0] - 5


@pytest.mark.parametrize("removed", ["model.bin", "tokenizer.json", "vocabulary.json"])
def test_a_folder_that_lacks_a_file_is_damaged(tmp_path, removed):
    source = settings().models_folder / "smollm2-135m-scorer"
    for path in source.iterdir():
        if path.name != removed:
            (tmp_path / path.name).symlink_to(path)

    with pytest.raises(ModelDamaged, match=r"cannot be loaded to check sentences"):
        Scorer(tmp_path)
