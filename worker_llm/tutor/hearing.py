"""How well an utterance was heard, by the recogniser's probabilities, and the question whether it was heard right.

The mean over a sentence tells more than a single word's probability. Measured on 301 recordings of learners who read
known sentences: a mean below MIN_HEARD means that a word was misheard in 76 of 100 cases, and finds 79 of 100 such
sentences; on 40 other learners 96 and 84 of 100.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from pipeline.jobs.results import Feedback, Transcript
from pipeline.text.corrections import WORD
from pipeline.text.sentences import is_last_word
from worker_llm.tutor.start_over import letters_only

MIN_HEARD = 0.80  # mean probability of a sentence's words, below which it is asked about
MIN_PRAISED = 0.90  # below which a sentence is not praised
MIN_WORD = 0.45  # probability below which a word is unclear: marked, and never corrected
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
    """An utterance, and the probability in [0, 1] of each of its words, split at spaces; None: typed, or not measured.

    `is_measured`: all recognised words have a probability.
    """

    text: str
    probabilities: tuple[float | None, ...]
    is_measured: bool = True

    @cached_property
    def words(self) -> list[str]:
        return self.text.split()

    @cached_property
    def sentences(self) -> list[range]:
        """The indices of each sentence's words."""
        ends = [index + 1 for index, word in enumerate(self.words) if is_last_word(word)]
        ends = sorted({*ends, len(self.words)})
        return [range(start, end) for start, end in zip([0, *ends], ends, strict=False) if start < end]

    def mean(self, sentence: range) -> float:
        """The mean probability of a sentence's recognised words; 1 if it has none."""
        values = [value for index in sentence if (value := self.probabilities[index]) is not None]
        return sum(values) / len(values) if values else 1.0

    @cached_property
    def badly_heard(self) -> list[range]:
        return [sentence for sentence in self.sentences if self.mean(sentence) < MIN_HEARD]

    @property
    def is_too_unclear(self) -> bool:
        """Whether so much was heard badly that nothing should be said of the rest."""
        return sum(map(len, self.badly_heard)) > MAX_ASKED_SHARE * len(self.words)

    @property
    def is_praiseworthy(self) -> bool:
        """Whether every sentence was heard so clearly that praise can be no mistake."""
        return self.is_measured and all(self.mean(sentence) >= MIN_PRAISED for sentence in self.sentences)

    @cached_property
    def unclear(self) -> frozenset[int]:
        """The words that may not be corrected: unclear ones, and all of a badly heard sentence."""
        words = {index for index, value in enumerate(self.probabilities) if value is not None and value < MIN_WORD}
        return frozenset(words.union(*self.badly_heard))

    @property
    def unclear_words(self) -> tuple[int, ...]:
        """The same as indices of the words of feedback, where a Chinese character counts as one."""
        starts = find_word_starts(self.words)
        return tuple(word for index in sorted(self.unclear) for word in range(starts[index], starts[index + 1]))


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
    probabilities = match_probabilities(transcript)
    if probabilities is None:
        return Hearing(utterance, unmeasured, is_measured=False)
    return Hearing(utterance, (*probabilities, *unmeasured[len(probabilities) :]))


def match_probabilities(transcript: Transcript) -> tuple[float, ...] | None:
    """For each word of the transcript's text, split at spaces, the least probability of the parts it was heard in.

    None if the recognised words are not those of the text.
    """
    texts = ["".join(word.word.split()) for word in transcript.words]
    if "".join(texts) != "".join(transcript.text.split()):
        return None
    by_character = [
        word.probability for word, text in zip(transcript.words, texts, strict=True) for _ in range(len(text))
    ]
    ends, position = [], 0
    for token in transcript.text.split():
        ends.append((position, position + len(token)))
        position += len(token)
    return tuple(min(by_character[start:end]) for start, end in ends)


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
