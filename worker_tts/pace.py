"""Speech made faster or slower at the same pitch, by FFmpeg's `atempo`."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.filter import Graph

from pipeline.audio.decode import Sound, frame_of

SLOWEST, FASTEST = 0.5, 2.0  # beyond, speech is hard to follow


def paced(sound: Sound, speed: float) -> Sound:
    """The sound at `speed` times its pace."""
    speed = max(SLOWEST, min(FASTEST, speed))
    if speed == 1 or not len(sound.samples):
        return sound
    samples = np.concatenate([np.zeros(0, np.float32), *drained(stretcher(sound, speed))])
    return Sound(np.clip(samples, -1, 1), sound.rate)


def stretcher(sound: Sound, speed: float) -> Any:
    """A filter that holds the whole sound."""
    graph = Graph()
    source = graph.add_abuffer(format="flt", sample_rate=sound.rate, layout="mono", time_base=Fraction(1, sound.rate))
    graph.link_nodes(source, graph.add("atempo", str(speed)), graph.add("abuffersink")).configure()
    frame = frame_of(sound)
    frame.pts, frame.time_base = 0, Fraction(1, sound.rate)
    graph.push(frame)
    graph.push(None)
    return graph


def drained(graph: Any) -> Iterator[np.ndarray]:
    while True:
        try:
            yield graph.pull().to_ndarray().reshape(-1)
        except av.error.EOFError:
            return
