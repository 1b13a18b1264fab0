"""Speech made faster or slower at the same pitch, by FFmpeg's filter `atempo`."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.filter import Graph

from pipeline.audio.decode import Waveform, to_frame

MIN_SPEED, MAX_SPEED = 0.5, 2.0  # beyond, speech is hard to follow


def change_speed(waveform: Waveform, speed: float) -> Waveform:
    """The waveform at `speed` times its pace; speeds outside of MIN_SPEED to MAX_SPEED are clipped."""
    speed = max(MIN_SPEED, min(MAX_SPEED, speed))
    if speed == 1 or not len(waveform.samples):
        return waveform
    samples = np.concatenate([np.zeros(0, np.float32), *read_samples(filter_graph(waveform, speed))])
    return Waveform(np.clip(samples, -1, 1), waveform.rate)


def filter_graph(waveform: Waveform, speed: float) -> Any:
    """A filter graph that was given the whole waveform."""
    graph = Graph()
    rate = waveform.rate
    source = graph.add_abuffer(format="flt", sample_rate=rate, layout="mono", time_base=Fraction(1, rate))
    graph.link_nodes(source, graph.add("atempo", str(speed)), graph.add("abuffersink")).configure()
    frame = to_frame(waveform)
    frame.pts, frame.time_base = 0, Fraction(1, rate)
    graph.push(frame)
    graph.push(None)
    return graph


def read_samples(graph: Any) -> Iterator[np.ndarray]:
    while True:
        try:
            yield graph.pull().to_ndarray().reshape(-1)
        except av.error.EOFError:
            return
