"""Questions that practise a kind of mistake which the learner makes again and again, in plain words.

One is asked now and then: a conversation is no exercise.
"""

from collections.abc import Iterable, Sequence

MIN_COUNT = 2  # mistakes of a kind before it is practised
MIN_TURNS = 2  # of a session before the first such question
PAUSE_TURNS = 3  # in which none was asked
BANK_TURNS = 10  # in which the same one was not asked

PRACTICE_QUESTIONS: dict[str, tuple[str, ...]] = {  # by ERRANT's names without their first letter
    "VERB:TENSE": (
        "Tell me what you did yesterday.",
        "What did you do last weekend?",
        "What will you do tomorrow?",
    ),
    "VERB:INFL": ("Tell me where you went last weekend.", "What did you eat yesterday?"),
    "VERB:SVA": ("Tell me what your best friend does every day.", "What does your teacher do at school?"),
    "VERB:FORM": ("Tell me what you want to do this weekend.", "What can you do well?", "What do you enjoy doing?"),
    "VERB": ("Tell me how you are today, and why.", "What is your best friend like?"),
    "DET": ("Tell me what is in your school bag.", "What can you see in your room?"),
    "NOUN:NUM": ("Tell me how many books and pens you have.", "What things do you have at home?"),
    "NOUN:INFL": ("Tell me how many people are in your family.", "Which animals have you seen?"),
    "PREP": ("Tell me when you get up and go to bed.", "When is your birthday?", "Where are your books now?"),
    "PRON": ("Tell me about your family.", "Who is your best friend, and what is he or she like?"),
    "ADJ:FORM": ("Tell me who is taller, you or your friend.", "Which is better, summer or winter?"),
}
ALL_QUESTIONS = frozenset(question for questions in PRACTICE_QUESTIONS.values() for question in questions)


def is_due(earlier_replies: Sequence[str]) -> bool:
    """Whether such a question may be asked now, after these replies of the session, oldest first."""
    recent = " ".join(earlier_replies[-PAUSE_TURNS:])
    return len(earlier_replies) >= MIN_TURNS and not any(question in recent for question in ALL_QUESTIONS)


def choose_practice(kinds: Iterable[str], earlier_replies: Sequence[str], max_words: int) -> str:
    """The question for the first of these kinds that has one which was not asked lately; "" where none is due."""
    if not is_due(earlier_replies):
        return ""
    recent = " ".join(earlier_replies[-BANK_TURNS:])
    for kind in kinds:
        for question in PRACTICE_QUESTIONS.get(kind.partition(":")[2], ()):
            if question not in recent and len(question.split()) <= max_words:
                return question
    return ""
