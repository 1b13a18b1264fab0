"""How clearly a text was read aloud: the words as the recogniser placed them, with the figures of the clearness."""

import logging
from dataclasses import replace

from celery.exceptions import SoftTimeLimitExceeded

from pipeline.audio.decode import Waveform
from pipeline.errors import WaijiaoError, safe_traceback
from pipeline.jobs.results import Figure, Reading, ReadingFluency, ReadWord, Transcript
from pipeline.settings import Settings
from pipeline.text.reading import PlacedWord, align_reading, place_words
from worker_asr.clearness.fluency import Fluency
from worker_asr.clearness.meter import ClearnessMeter, SpokenWord, is_supported
from worker_asr.clearness.rules import Rules, load_rules
from worker_asr.whisper_model import VariableWindowWhisper

log = logging.getLogger("waijiao")
LANGUAGE = "en"  # whose sounds the probe knows


class ReadingMeter:
    """Measures readings with the recogniser's own model. What it needs besides is loaded for the first text."""

    def __init__(self, whisper: VariableWindowWhisper, settings: Settings) -> None:
        self.whisper = whisper
        self.is_on = settings.clearness == "on"
        self.loaded: tuple[ClearnessMeter, Rules] | None = None

    def add_reading(self, transcript: Transcript, waveform: Waveform, text: str) -> Transcript:
        """The transcript with the reading of `text`; as it was where that is off, or cannot be measured.

        Whatever goes wrong here is logged, and the learner's turn goes on.
        """
        if not (text and self.is_on and transcript.language == LANGUAGE):
            return transcript
        try:
            if self.load():
                return replace(transcript, reading=self.measure(transcript, waveform, text))
        except SoftTimeLimitExceeded:
            raise
        except WaijiaoError as error:
            log.warning("a recording goes on without the clearness of its words: %s", error.detail)
        except Exception as error:  # noqa: BLE001 - of numpy, CTranslate2 or hibari
            log.error("a recording goes on without the clearness of its words: %s", safe_traceback(error))
        return transcript

    def load(self) -> bool:
        """Whether clearness can be measured with this model; where it cannot, it is off from now on."""
        if self.loaded is None:
            self.is_on = is_supported(self.whisper)
            if not self.is_on:
                log.warning("WAIJIAO_CLEARNESS: the clearness of words is measured with Whisper base only; it is off")
                return False
            self.loaded = ClearnessMeter(self.whisper), load_rules()
        return True

    def measure(self, transcript: Transcript, waveform: Waveform, text: str) -> Reading | None:
        """The reading of an English text; None where another one was read. Raises BadRequest, NoSpeech."""
        placed_words = place_words(align_reading(transcript.text, text))
        if not placed_words or self.loaded is None:
            return None
        meter, rules = self.loaded
        said_text = " ".join(each.word for each in placed_words if each.is_said)
        spoken_text = meter.measure(waveform, said_text, transcript.words)
        figures = iter(zip(spoken_text.words, rules.mark(spoken_text.words), strict=True))
        words = [
            describe(each, *next(figures)) if each.is_said else ReadWord(each.word, each.state) for each in placed_words
        ]
        return Reading(tuple(words), compare_fluency(spoken_text.fluency, rules))


def describe(placed_word: PlacedWord, spoken_word: SpokenWord, is_marked: bool) -> ReadWord:
    """A word of the text that is marked is not clear, whatever was recognised in its place."""
    is_unclear = is_marked and placed_word.state != "added"
    return ReadWord(
        placed_word.word,
        "not_clear" if is_unclear else placed_word.state,
        spoken_word.start,
        spoken_word.end,
        spoken_word.weakest if is_unclear else "",
        round(spoken_word.clearness, 2),
    )


def compare_fluency(fluency: Fluency, rules: Rules) -> ReadingFluency:
    """The figures, each with the range in which the middle half of the corpus lies."""

    def figure(name: str) -> Figure:
        low, high = rules.ranges[name]
        return Figure(round(getattr(fluency, name), 2), round(low, 2), round(high, 2))

    return ReadingFluency(*map(figure, ("sounds_per_s", "words_per_s", "pauses_per_word", "longest_pause_s")))
