"""What a learner says again after a correction, and where its first version is in the recording."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.jobs.job import Job
from pipeline.jobs.results import Feedback, ReadWord, Word
from pipeline.text.alignment import OUTER_PUNCTUATION
from pipeline.text.corrections import WORD, DiffSpan, compare
from pipeline.text.sentences import is_last_word

MAX_WORDS = 25  # of the sentences that are said again at once; one sentence is never cut


@dataclass(frozen=True)
class PracticeSentence:
    """The better sentence `text`, or a few of them, and `heard`, the learner's words in their place.

    `start` and `end` are where those are in the learner's recording, in seconds; None where that is not known. `read`:
    how its words were read aloud in that recording, where their clearness was measured; else none.
    """

    text: str
    heard: str
    start: float | None = None
    end: float | None = None
    read: tuple[ReadWord, ...] = ()


@dataclass(frozen=True)
class _BetterSentence:
    """Its words, the first of the learner's words in their place and one after the last, and whether it was changed.

    `read`: how its words were read aloud, as of a PracticeSentence.
    """

    words: tuple[str, ...]
    heard_at: tuple[int, int]
    is_changed: bool
    read: tuple[ReadWord, ...] = ()

    @property
    def has_unclear_words(self) -> bool:
        """Whether a word of it is worth listening to again."""
        return any(each.state == "not_clear" for each in self.read)


def find_sentence(job: Job) -> PracticeSentence | None:
    """What can be said again after this job: what was corrected, and of a text that was read aloud what was not clear.

    None where there is neither, or the answer is not ready yet.
    """
    feedback, is_answered = job.feedback, job.request.task == "teach" and job.ended_at is not None
    if not (is_answered and feedback and feedback.is_checked):
        return None
    is_corrected = feedback.verdict == "corrected" and bool(feedback.edits)
    read_words = find_read_words(job, feedback)
    if not (is_corrected or any(each.state == "not_clear" for each in read_words.values())):
        return None
    candidates = add_read_words(split_sentences(feedback), read_words)
    sentences = choose_sentences(
        [each for each in candidates if (is_corrected and each.is_changed) or each.has_unclear_words]
    )
    if not sentences:
        return None
    first, last = sentences[0].heard_at[0], sentences[-1].heard_at[1]
    heard_words = WORD.findall(feedback.heard)
    start, end = find_times(job, heard_words, first, last)
    return PracticeSentence(
        text=" ".join(word for each in sentences for word in each.words),
        heard=" ".join(heard_words[first:last]),
        start=start,
        end=end,
        read=tuple(word for each in sentences for word in each.read),
    )


def find_read_words(job: Job, feedback: Feedback) -> dict[int, ReadWord]:
    """How the words of the corrected text were read aloud, by their numbers in it.

    None where that was not measured, or a teacher has changed the text.
    """
    reading = job.transcript.reading if job.transcript else None
    read_words = [each for each in reading.words if each.state != "added"] if reading else []
    bare_words = (OUTER_PUNCTUATION.sub("", word) for word in WORD.findall(feedback.corrected))
    words = {at: word for at, word in enumerate(bare_words) if word}
    if [*words.values()] != [each.word for each in read_words]:
        return {}
    return dict(zip(words, read_words, strict=True))


def add_read_words(
    sentences: Sequence[_BetterSentence], read_words: Mapping[int, ReadWord]
) -> Iterator[_BetterSentence]:
    """The sentences, each with its own words of `read_words`, which are numbered through all of them."""
    start = 0
    for sentence in sentences:
        end = start + len(sentence.words)
        yield replace(sentence, read=tuple(read_words[at] for at in range(start, end) if at in read_words))
        start = end


def split_sentences(feedback: Feedback) -> list[_BetterSentence]:
    """The sentences of the corrected text."""
    heard_words = WORD.findall(feedback.heard)
    sentences: list[_BetterSentence] = []
    words: list[str] = []
    start, position, is_changed = 0, 0, False
    for span in compare(feedback.heard, feedback.corrected):
        for word, heard_end, is_same in _words_of(span):
            words.append(word)
            position, is_changed = heard_end, is_changed or not is_same
            if is_last_word(word):
                sentences.append(_BetterSentence(tuple(words), (start, position), is_changed))
                words, start, is_changed = [], position, False
        if span.after:
            continue
        position = span.at[1]  # after words that the better sentence leaves out
        if not words and sentences and not is_last_word(heard_words[span.at[0] - 1]):
            last, start = sentences.pop(), position
            sentences.append(_BetterSentence(last.words, (last.heard_at[0], position), True))
        else:
            is_changed = True
    if words:
        sentences.append(_BetterSentence(tuple(words), (start, position), is_changed))
    return sentences


def _words_of(span: DiffSpan) -> list[tuple[str, int, bool]]:
    """Each better word, how many of the learner's words are over with it, and whether it is the same."""
    start, end = span.at
    count = len(span.after)
    return [
        (word, end if number == count else min(end, start + number), span.is_unchanged)
        for number, word in enumerate(span.after, 1)
    ]


def choose_sentences(sentences: Sequence[_BetterSentence]) -> list[_BetterSentence]:
    """As many of the first ones as have MAX_WORDS words together, but one at least."""
    first_ones: list[_BetterSentence] = []
    for sentence in sentences:
        if first_ones and sum(len(each.words) for each in (*first_ones, sentence)) > MAX_WORDS:
            break
        first_ones.append(sentence)
    return first_ones


def find_times(job: Job, heard_words: Sequence[str], first: int, last: int) -> tuple[float | None, float | None]:
    """Where the words from `first` to before `last` are in the recording, in seconds.

    None and None where the recogniser's words are not the learner's, such as those that were typed.
    """
    transcript_words: Sequence[Word] = job.transcript.words if job.transcript else ()
    if first >= last or [each.word.strip() for each in transcript_words] != list(heard_words):
        return None, None
    return transcript_words[first].start, transcript_words[last - 1].end
