"""The engine "bark": Suno's Bark through transformers, in 13 languages, on a GPU or, slowly, on a CPU."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from pipeline.audio.decode import Waveform
from pipeline.errors import EngineFailed, NothingToSay, OutOfMemory, UnknownVoice, WaijiaoError, safe_traceback
from pipeline.settings import Settings
from worker_tts.bark.generate import BarkGenerator, TextPart
from worker_tts.bark.loading import load_bark
from worker_tts.bark.time_stretch import change_speed
from worker_tts.bark.voices import VoiceCatalogue
from worker_tts.engine import Utterance
from worker_tts.sentences import join_waveforms
from worker_tts.text_cleaning import SCRIPTS, clean_text, split_by_language

MIN_PEAK = 0.01  # of full scale: by chance a sentence may end before it begins; such a part is generated once more
PAUSE_S = 0.1  # seconds between two parts of an utterance
WARM_UP = Utterance("I am William.")

log = logging.getLogger(__name__)


class Bark:
    """A TextToSpeech. Parts of all utterances are generated in batches of `tts_batch`, each as it would be alone.

    An utterance in two languages is split into parts of one language, each spoken by its own voice; a long one is
    split where Bark, which can speak 13 seconds at once, would lose the thread.
    """

    def __init__(self, model: Path, settings: Settings) -> None:
        """Raises ConfigurationError, ModelMissing or ModelDamaged."""
        bark = load_bark(model, settings)
        self.catalogue = VoiceCatalogue(settings)
        self.voices = self.catalogue.names
        self.tokenizer, self.batch = bark.tokenizer, settings.tts_batch
        self.generator = BarkGenerator(bark.model, bark.generation_config)
        if bark.model.device.type == "cuda":
            self.speak([WARM_UP])  # loads the kernels, which happens at their first use; a CPU would lose a minute

    def speak(self, utterances: list[Utterance]) -> list[Waveform | WaijiaoError]:
        plans = [self.plan(utterance) for utterance in utterances]
        parts = [part for plan in plans if not isinstance(plan, WaijiaoError) for part in plan]
        waveforms = iter(self.generate(parts))
        return [
            plan if isinstance(plan, WaijiaoError) else join_parts([next(waveforms) for _ in plan], utterance.speed)
            for utterance, plan in zip(utterances, plans, strict=True)
        ]

    def plan(self, utterance: Utterance) -> list[TextPart] | WaijiaoError:
        """The utterance's parts, or why it cannot be spoken."""
        pieces = split_by_language(clean_text(utterance.text, SCRIPTS), utterance.language)
        try:
            parts = [
                TextPart(self.tokenize(text), self.catalogue.find_prompt(utterance.voice, language), utterance.seed)
                for language, text in pieces
            ]
        except UnknownVoice as error:
            return error
        return parts or NothingToSay()

    def tokenize(self, text: str) -> list[int]:
        """BERT's tokens, never more than the text has characters, so that no part has more than Bark accepts."""
        return list(self.tokenizer(text, add_special_tokens=False).input_ids)

    def generate(self, parts: Sequence[TextPart]) -> list[Waveform | WaijiaoError]:
        """Each part's waveform. One that came out silent is generated once more with another seed, then given up."""
        results = self.generate_once(parts)
        silent = [index for index, result in enumerate(results) if isinstance(result, Waveform) and is_silent(result)]
        retries = self.generate_once([replace(parts[index], seed=parts[index].seed + 1) for index in silent])
        for index, result in zip(silent, retries, strict=True):
            if isinstance(result, Waveform) and is_silent(result):
                result = engine_failed("generated silence twice")
            results[index] = result
        return results

    def generate_once(self, parts: Sequence[TextPart]) -> list[Waveform | WaijiaoError]:
        batches = [parts[start : start + self.batch] for start in range(0, len(parts), self.batch)]
        return [result for batch in batches for result in self.generate_batch(batch)]

    def generate_batch(self, parts: Sequence[TextPart]) -> list[Waveform | WaijiaoError]:
        """One batch. When the GPU's memory is too small for it, all of its parts fail."""
        try:
            return [self.to_waveform(samples) for samples in self.generator.generate(parts)]
        except torch.OutOfMemoryError as error:
            log.error("Bark ran out of memory on %d parts: %s", len(parts), safe_traceback(error))
        torch.cuda.empty_cache()  # only here, where the error no longer refers to what was computed
        return [OutOfMemory() for _ in parts]

    def to_waveform(self, samples: np.ndarray | None) -> Waveform | WaijiaoError:
        if samples is None or not np.isfinite(samples).all():
            return engine_failed("computed NaN or infinity")
        return Waveform(np.clip(samples, -1, 1), self.generator.rate)


def engine_failed(reason: str) -> EngineFailed:
    log.error("Bark %s", reason)
    return EngineFailed()


def is_silent(waveform: Waveform) -> bool:
    return bool(np.abs(waveform.samples).max(initial=0) < MIN_PEAK)


def join_parts(results: list[Waveform | WaijiaoError], speed: float) -> Waveform | WaijiaoError:
    """An utterance's parts as one waveform, or the error of the first part that has none."""
    waveforms = []
    for result in results:
        if isinstance(result, WaijiaoError):
            return result
        waveforms.append(result)
    return change_speed(waveforms[0] if len(waveforms) == 1 else join_waveforms(waveforms, PAUSE_S), speed)
