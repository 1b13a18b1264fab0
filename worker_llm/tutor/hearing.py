"""How well an utterance was heard, by the probability that its words were misheard, and the question whether they were.

A sentence is asked about when it is likely that one of its words was misheard, and praised only when that is unlikely.
`python -m benchmarks.misheard` shows how often this is right; see docs/decisions/0022-misheard-words.md.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline.jobs.results import Feedback, Transcript, Word
from pipeline.text.corrections import WORD
from pipeline.text.misheard import any_misheard, estimate_misheard
from pipeline.text.sentences import find_sentences
from worker_llm.tutor.start_over import letters_only

MIN_ASKED = 0.65  # probability that one of a sentence's words was misheard, from which it is asked about
MIN_ASKED_MEAN = 0.1  # of its words' probabilities; in a long sentence one may be wrong without being asked about
MAX_PRAISED = 0.35  # above which a sentence is not praised
MIN_UNCLEAR = 0.62  # probability from which a word is unclear: marked, and never corrected
MAX_ASKED_SHARE = 0.5  # of the words; if more stand in badly heard sentences, all are asked about
MAX_QUOTED_CHARS = 160  # of what was heard, said back to the learner

SAY_AGAIN = "I did not hear you well. Please say it again, slowly and clearly."
SAY_AGAIN_AFTER_NO = "Thank you for telling me. Please say it again, slowly and clearly."
YES_PHRASES = """
yes, yeah, yep, yup, yes it is, yes that is right, yes thats right, thats right, that is right, yes right, right,
correct, yes correct, yes you are right, you are right, yes i did, yes please, yes teacher, sure, ok, okay,
是, 是的, 对, 对的, 对啊, 没错, 嗯, 是这样, 好
"""
NO_PHRASES = """
no, nope, no it is not, no its not, no it isnt, no that is not right, no thats not right, no thats wrong, thats wrong,
no wrong, wrong, not right, no teacher, no i didnt, no sorry, it is not right, no it is wrong, no you are wrong,
不, 不是, 不对, 不是的, 错了, 不对的, 没有, 不是这样
"""


def _phrases(text: str) -> frozenset[str]:
    return frozenset(letters_only(phrase) for phrase in text.split(","))


YES, NO = _phrases(YES_PHRASES), _phrases(NO_PHRASES)


def is_yes(text: str) -> bool:
    return letters_only(text) in YES


def is_no(text: str) -> bool:
    return letters_only(text) in NO


@dataclass(frozen=True)
class Hearing:
    """An utterance, and the probability in [0, 1] that each of its words, split at spaces, was misheard.

    None: the word was typed, or nothing is known of it. `is_measured`: something is known of all recognised words.
    """

    text: str
    misheard: tuple[float | None, ...]
    is_measured: bool = True

    @cached_property
    def words(self) -> list[str]:
        return self.text.split()

    @cached_property
    def sentences(self) -> list[range]:
        """The indices of each sentence's words."""
        return find_sentences(self.words)

    def misheard_in(self, sentence: range) -> list[float]:
        """The probabilities of the sentence's recognised words."""
        return [value for index in sentence if (value := self.misheard[index]) is not None]

    @cached_property
    def badly_heard(self) -> list[range]:
        return [sentence for sentence in self.sentences if is_badly_heard(self.misheard_in(sentence))]

    @property
    def is_too_unclear(self) -> bool:
        """Whether so much was heard badly that nothing should be said of the rest."""
        return sum(map(len, self.badly_heard)) > MAX_ASKED_SHARE * len(self.words)

    @property
    def is_praiseworthy(self) -> bool:
        """Whether every sentence was heard so clearly that praise can be no mistake."""
        return self.is_measured and all(
            any_misheard(self.misheard_in(sentence)) <= MAX_PRAISED for sentence in self.sentences
        )

    @cached_property
    def unclear(self) -> frozenset[int]:
        """The words that may not be corrected: unclear ones, and all of a badly heard sentence."""
        words = {index for index, value in enumerate(self.misheard) if value is not None and value >= MIN_UNCLEAR}
        return frozenset(words.union(*self.badly_heard))

    @property
    def unclear_words(self) -> tuple[int, ...]:
        """The same as indices of the words of feedback, where a Chinese character counts as one."""
        starts = find_word_starts(self.words)
        return tuple(word for index in sorted(self.unclear) for word in range(starts[index], starts[index + 1]))


def is_badly_heard(misheard: Sequence[float]) -> bool:
    """Whether a sentence whose words have these probabilities is asked about."""
    if not misheard or sum(misheard) < MIN_ASKED_MEAN * len(misheard):
        return False
    return any_misheard(misheard) >= MIN_ASKED


def find_word_starts(words: list[str]) -> list[int]:
    """For each word that stands between spaces, and the end, its index among the words of feedback."""
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(WORD.findall(word)))
    return starts


def listen(utterance: str, transcript: Transcript | None, is_recognised: bool) -> Hearing:
    """`utterance` begins with the transcript's text if it `is_recognised`; what follows was typed."""
    unmeasured: tuple[float | None, ...] = (None,) * len(utterance.split())
    if not is_recognised or transcript is None or not transcript.text.strip():
        return Hearing(utterance, unmeasured)
    misheard = match_misheard(transcript)
    if misheard is None:
        return Hearing(utterance, unmeasured, is_measured=False)
    return Hearing(utterance, (*misheard, *unmeasured[len(misheard) :]))


def match_misheard(transcript: Transcript) -> tuple[float, ...] | None:
    """For each word of the transcript's text, split at spaces, the greatest value of the parts it was heard in.

    None if the recognised words are not those of the text.
    """
    texts = ["".join(word.word.split()) for word in transcript.words]
    if "".join(texts) != "".join(transcript.text.split()):
        return None
    by_character = [
        value for value, text in zip(misheard_of(transcript.words), texts, strict=True) for _ in range(len(text))
    ]
    ends, position = [], 0
    for token in transcript.text.split():
        ends.append((position, position + len(token)))
        position += len(token)
    return tuple(max(by_character[start:end]) for start, end in ends)


def misheard_of(words: Sequence[Word]) -> list[float]:
    """The recogniser's estimates, or those by its words' probabilities where it has none."""
    estimates = [word.misheard for word in words if word.misheard is not None]
    if len(estimates) == len(words):
        return estimates
    return estimate_misheard([word.word for word in words], [word.probability for word in words])


def ask_whether_heard_right(hearing: Hearing, is_speakable: bool) -> Feedback:
    """`is_speakable`: the words may be said back."""
    quotation = " ".join(" ".join(hearing.words[index] for index in sentence) for sentence in hearing.badly_heard)
    can_quote = is_speakable and len(quotation) <= MAX_QUOTED_CHARS
    mark = "" if re.search(r"[.!?]$", quotation) else "."
    answer = f"I heard: {quotation}{mark} Is that right?" if can_quote else SAY_AGAIN
    return Feedback(
        hearing.text,
        corrected=hearing.text,
        reply=answer,
        spoken=answer,
        verdict="not_heard_well",
        unclear=hearing.unclear_words,
    )


def ask_to_say_again(utterance: str) -> Feedback:
    """After the learner said that it was heard wrong."""
    return Feedback(utterance, corrected=utterance, reply=SAY_AGAIN_AFTER_NO, spoken=SAY_AGAIN_AFTER_NO)
