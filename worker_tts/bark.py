"""The engine "bark": Suno's Bark through transformers, in 13 languages, on a GPU or, slowly, on a CPU."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from pipeline.audio.decode import Sound
from pipeline.errors import EngineFailed, NothingToSay, OutOfMemory, UnknownVoice, WaijiaoError, wordless
from pipeline.settings import Settings
from worker_tts.bark_loading import load
from worker_tts.bark_stages import Row, Stages
from worker_tts.bark_voices import Voices
from worker_tts.engine import Line
from worker_tts.languages import SCRIPTS, parts
from worker_tts.pace import paced
from worker_tts.sentences import join
from worker_tts.wording import speakable

SILENT = 0.01  # of full scale: chance may end a sentence before it begins; such a part is tried once more
PAUSE_S = 0.1  # seconds between two parts of a line
WARM = Line("I am William.")

log = logging.getLogger(__name__)


class Bark:
    """A Voice. Parts of all lines are spoken together, `tts_batch` at a time, each as it would be alone.

    A line in two languages is cut into parts of one language, each spoken by its own voice; a long one is cut
    where Bark, which can say 13 seconds at once, would lose its thread.
    """

    def __init__(self, model: Path, settings: Settings) -> None:
        """Raises ConfigurationError, ModelMissing or ModelDamaged."""
        loaded = load(model, settings)
        self.catalogue = Voices(settings)
        self.voices = self.catalogue.names
        self.tokenizer, self.batch = loaded.tokenizer, settings.tts_batch
        self.stages = Stages(loaded.model, loaded.manner)
        if loaded.model.device.type == "cuda":
            self.speak([WARM])  # its kernels are loaded at their first use; a CPU would only lose a minute

    def speak(self, lines: list[Line]) -> list[Sound | WaijiaoError]:
        planned = [self.plan(line) for line in lines]
        spoken = iter(self.sounds([row for rows in planned if not isinstance(rows, WaijiaoError) for row in rows]))
        return [
            rows if isinstance(rows, WaijiaoError) else whole([next(spoken) for _ in rows], line.speed)
            for line, rows in zip(lines, planned, strict=True)
        ]

    def plan(self, line: Line) -> list[Row] | WaijiaoError:
        """The line's parts, or why it cannot be spoken."""
        try:
            pieces = parts(speakable(line.text, SCRIPTS), line.language)
            rows = [Row(self.tokens(text), self.catalogue.of(line.voice, spoken), line.seed) for spoken, text in pieces]
        except UnknownVoice as error:
            return error
        return rows or NothingToSay()

    def tokens(self, text: str) -> list[int]:
        """BERT's tokens, of which there are never more than characters, so that no part has more than Bark reads."""
        return list(self.tokenizer(text, add_special_tokens=False).input_ids)

    def sounds(self, rows: Sequence[Row]) -> list[Sound | WaijiaoError]:
        """Each part as a sound. What came out silent is spoken once more, by another chance, and then given up."""
        spoken = self.attempt(rows)
        silent = [place for place, sound in enumerate(spoken) if isinstance(sound, Sound) and not audible(sound)]
        again = self.attempt([replace(rows[place], seed=rows[place].seed + 1) for place in silent])
        for place, sound in zip(silent, again, strict=True):
            spoken[place] = sound if isinstance(sound, WaijiaoError) or audible(sound) else failed("said nothing twice")
        return spoken

    def attempt(self, rows: Sequence[Row]) -> list[Sound | WaijiaoError]:
        batches = [rows[start : start + self.batch] for start in range(0, len(rows), self.batch)]
        return [sound for batch in batches for sound in self.together(batch)]

    def together(self, rows: Sequence[Row]) -> list[Sound | WaijiaoError]:
        """One batch. When the GPU's memory is too small for it, none of its parts is spoken."""
        try:
            return [self.sound(samples) for samples in self.stages.speak(rows)]
        except torch.OutOfMemoryError as error:
            log.error("Bark ran out of memory on %d parts: %s", len(rows), wordless(error))
        torch.cuda.empty_cache()  # only here, where the error no longer holds what was computed
        return [OutOfMemory() for _ in rows]

    def sound(self, samples: np.ndarray | None) -> Sound | WaijiaoError:
        if samples is None or not np.isfinite(samples).all():
            return failed("computed something that is no number")
        return Sound(np.clip(samples, -1, 1), self.stages.rate)


def failed(how: str) -> EngineFailed:
    log.error("Bark %s", how)
    return EngineFailed()


def audible(sound: Sound) -> bool:
    return bool(np.abs(sound.samples).max(initial=0) >= SILENT)


def whole(spoken: list[Sound | WaijiaoError], speed: float) -> Sound | WaijiaoError:
    """A line's parts as one sound, or what is wrong with the first that has none."""
    sounds = []
    for sound in spoken:
        if isinstance(sound, WaijiaoError):
            return sound
        sounds.append(sound)
    return paced(sounds[0] if len(sounds) == 1 else join(sounds, PAUSE_S), speed)
