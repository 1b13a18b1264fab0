"""Which recognised words may have been misheard, by their probability and by how clearly their sounds are heard."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from celery.exceptions import SoftTimeLimitExceeded

from pipeline.audio.decode import Waveform
from pipeline.errors import BadRequest, ConfigurationError, WaijiaoError, safe_traceback
from pipeline.jobs.results import Transcript, Word
from pipeline.settings import Settings
from pipeline.text.misheard import estimate_misheard
from worker_asr.clearness.meter import ClearnessMeter
from worker_asr.clearness.sounds import split_words
from worker_asr.whisper_model import VariableWindowWhisper

log = logging.getLogger("waijiao")
LANGUAGE = "en"  # whose sounds the probe knows


class MisheardEstimator:
    """Estimates it with the recogniser's own model, if that is Whisper base and the settings want it.

    Where it cannot, words stay as they are, and who reads them has Whisper's probabilities alone.
    """

    def __init__(self, whisper: VariableWindowWhisper, settings: Settings) -> None:
        self.meter: ClearnessMeter | None = None
        if settings.misheard == "sounds":
            try:
                self.meter = ClearnessMeter(whisper)
            except ConfigurationError:
                log.info("WAIJIAO_MISHEARD: the speech model is not Whisper base; words have its probability alone")

    def estimate(self, transcript: Transcript, waveform: Waveform) -> Transcript:
        """The transcript whose words have the probability that they were misheard, if it is in English.

        Whatever goes wrong here is logged, and the learner's turn goes on.
        """
        if self.meter is None or transcript.language != LANGUAGE:
            return transcript
        try:
            return replace(transcript, words=measure(self.meter, transcript.words, waveform))
        except SoftTimeLimitExceeded:
            raise
        except WaijiaoError as error:
            log.info("misheard words are found by their probability alone: %s", error.detail)
        except Exception as error:  # noqa: BLE001 - of numpy, CTranslate2 or hibari
            log.error("misheard words are found by their probability alone: %s", safe_traceback(error))
        return transcript


def measure(meter: ClearnessMeter, words: Sequence[Word], waveform: Waveform) -> tuple[Word, ...]:
    """The recognised words with their probabilities. Raises BadRequest, NoSpeech."""
    clearness = measure_clearness(meter, words, waveform)
    estimates = estimate_misheard([each.word for each in words], [each.probability for each in words], clearness)
    return tuple(replace(word, misheard=round(estimate, 3)) for word, estimate in zip(words, estimates, strict=True))


def measure_clearness(meter: ClearnessMeter, words: Sequence[Word], waveform: Waveform) -> list[float]:
    """For each recognised word the mean log probability of its sounds.

    Raises BadRequest when there is nothing to be measured, or too much for the recording, NoSpeech when nobody speaks.
    """
    parts = [split_words(word.word) for word in words]
    spoken_words = [part for each in parts for part in each]
    if not spoken_words:
        raise BadRequest("No word has sounds.")
    return join_parts(meter.measure_clearness(waveform, spoken_words), [len(each) for each in parts])


def join_parts(clearness: Sequence[float], counts: Sequence[int]) -> list[float]:
    """The mean over the parts of each word, so many of which it has; that over all words where it has none."""
    mean = sum(clearness) / len(clearness)
    iterator = iter(clearness)
    means = []
    for count in counts:
        values = [next(iterator) for _ in range(count)]
        means.append(sum(values) / count if count else mean)
    return means
