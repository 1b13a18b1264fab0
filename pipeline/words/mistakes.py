"""What many learners have in common: the mistakes they make, and the words of theirs that are hard to understand."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.jobs.results import Edit, Feedback, Transcript, Word
from pipeline.words.quoting import Example, quote
from pipeline.words.reading_aloud import Reading, spoken_words

UNCLEAR = 0.5  # of examples/learners, Whisper base gets two thirds of the words below wrong, and one in seven above
EXAMPLES = 3  # sentences shown of each mistake


@dataclass(frozen=True)
class Mistake:
    """Say `after` instead of `before`: corrected `count` times, in the words of `who`, in order of their first time."""

    before: str
    after: str
    count: int
    who: tuple[str, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class UnclearWord:
    """A word that was said `said` times, `unclear` of them with a probability below UNCLEAR; `probability` is the mean.

    `missed`: how often it was not heard where the text that was to be read has it. `who`: whom either happened to.
    """

    word: str
    unclear: int
    missed: int
    said: int
    probability: float | None
    who: tuple[str, ...]


def common(feedbacks: Iterable[tuple[str, Feedback]]) -> list[Mistake]:
    """All corrections of these learners, by name, the most frequent first, then those of most learners.

    Two are the same mistake when their words are, whatever their case and punctuation.
    """
    made: dict[tuple[str, str], list[tuple[str, Feedback, Edit]]] = defaultdict(list)
    for who, feedback in feedbacks:
        for edit in feedback.edits:
            key = " ".join(spoken_words(edit.before)), " ".join(spoken_words(edit.after))
            if key[0] != key[1]:
                made[key].append((who, feedback, edit))
    return sorted(map(_mistake, made.values()), key=lambda each: (-each.count, -len(each.who), each.before, each.after))


def unclear(
    transcripts: Iterable[tuple[str, Transcript]], readings: Iterable[tuple[str, Reading]] = ()
) -> list[UnclearWord]:
    """The words that were hard to understand, the most frequent first (`unclear` + `missed`), then the least probable.

    `readings`: how these learners read what they were to read aloud, if anything.
    """
    said: dict[str, list[tuple[str, float]]] = defaultdict(list)
    missed: dict[str, list[str]] = defaultdict(list)
    for who, transcript in transcripts:
        for word in transcript.words:
            for each in spoken_words(word.word):
                said[each].append((who, word.probability))
    for who, reading in readings:
        for each in reading.missed:
            missed[each].append(who)
    found = [_unclear(word, said[word], missed[word]) for word in sorted({*said, *missed})]
    hard = [each for each in found if each.unclear or each.missed]
    return sorted(hard, key=lambda each: (-(each.unclear + each.missed), each.probability or 0, each.word))


def is_unclear(word: Word) -> bool:
    return word.probability < UNCLEAR


def _mistake(made: list[tuple[str, Feedback, Edit]]) -> Mistake:
    _, _, first = made[0]
    sentences: dict[tuple[str, str], tuple[str, Feedback, Edit]] = {}
    for each in made:
        sentences.setdefault((each[0], each[1].heard), each)
    examples = tuple(quote(*each) for each in list(sentences.values())[:EXAMPLES])
    return Mistake(first.before, first.after, len(made), tuple(dict.fromkeys(who for who, _, _ in made)), examples)


def _unclear(word: str, said: list[tuple[str, float]], missed: list[str]) -> UnclearWord:
    hard = [who for who, probability in said if probability < UNCLEAR]
    mean = sum(probability for _, probability in said) / len(said) if said else None
    return UnclearWord(word, len(hard), len(missed), len(said), mean, tuple(dict.fromkeys([*hard, *missed])))
