"""How probable Whisper finds the words of a given text in a recording, and how probable in silence."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from faster_whisper.tokenizer import Tokenizer

from worker_asr.whisper_model import VariableWindowWhisper

MAX_TOKENS = 400  # of Whisper's 448; what comes after them in a window has no probability
SILENT_FRAMES = 1500  # frames of 10 ms of the silence with which texts are compared
SILENCE_SAMPLES = 16_000
LOWEST = 1e-12  # probability


class ForcedScore(NamedTuple):
    """The mean log probability of a word's tokens, in the recording and in silence, and how many these are."""

    recording: float
    silence: float
    tokens: int


class ForcedDecoder:
    """Runs Whisper's decoder over a text that is given, instead of one that it finds."""

    def __init__(self, whisper: VariableWindowWhisper) -> None:
        self.whisper = whisper
        self.tokenizer = Tokenizer(whisper.hf_tokenizer, True, task="transcribe", language="en")
        silence = whisper.feature_extractor(np.zeros(SILENCE_SAMPLES, np.float32))
        whisper.frames = SILENT_FRAMES
        self.silence = whisper.encode(np.pad(silence, ((0, 0), (0, SILENT_FRAMES - silence.shape[1]))))

    def score(self, encoding: Any, words: Sequence[str], frames: int) -> list[ForcedScore]:
        """For each word what the decoder finds in `encoding`, `frames` frames of 10 ms of which are of the recording.

        The log probabilities are NaN for words that the decoder has no room for.
        """
        tokens = [self.whisper.hf_tokenizer.encode(" " + word, add_special_tokens=False).ids for word in words]
        counts = [len(each) for each in tokens]
        ends = np.cumsum(counts)
        room = int(np.searchsorted(ends, MAX_TOKENS, side="right"))
        logs = np.full((len(words), 2), np.nan)
        if room:
            line = [token for each in tokens[:room] for token in each]
            starts = np.concatenate([[0], ends[: room - 1]])
            for column, (source, length) in enumerate(((encoding, frames), (self.silence, SILENT_FRAMES // 2))):
                (alignment,) = self.whisper.model.align(source, self.tokenizer.sot_sequence, [line], length)
                token_logs = np.log(np.maximum(alignment.text_token_probs, LOWEST))
                logs[:room, column] = np.add.reduceat(token_logs[: len(line)], starts) / counts[:room]
        return [
            ForcedScore(float(in_recording), float(in_silence), count)
            for (in_recording, in_silence), count in zip(logs, counts, strict=True)
        ]
