"""Runs a waveform through FFmpeg's filters, and makes speech equally loud (EBU R128)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np

from pipeline.audio.decode import Waveform, to_frame

TARGET_LUFS = -16.0  # integrated loudness of speech that is heard on a phone
MAX_TRUE_PEAK_DBTP = -1.5
PEAK_MARGIN_DB = 1.0  # below that, since an encoder that loses something raises peaks
MAX_GAIN_DB = 40.0  # beyond, there is nothing but noise that would be raised
TOLERANCE_LU = 0.2
ROUNDS = 5  # of amplifying and measuring again: what the limiter takes away is given back
SILENCE_LUFS = -70.0  # the gate of EBU R128: what is quieter has no loudness
MIN_MEASURED_S = 1.0  # seconds; shorter sounds are measured repeated, for loudness has blocks of 0.4 s
LIMITER_RATE_HZ = 96_000  # at which peaks between samples are limited as well

Filter = tuple[str, str]  # the name of a filter, and its options


@dataclass(frozen=True)
class Loudness:
    """Integrated loudness in LUFS, SILENCE_LUFS or less for silence; the true peak in dBTP."""

    integrated_lufs: float
    true_peak_dbtp: float


def run_filters(sound: Waveform, filters: list[Filter]) -> Iterator[Any]:
    """The frames that come out of a chain of FFmpeg's filters."""
    graph = av.filter.Graph()
    last: Any = graph.add_abuffer(sample_rate=sound.rate, format="flt", layout="mono")
    source = last
    for name, options in [*filters, ("abuffersink", "")]:
        node = graph.add(name, options)
        last.link_to(node)
        last = node
    graph.configure()
    frame = to_frame(sound)
    frame.pts = 0
    source.push(frame)
    source.push(None)
    while True:
        try:
            yield last.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            return


def measure_loudness(sound: Waveform) -> Loudness:
    """The loudness by EBU R128 of a sound that is not empty."""
    repeats = int(np.ceil(MIN_MEASURED_S / sound.duration_s))
    tail = np.zeros(sound.rate // 10, np.float32)  # the filter gives a figure for each full tenth of a second
    samples = np.concatenate([*[sound.samples] * repeats, tail]).astype(np.float32)
    loudness = Loudness(SILENCE_LUFS, -np.inf)
    for frame in run_filters(Waveform(samples, sound.rate), [("ebur128", "metadata=1:peak=true")]):
        figures = frame.metadata
        if "lavfi.r128.I" in figures:
            peak = float(figures["lavfi.r128.true_peak"])
            loudness = Loudness(float(figures["lavfi.r128.I"]), 20 * np.log10(peak) if peak > 0 else -np.inf)
    return loudness


def even_loudness(sound: Waveform) -> Waveform:
    """The sound amplified to TARGET_LUFS, its peaks limited; silence stays as it is."""
    loudness = measure_loudness(sound)
    if loudness.integrated_lufs <= SILENCE_LUFS:
        return sound
    result, gain_db = sound, 0.0
    for _ in range(ROUNDS):
        missing_db = TARGET_LUFS - measure_loudness(result).integrated_lufs
        if result is not sound and abs(missing_db) <= TOLERANCE_LU:
            break
        gain_db = min(gain_db + missing_db, MAX_GAIN_DB)
        result = amplify(sound, gain_db)
    return result


def amplify(sound: Waveform, gain_db: float) -> Waveform:
    """The sound with its peaks limited, of the same length."""
    limit = 10 ** ((MAX_TRUE_PEAK_DBTP - PEAK_MARGIN_DB) / 20)
    filters = [
        ("aresample", str(LIMITER_RATE_HZ)),
        ("volume", f"{gain_db}dB"),
        ("alimiter", f"limit={limit}:level=0:attack=5:release=50:latency=1"),
        ("aresample", str(sound.rate)),
        ("aformat", "sample_fmts=flt:channel_layouts=mono"),
    ]
    frames = [frame.to_ndarray()[0] for frame in run_filters(sound, filters)]
    samples = np.concatenate([*frames, np.zeros(len(sound.samples), np.float32)])[: len(sound.samples)]
    return Waveform(samples.astype(np.float32), sound.rate)
