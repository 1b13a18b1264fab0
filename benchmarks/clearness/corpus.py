"""What the probe learns from: recordings of speechocean762's training half as frames of Whisper base's encoder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.audio.decode import decode, resample
from worker_asr.clearness.forced import MAX_TOKENS
from worker_asr.clearness.meter import FRAME_SAMPLES, encode_window
from worker_asr.clearness.probe import CLASSES
from worker_asr.clearness.sounds import Reader, split_words
from worker_asr.vad import SAMPLE_RATE
from worker_asr.whisper_model import VariableWindowWhisper

MAX_RECORDING_S = 30.0
QUIET_SHARE = 0.25  # of the range from a recording's quiet to its loud frames, in dB, below which a frame is quiet


@dataclass(frozen=True)
class Utterance:
    """A sentence that was read aloud; `identifier` begins with the speaker's."""

    identifier: str
    file: Path
    text: str

    @property
    def speaker(self) -> str:
        return speaker_of(self.identifier)


@dataclass(frozen=True)
class Example:
    """The frames of an utterance, and what is known of them before anything was learned.

    `quiet` [frames]: whether a frame is too quiet for speech. `word_frames` [words, 2]: the first and the last frame of
    each word by Whisper's attention, which is rough. `ways`: the ways to say each word, as numbers of CLASSES.
    """

    frames: np.ndarray  # [frames, WIDTH], half precision
    quiet: np.ndarray
    word_frames: np.ndarray
    ways: list[list[tuple[int, ...]]]


def speaker_of(identifier: str) -> str:
    """The corpus numbers a speaker's sentences with four digits after the speaker's own."""
    return identifier[:-4] or identifier


def read_corpus(folder: Path, left_out: set[str]) -> list[Utterance]:
    """The training half without the speakers that are left out; raises FileNotFoundError when it is another folder."""
    texts = dict(line.split(maxsplit=1) for line in read_lines(folder / "train" / "text"))
    files = dict(line.split(maxsplit=1) for line in read_lines(folder / "train" / "wav.scp"))
    utterances = [Utterance(name, folder / files[name], text) for name, text in texts.items()]
    return [each for each in utterances if each.speaker not in left_out]


def read_lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def read_examples(utterances: list[Utterance], whisper: VariableWindowWhisper, cache: Path) -> Iterator[Example]:
    """The examples, one by one; what was computed is kept in the folder `cache`, since it takes most of the time."""
    cache.mkdir(parents=True, exist_ok=True)
    reader = Reader()
    for utterance in utterances:
        file = cache / f"{utterance.identifier}.npz"
        if not file.exists():
            frames, quiet, word_frames = encode_utterance(utterance, whisper)
            np.savez(file, frames=frames, quiet=quiet, word_frames=word_frames)
        ways = [[tuple(map(CLASSES.index, way)) for way in word] for word in reader.read(split_words(utterance.text))]
        with np.load(file) as arrays:
            yield Example(arrays["frames"], arrays["quiet"], arrays["word_frames"], ways)


def encode_utterance(utterance: Utterance, whisper: VariableWindowWhisper) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with utterance.file.open("rb") as file:
        samples = resample(decode(file, MAX_RECORDING_S), SAMPLE_RATE).samples
    count = -(-len(samples) // FRAME_SAMPLES)
    encoding = encode_window(whisper, samples)
    frames = np.asarray(encoding)[0][:count].astype(np.float16)
    return frames, find_quiet(samples, count), find_word_frames(whisper, encoding, split_words(utterance.text), count)


def find_quiet(samples: np.ndarray, count: int) -> np.ndarray:
    padded = np.pad(samples, (0, count * FRAME_SAMPLES - len(samples))).reshape(count, FRAME_SAMPLES)
    level = 10 * np.log10(np.square(padded, dtype=np.float64).mean(axis=1) + 1e-10)
    level = np.convolve(np.pad(level, 1, mode="edge"), np.full(3, 1 / 3), "valid")
    low, high = np.percentile(level, (5, 95))
    quiet: np.ndarray = level < low + QUIET_SHARE * (high - low)
    return quiet


def find_word_frames(whisper: VariableWindowWhisper, encoding: object, words: list[str], count: int) -> np.ndarray:
    """The first and the last frame of each word, by the attention of Whisper's decoder; -1 where it has none."""
    tokens = [whisper.hf_tokenizer.encode(" " + word, add_special_tokens=False).ids for word in words]
    line = [token for each in tokens for token in each][:MAX_TOKENS]
    start = [whisper.hf_tokenizer.token_to_id(f"<|{name}|>") for name in ("startoftranscript", "en", "transcribe")]
    (alignment,) = whisper.model.align(encoding, start, [line], 2 * count)
    at_token, at_frame = np.array(alignment.alignments).T
    ends = np.cumsum([len(each) for each in tokens])
    result = np.full((len(words), 2), -1)
    for number, (first, end) in enumerate(zip(ends - [len(each) for each in tokens], ends, strict=True)):
        frames = at_frame[(at_token >= first) & (at_token < end)]
        if len(frames):
            result[number] = frames.min(), frames.max()
    return result
