"""Which question ends an answer: the model's own where it is sound, else the fittest of the bank."""

from collections.abc import Callable, Sequence

from pipeline.levels import NO_FOCUS, NO_LEVEL, Focus, Level
from worker_llm.tutor.questions.bank import find_asked, find_fitting
from worker_llm.tutor.questions.form import is_sound
from worker_llm.tutor.safety import NO_SCHOOL_WORDS, SchoolWords, is_unfit_to_say

# For a sentence and questions, how much likelier each is after it than by itself: log p(question | sentence) - log
# p(question), in nats.
Ranker = Callable[[str, Sequence[str]], Sequence[float]]

RECENT_TURNS = 3  # in which a question of the model may not have been asked
BANK_TURNS = 10  # in which a question of the bank may not have been asked
MAX_RANKED = 24  # questions of the bank that are ranked: more take longer
NEW_SUBJECTS = (  # at most eight words each, as the level A1 needs it
    "What would you like to talk about?",
    "What do you like to do?",
    "What is your favourite food?",
    "Which animals do you like?",
)


def choose_question(
    proposal: str,
    sentences: str,
    earlier_replies: Sequence[str],
    fallback: str,
    *,
    level: Level = NO_LEVEL,
    focus: Focus = NO_FOCUS,
    rank: Ranker | None = None,
    school: SchoolWords = NO_SCHOOL_WORDS,
) -> str:
    """`proposal` is the model's question about the corrected `sentences`; `earlier_replies` are oldest first.

    What the homework asks for goes first. `fallback` is asked when the bank has nothing new that fits.
    """
    questions_asked_for = find_asked(sentences, focus, level.max_question_words)
    if new_asked := [each for each in questions_asked_for if not was_asked(each, earlier_replies[-BANK_TURNS:])]:
        return choose_likeliest(sentences, new_asked, rank)
    if (
        proposal
        and is_sound(proposal, sentences, level.max_question_words)
        and not is_unfit_to_say(proposal, school)
        and not was_asked(proposal, earlier_replies[-RECENT_TURNS:])
    ):
        return proposal
    candidates = find_fitting(sentences, focus.time, level.max_question_words)
    questions = [each for each in candidates if not was_asked(each, earlier_replies[-BANK_TURNS:])][:MAX_RANKED]
    return choose_likeliest(sentences, questions, rank) if questions else fallback


def choose_new_subject(earlier_replies: Sequence[str]) -> str:
    """A question about nothing that was said: the one of `NEW_SUBJECTS` that was asked longest ago, or never."""
    replies = list(earlier_replies)

    def turns_since(question: str) -> int:
        return next((n for n, reply in enumerate(reversed(replies)) if was_asked(question, [reply])), len(replies))

    return max(NEW_SUBJECTS, key=turns_since)


def choose_likeliest(sentences: str, questions: Sequence[str], rank: Ranker | None) -> str:
    """The one of the questions that is likeliest after these sentences; the first without `rank`."""
    if rank is None:
        return questions[0]
    scores = rank(sentences, questions)
    return max(zip(scores, questions, strict=True), key=lambda pair: pair[0])[1]


def was_asked(question: str, replies: Sequence[str]) -> bool:
    return any(question.casefold() in reply.casefold() for reply in replies)
