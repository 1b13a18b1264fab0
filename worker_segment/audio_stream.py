"""A long recording decoded block by block, never whole in memory, with two channels apart where it has two."""

from collections.abc import Iterable, Iterator
from itertools import chain, tee
from operator import itemgetter
from typing import BinaryIO

import numpy as np

from pipeline.audio.decode import (
    MIN_RECORDING_S,
    HasSpeech,
    Source,
    Waveform,
    channel_blocks,
    mix_channels,
    resample_frames,
)
from pipeline.errors import BadAudio, TooLong

SAMPLE_RATE = 16_000  # Hz that Silero VAD and the speech recognisers expect
WINDOW_SAMPLES = 512  # 32 ms, for each of which Silero VAD gives a probability of speech
BLOCK_SAMPLES = 60 * SAMPLE_RATE // WINDOW_SAMPLES * WINDOW_SAMPLES  # about a minute: 4 MB for each channel


def read_blocks(file: BinaryIO, max_s: float, has_speech: HasSpeech | None = None) -> Iterator[np.ndarray]:
    """The audio track of an untrusted file that `find_track` chooses, at SAMPLE_RATE, in blocks of BLOCK_SAMPLES.

    Each block is float32 in [-1, 1] of shape (channels, n): 2 channels where the recording has two, else 1. Raises
    NotAudio, BadAudio, and TooLong as soon as more than `max_s` seconds were decoded.
    """
    max_samples, count = int(max_s * SAMPLE_RATE), 0
    pieces = resample_channels(select_channels(channel_blocks(Source(file), max_s, has_speech)))
    for block in rechunk(pieces, BLOCK_SAMPLES):
        count += block.shape[1]
        if count > max_samples:
            raise TooLong(f"The lesson is longer than {max_s:g} seconds. Cut it into shorter recordings.")
        yield block
    if count < MIN_RECORDING_S * SAMPLE_RATE:
        raise BadAudio(f"Less than {MIN_RECORDING_S} seconds of sound: the recording is empty, truncated or damaged.")


def select_channels(pieces: Iterable[tuple[np.ndarray, int]]) -> Iterator[list[Waveform]]:
    """Both channels of each piece if the first piece has two channels, else the mean of all channels."""
    count = 0
    for samples, rate in pieces:
        count = count or (2 if len(samples) == 2 else 1)
        channels = samples if len(samples) == count else [mix_channels(samples)] * count
        yield [Waveform(channel, rate) for channel in channels]


def resample_channels(pieces: Iterator[list[Waveform]]) -> Iterator[np.ndarray]:
    """The pieces at SAMPLE_RATE, each of shape (channels, n)."""
    first = next(pieces, None)
    if first is None:
        return
    copies = tee(chain([first], pieces), len(first))
    streams = [resample_frames(map(itemgetter(channel), copy), SAMPLE_RATE) for channel, copy in enumerate(copies)]
    yield from (np.clip(np.stack(parts), -1, 1) for parts in zip(*streams, strict=True))


def rechunk(pieces: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The same samples in pieces of `size`, the last one shorter."""
    pending: list[np.ndarray] = []
    count = 0
    for piece in pieces:
        pending.append(piece)
        count += piece.shape[1]
        if count >= size:
            samples = np.concatenate(pending, axis=1)
            for start in range(0, count - size + 1, size):
                yield samples[:, start : start + size]
            pending = [samples[:, count // size * size :].copy()]
            count %= size
    if count:
        yield np.concatenate(pending, axis=1)
