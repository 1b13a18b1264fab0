"""What a lesson came to: its turns and what became of them, its learner's mistakes, and what is to be practised."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.errors import NoSpeech
from pipeline.lessons import Turn
from pipeline.words.edits import FREE
from pipeline.words.mistakes import Mistake, UnclearWord, common, unclear
from pipeline.words.reading_aloud import spoken_words

SENTENCES, WORDS = 3, 5  # of a practice list
SENTENCE_CHARS = 80  # characters of a sentence that can be said again
LETTERS = 3  # of a word that is practised alone, at least


@dataclass(frozen=True)
class Failed:
    """A turn that came to nothing: its number, its place in seconds from the lesson's start, its error's code."""

    number: int
    start: float
    end: float
    code: str


@dataclass(frozen=True)
class Figures:
    """A lesson of `seconds`. `turns` counts those still kept, `learner` those of the learner that were recognised.

    `checked` are those of the learner's that were looked at for mistakes: not those in a language that is not taught.
    In `silent` turns nobody spoke, which is no failure. `words`, `mistakes` and `unclear` are the learner's alone;
    `who` in them is the number of a turn.
    """

    seconds: float
    turns: int
    learner: int
    checked: int
    failed: tuple[Failed, ...]
    silent: int
    words: int
    mistakes: tuple[Mistake, ...]
    unclear: tuple[UnclearWord, ...]
    practice: tuple[str, ...]


def figures(seconds: float, turns: Sequence[Turn]) -> Figures:
    """Those of the turns as they stand; of a lesson that is still listened to, those of what was heard so far."""
    learner = [turn for turn in turns if turn.job.question.task == "turn" and turn.text]
    mistakes = common((str(turn.number), turn.job.feedback) for turn in learner if turn.job.feedback)
    unclear_words = unclear((str(turn.number), turn.job.transcript) for turn in learner if turn.job.transcript)
    failed = tuple(_failed(turns))
    return Figures(
        seconds=seconds,
        turns=len(turns),
        learner=len(learner),
        checked=sum(bool(turn.job.feedback and turn.job.feedback.reply) for turn in learner),
        failed=tuple(each for each in failed if each.code != NoSpeech.code),
        silent=sum(each.code == NoSpeech.code for each in failed),
        words=sum(len(spoken_words(turn.text)) for turn in learner),
        mistakes=tuple(mistakes),
        unclear=tuple(unclear_words),
        practice=practice(mistakes, unclear_words),
    )


def practice(mistakes: Iterable[Mistake], unclear: Iterable[UnclearWord]) -> tuple[str, ...]:
    """What to say again: right sentences, of the most frequent mistakes first, then the words least understood.

    A word that is said well more often than not, or too small to be said alone, is left out.
    """
    sentences = (example.corrected for mistake in mistakes for example in mistake.examples[:1])
    short = [text for text in dict.fromkeys(sentences) if len(text) <= SENTENCE_CHARS]
    hard = [each.word for each in unclear if 2 * each.unclear >= each.said]
    alone = [word for word in hard if len(word) >= LETTERS and word not in FREE]
    return (*short[:SENTENCES], *alone[:WORDS])


def _failed(turns: Iterable[Turn]) -> Iterable[Failed]:
    for turn in turns:
        if error := turn.job.error:
            yield Failed(turn.number, turn.start, turn.end, error["code"])
