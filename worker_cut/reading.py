"""A long recording read bit by bit, never whole in memory, with two channels apart where it has two."""

from collections.abc import Iterable, Iterator
from itertools import chain, tee
from operator import itemgetter
from typing import BinaryIO

import numpy as np

from pipeline.audio.decode import SHORTEST_S, Sound, channels, resampled
from pipeline.audio.formats import HEAD, sniff
from pipeline.errors import BadAudio, TooLong

RATE = 16_000  # Hz that voice activity is looked for at, and that recognisers hear at
WINDOW = 512  # samples, 32 ms: the stretch for which Silero VAD says how probably somebody speaks
BLOCK = 60 * RATE // WINDOW * WINDOW  # samples of a block: a minute is 4 MB for each channel


def read(file: BinaryIO, longest_s: float) -> Iterator[np.ndarray]:
    """The first audio track of an untrusted file at RATE Hz, block by block, the last one shorter.

    Each is float32 in [-1, 1] of shape (channels, n): 2 channels where the recording has two, else 1. Raises NotAudio,
    BadAudio and TooLong as pipeline.audio.decode.decode does.
    """
    demuxer = sniff(file.read(HEAD))
    file.seek(0)
    most, count = int(longest_s * RATE), 0
    for block in blocks(at_rate(one_or_two(channels(file, demuxer, longest_s)))):
        count += block.shape[1]
        if count > most:
            raise TooLong(f"The recording is longer than {longest_s:g} seconds. Cut it into shorter recordings.")
        yield block
    if count < SHORTEST_S * RATE:
        raise BadAudio(f"Less than {SHORTEST_S} seconds of sound: the recording is empty, truncated or damaged.")


def one_or_two(pieces: Iterable[tuple[np.ndarray, int]]) -> Iterator[list[Sound]]:
    """The channels of each piece, as many as the first piece has if these are two, else their mean."""
    count = 0
    for samples, rate in pieces:
        count = count or (2 if len(samples) == 2 else 1)
        apart = samples if len(samples) == count else [samples.mean(axis=0)] * count
        yield [Sound(channel, rate) for channel in apart]


def at_rate(pieces: Iterator[list[Sound]]) -> Iterator[np.ndarray]:
    """The pieces at RATE Hz, each of shape (channels, n)."""
    first = next(pieces, None)
    if first is None:
        return
    copies = tee(chain([first], pieces), len(first))
    apart = [resampled(map(itemgetter(number), copy), RATE) for number, copy in enumerate(copies)]
    yield from (np.clip(np.stack(parts), -1, 1) for parts in zip(*apart, strict=True))


def blocks(pieces: Iterable[np.ndarray], size: int = BLOCK) -> Iterator[np.ndarray]:
    """The same samples in pieces of `size`, the last one shorter."""
    waiting: list[np.ndarray] = []
    count = 0
    for piece in pieces:
        waiting.append(piece)
        count += piece.shape[1]
        if count >= size:
            whole = np.concatenate(waiting, axis=1)
            for start in range(0, count - size + 1, size):
                yield whole[:, start : start + size]
            waiting = [whole[:, count // size * size :].copy()]
            count %= size
    if count:
        yield np.concatenate(waiting, axis=1)
