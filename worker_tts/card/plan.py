"""What a lesson card says: which stretches of the recording, which better sentences, and which words of praise.

Nothing is said that is not known. A card says no better sentence that the answer does not say: where the answer keeps
private details to itself, or the teacher has taken a sentence out, so does the card.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.jobs.job import Job
from pipeline.jobs.results import CHECKED_VERDICTS, Edit, Feedback, NoCardReason, Word
from pipeline.levels import choose_explained, find_focus, find_level
from pipeline.text.corrections import MAX_EXPLAINED_WORDS, WORD, quote, sentence_around
from pipeline.text.sentences import is_last_word

MAX_SENTENCES = 3  # that are put right in a card
MAX_OWN_WORDS_S = 30.0  # seconds of the learner's own words that are heard where nothing is to be corrected
MIN_KEPT_SHARE = 0.5  # of the words, from which on it is said how many of them stay as they are
MARGIN_S = 0.2  # seconds at most that are heard before a stretch's first word and after its last


@dataclass(frozen=True)
class Stretch:
    """A stretch of a recording, in seconds from its start."""

    start_s: float
    end_s: float


@dataclass(frozen=True)
class PlannedSentence:
    """A stretch of the learner's own words, and the better sentence; "" where nothing is to be corrected."""

    own_words: Stretch
    better: str = ""


@dataclass(frozen=True)
class CardPlan:
    """The sentences in their order, and the praise by language."""

    sentences: tuple[PlannedSentence, ...]
    praise: dict[str, str]


def plan_card(job: Job) -> CardPlan | NoCardReason:
    """What the card of a job says, or why there is none."""
    feedback, transcript = job.feedback, job.transcript
    if feedback is None or feedback.verdict not in CHECKED_VERDICTS:
        return "verdict"
    if transcript is None or not job.request.recording:
        return "no_recording"
    places = find_word_places(transcript.words, feedback.heard)
    if not places:
        return "no_word_times"
    if feedback.verdict == "correct":
        own_words = take_first_words(transcript.words, feedback.heard, places)
        return CardPlan((PlannedSentence(own_words),), praise_correct())
    sentences = plan_better_sentences(job, feedback, transcript.words, places)
    if isinstance(sentences, str):
        return sentences
    return CardPlan(sentences, praise_corrected(feedback))


# --- the learner's own words


def find_word_places(words: Sequence[Word], heard: str) -> list[int]:
    """For each word of `heard`, as WORD counts them, the index of the word of the transcript in which it begins.

    Typed text may follow what was recognised: its words have no place, so the list is shorter. Empty where `heard` does
    not begin with the words of the transcript.
    """
    letters_of_words = [(index, letter) for index, word in enumerate(words) for letter in to_letters(word.word)]
    heard_words = WORD.findall(heard)
    letters_of_heard = [letter for word in heard_words for letter in to_letters(word)]
    if not letters_of_words or [letter for _, letter in letters_of_words] != letters_of_heard[: len(letters_of_words)]:
        return []
    places: list[int] = []
    position = 0
    for word in heard_words:
        if position >= len(letters_of_words):
            break
        places.append(letters_of_words[position][0])
        position += len(to_letters(word))
    return places


def to_letters(text: str) -> str:
    """Letters and digits alone, in lower case: what is compared."""
    return "".join(filter(str.isalnum, text.casefold()))


def find_stretch(words: Sequence[Word], first: int, last: int) -> Stretch:
    """The stretch with the words from `first` to `last` and a margin, but nothing of the words around them.

    Of a pause it has at most half, so that no neighbour is heard that the recogniser has placed a little too late.
    """
    start, end = words[first].start, words[last].end
    pause_before = start - words[first - 1].end if first else start
    pause_after = words[last + 1].start - end if last + 1 < len(words) else 2 * MARGIN_S
    return Stretch(start - margin_in(pause_before), end + margin_in(pause_after))


def margin_in(pause_s: float) -> float:
    return max(0.0, min(MARGIN_S, pause_s / 2))


def take_first_words(words: Sequence[Word], heard: str, places: Sequence[int]) -> Stretch:
    """The whole recording's words, or of a long one its first sentences, as many as MAX_OWN_WORDS_S allows."""
    limit_s = words[0].start + MAX_OWN_WORDS_S
    within = [place for place in places if words[place].end <= limit_s] or [0]
    ends = [
        place
        for place, word in zip(places, WORD.findall(heard), strict=False)
        if is_last_word(word) and words[place].end <= limit_s
    ]
    last = within[-1] if within[-1] == places[-1] or not ends else ends[-1]
    return find_stretch(words, 0, last)


# --- the better sentences


def plan_better_sentences(
    job: Job, feedback: Feedback, words: Sequence[Word], places: Sequence[int]
) -> tuple[PlannedSentence, ...] | NoCardReason:
    """The first sentences with explained corrections, at most MAX_SENTENCES; or why there are none."""
    heard_words, said_letters = WORD.findall(feedback.heard), to_letters(feedback.spoken)
    sentences: dict[tuple[int, int], PlannedSentence] = {}
    has_better = False
    for edit in choose_edits(job, feedback):
        first, end = at = sentence_around(heard_words, edit.at)
        better = quote("", feedback, edit).corrected
        if at in sentences or len(sentences) == MAX_SENTENCES or end > len(places) or first == end:
            continue
        has_better = True
        if to_letters(better) in said_letters:
            sentences[at] = PlannedSentence(find_stretch(words, places[first], last_place(words, places, end)), better)
    if sentences:
        return tuple(sentences.values())
    return "not_repeated" if has_better else "no_word_times"


def last_place(words: Sequence[Word], places: Sequence[int], end: int) -> int:
    """The index of the transcript's last word before the word `end` of what was heard."""
    return max(places[end - 1], places[end] - 1) if end < len(places) else len(words) - 1


def choose_edits(job: Job, feedback: Feedback) -> list[Edit]:
    """The edits that the answer explains; of a text that was read aloud, where none is explained, the first ones."""
    details = job.request.details
    focus = find_focus(f"{details.get('title', '')} {details.get('instructions', '')}")
    short = [
        edit for edit in feedback.edits if max(len(edit.before.split()), len(edit.after.split())) <= MAX_EXPLAINED_WORDS
    ]
    return choose_explained(short, find_level(details.get("level", "")), focus)


# --- praise, from nothing but what is known


def praise_correct() -> dict[str, str]:
    return {
        "en": "Well done. Every sentence was checked, and nothing had to be changed.",
        "zh": "很好！每一句都检查过了，没有要改的地方。",
    }


def praise_corrected(feedback: Feedback) -> dict[str, str]:
    """How many of the learner's words stay as they are, if it is most of them; else thanks."""
    count = len(WORD.findall(feedback.heard))
    kept_count = count - sum(edit.at[1] - edit.at[0] for edit in feedback.edits)
    if kept_count < MIN_KEPT_SHARE * count:
        return {"en": "Thank you for speaking English with me.", "zh": "谢谢你和我说英语。"}
    if kept_count == count:
        return {"en": "Good work. All of your words stay as they are.", "zh": "很好！你说的词都不用改。"}
    return {
        "en": f"Good work. {kept_count} of your {count} words stay as they are.",
        "zh": f"很好！你说了{count}个词，其中{kept_count}个不用改。",
    }
