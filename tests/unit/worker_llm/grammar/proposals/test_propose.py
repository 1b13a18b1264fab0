"""All proposals for a sentence together: each makes another, well-formed sentence."""

import re

import pytest

from tests.support.tagged_sentences import read_tagged
from worker_llm.grammar.proposals import propose


def test_each_sentence_is_proposed_once_and_the_sentence_itself_never() -> None:
    words = read_tagged("He/PRP go/VBP to/TO school./NN")
    proposals = propose(words)
    assert {"He goes to school.", "He went to school.", "He is going to school."} <= proposals.keys()
    assert "He go to school." not in proposals


def test_of_several_edits_with_one_result_a_pattern_comes_first() -> None:
    proposals = propose(read_tagged("He/PRP can/MD plays/VBZ chess./NN"))
    assert proposals["He can play chess."].is_certain


@pytest.mark.parametrize(
    "tagged", ["Tall/JJ is/VBZ xqzzt./NN", "I'm/PRP not/RB cold./JJ", "I/PRP am/VBP not/RB well./RB"]
)
def test_no_word_is_empty(tagged: str) -> None:
    assert all(word.text for proposal in propose(read_tagged(tagged)).values() for word in proposal.after)


@pytest.mark.parametrize(
    ("tagged", "wrong"),
    [
        ("Do/VBP you,/PRP Tom,/NNP like/VBP it?/PRP", "Do you Tom like it?"),
        ("I'm/PRP not,/RB want/VBP to/TO go./VB", "I don't want to go."),
        ("He/PRP has,/VBZ say,/VB six/CD years./NNS", "He is say six years old."),
        ("She/PRP is,/VBZ not/RB like/IN me,/PRP happy./JJ", "She doesn't like me, happy."),
        ('He/PRP isn\'t/VBZ "play"/VB chess./NN', "Play he isn't\" chess."),
        ("So/RB many,/JJ dog/NN and/CC cat./NN", "So many dogs and cat."),
        ("Yesterday,/NN he/PRP is/VBZ sad./JJ", "Is yesterday he sad."),
    ],
)
def test_no_mark_inside_what_is_replaced_is_lost(tagged: str, wrong: str) -> None:
    assert wrong not in propose(read_tagged(tagged))


@pytest.mark.parametrize(
    "tagged",
    ["I/PRP am/VBP agree./VB", "He/PRP is/VBZ more/RBR taller,/JJR yes./UH", "It/PRP is/VBZ most/RBS best!/JJS"],
)
def test_no_mark_is_doubled(tagged: str) -> None:
    assert not [text for text in propose(read_tagged(tagged)) if re.search(r"[.,!]{2}", text)]
