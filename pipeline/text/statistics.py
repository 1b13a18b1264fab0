"""Count what many learners have in common: verdicts, mistakes, the words that were unclear; score a text read aloud.

Only what was checked has mistakes, or none. The words of a learner who may be in danger are in no list.
`source` names whose words something is counted in: a learner of a class, or a turn of a lesson.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.jobs.results import VERDICTS, Edit, Feedback, Transcript, Verdict, Word
from pipeline.text.alignment import AlignedSpan, align
from pipeline.text.corrections import FUNCTION_WORDS, STRAIGHT_QUOTES, WORD, WORD_FAMILIES, Example, quote

# A word's probability below which it is unclear: of 40 real learners, Whisper base gets two thirds of the words below
# wrong, and one in seven above.
CLEAR_PROBABILITY = 0.5
MAX_EXAMPLES = 3  # sentences shown of each mistake
OUTER_PUNCTUATION = re.compile(r"^[\W_]+|[\W_]+$")
DOUBLED_CONSONANTS = "bdglmnprt"  # letters that are doubled before an ending, as in "stopped" and "running"


def count_verdicts(feedbacks: Iterable[Feedback | None]) -> dict[Verdict, int]:
    """How many of these turns have each verdict, with 0 where none has it; a turn without feedback has none."""
    verdicts = [feedback.verdict for feedback in feedbacks if feedback]
    return {verdict: verdicts.count(verdict) for verdict in VERDICTS}


@dataclass(frozen=True)
class Mistake:
    """Say `after` instead of `before`: corrected `count` times, in the words of `sources`, the first one first.

    `kind` and `explanations` are those of the first such edit that has any.
    """

    before: str
    after: str
    count: int
    sources: tuple[str, ...]
    examples: tuple[Example, ...]
    kind: str = ""
    explanations: Mapping[str, str] = field(default_factory=dict, hash=False)


def count_mistakes(feedbacks: Iterable[tuple[str, Feedback]]) -> list[Mistake]:
    """All corrections in these feedbacks, each with its source, the most frequent first, then those of most sources.

    What was not checked has none. Two are the same mistake when their words are, whatever their case and punctuation.
    """
    corrections: dict[tuple[str, str], list[tuple[str, Feedback, Edit]]] = defaultdict(list)
    for source, feedback in feedbacks:
        for edit in feedback.edits if feedback.is_checked else ():
            key = " ".join(normalize_words(edit.before)), " ".join(normalize_words(edit.after))
            if key[0] != key[1]:
                corrections[key].append((source, feedback, edit))
    mistakes = map(_mistake, corrections.values())
    return sorted(mistakes, key=lambda each: (-each.count, -len(each.sources), each.before, each.after))


def _mistake(corrections: list[tuple[str, Feedback, Edit]]) -> Mistake:
    _, _, first = corrections[0]
    by_sentence: dict[tuple[str, str], tuple[str, Feedback, Edit]] = {}
    for source, feedback, edit in corrections:
        by_sentence.setdefault((source, feedback.heard), (source, feedback, edit))
    examples = tuple(quote(*each) for each in list(by_sentence.values())[:MAX_EXAMPLES])
    sources = tuple(dict.fromkeys(source for source, _, _ in corrections))
    explained = next((edit for _, _, edit in corrections if edit.kind or edit.explanations), first)
    return Mistake(
        first.before, first.after, len(corrections), sources, examples, explained.kind, explained.explanations
    )


@dataclass(frozen=True)
class UnclearWord:
    """A word that was said `spoken_count` times, `unclear_count` of them with less than CLEAR_PROBABILITY.

    `missed_count`: how often it was not heard where the text that was to be read has it. `probability`: the mean of all
    times; None if it was never said. `sources`: those of both.
    """

    word: str
    unclear_count: int
    missed_count: int
    spoken_count: int
    probability: float | None
    sources: tuple[str, ...]


def count_unclear_words(
    transcripts: Iterable[tuple[str, Transcript]], readings: Iterable[tuple[str, "ReadingScore"]] = ()
) -> list[UnclearWord]:
    """The words that were hard to understand, the most frequent first (unclear + missed), then the least probable.

    `readings`: how these sources read what they were to read aloud, if anything.
    """
    occurrences: dict[str, list[tuple[str, float]]] = defaultdict(list)
    misses: dict[str, list[str]] = defaultdict(list)
    for source, transcript in transcripts:
        for recognised_word in transcript.words:
            for word in normalize_words(recognised_word.word):
                occurrences[word].append((source, recognised_word.probability))
    for source, reading in readings:
        for word in reading.missed_words:
            misses[word].append(source)
    counts = [_unclear_word(word, occurrences[word], misses[word]) for word in sorted({*occurrences, *misses})]
    unclear = [each for each in counts if each.unclear_count or each.missed_count]
    return sorted(
        unclear, key=lambda each: (-(each.unclear_count + each.missed_count), each.probability or 0, each.word)
    )


def is_unclear(word: Word) -> bool:
    return word.probability < CLEAR_PROBABILITY


def _unclear_word(word: str, occurrences: list[tuple[str, float]], misses: list[str]) -> UnclearWord:
    unclear = [source for source, probability in occurrences if probability < CLEAR_PROBABILITY]
    mean = sum(probability for _, probability in occurrences) / len(occurrences) if occurrences else None
    sources = tuple(dict.fromkeys([*unclear, *misses]))
    return UnclearWord(word, len(unclear), len(misses), len(occurrences), mean, sources)


@dataclass(frozen=True)
class ReadingScore:
    """The `words` of a text, as `normalize_words` has them; those with the indices `missed_at` were not heard.

    Of these, nothing was said in the place of those at `left_out_at`; the others were misread. `added`: words that were
    said between those of the text, each run of them as one.
    """

    words: tuple[str, ...]
    missed_at: tuple[int, ...] = ()
    left_out_at: tuple[int, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def word_count(self) -> int:
        return len(self.words)

    @property
    def read_count(self) -> int:
        return len(self.words) - len(self.missed_at)

    @property
    def missed_words(self) -> tuple[str, ...]:
        return tuple(self.words[index] for index in self.missed_at)

    @property
    def left_out_words(self) -> tuple[str, ...]:
        return tuple(self.words[index] for index in self.left_out_at)

    @property
    def misread_words(self) -> tuple[str, ...]:
        return tuple(self.words[index] for index in self.missed_at if index not in self.left_out_at)

    @property
    def added_words(self) -> tuple[str, ...]:
        return tuple(word for run in self.added for word in normalize_words(run))

    @property
    def accuracy(self) -> float | None:
        """read_count / word_count, in [0, 1]; None where nothing was to be read."""
        return self.read_count / self.word_count if self.words else None


def score_reading(transcript_text: str, text: str) -> ReadingScore:
    """How a text was read aloud: which of its words were heard in the right place, compared by their sounds."""
    words = tuple(normalize_words(text))
    wrong = [span for span in align(transcript_text, " ".join(words)) if not span.sounds_same]
    left_out = [span for span in wrong if not span.hypothesis]
    added_runs = (" ".join(normalize_words(" ".join(span.hypothesis))) for span in wrong if not span.reference)
    return ReadingScore(words, _reference_indices(wrong), _reference_indices(left_out), tuple(filter(None, added_runs)))


def _reference_indices(spans: Iterable[AlignedSpan]) -> tuple[int, ...]:
    return tuple(index for span in spans for index in range(*span.reference_at))


def normalize_words(text: str) -> list[str]:
    """The words of a text as they are counted and compared: no case, no outer punctuation; Chinese by character."""
    words = (OUTER_PUNCTUATION.sub("", word) for word in WORD.findall(text.translate(STRAIGHT_QUOTES)))
    return [word.casefold() for word in words if word]


def find_used_words(target_words: Iterable[str], texts: Iterable[str]) -> tuple[str, ...]:
    """Those of the target words that one of the texts has, in any of their forms; each may be a phrase without a break.

    What a learner said is given by `find_clear_texts`, so that no word counts that was only guessed.
    """
    words_by_text = [normalize_words(text) for text in texts]
    phrases = {target: [_forms(word) for word in normalize_words(target)] for target in target_words}
    return tuple(
        target for target, phrase in phrases.items() if any(_has_phrase(words, phrase) for words in words_by_text)
    )


def find_clear_texts(transcript: Transcript | None, typed_text: str, own_words: str = "") -> list[str]:
    """What was recognised between the unclear words, and what was typed; the whole text if it has no probabilities.

    `own_words`: those of the learner, where they took the place of both.
    """
    if own_words:
        return [own_words]
    if transcript is None or not transcript.words:
        return [transcript.text if transcript else "", typed_text]
    texts, start = [""], 0
    for word in transcript.words:
        end = max(transcript.text.find(word.word, start), start) + len(word.word)
        if is_unclear(word):
            texts.append("")
        else:
            texts[-1] += transcript.text[start:end]
        start = end
    return [*texts, typed_text]


def _has_phrase(words: list[str], phrase: list[set[str]]) -> bool:
    """Whether the phrase, of which each word is given in all its forms, stands in `words`."""
    starts = range(len(words) - len(phrase) + 1) if phrase else ()
    return any(all(words[start + n] in forms for n, forms in enumerate(phrase)) for start in starts)


def _forms(word: str) -> set[str]:
    """A word with the regular endings of English, and its irregular forms as far as WORD_FAMILIES has them."""
    forms = {word, *(word + ending for ending in ("s", "es", "'s", "ed", "ing"))}
    if word.endswith("e"):
        forms |= {word + "d", word[:-1] + "ing"}
    if word.endswith("y"):
        forms |= {word[:-1] + "ies", word[:-1] + "ied"}
    if word.endswith(tuple(DOUBLED_CONSONANTS)):
        forms |= {word + word[-1] + "ed", word + word[-1] + "ing"}
    return forms.union(*(family for family in WORD_FAMILIES if word in family and not family & FUNCTION_WORDS))
