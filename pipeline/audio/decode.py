"""Recordings in: decodes what phones and browsers record. What goes out is written by encoding.py."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any, BinaryIO

import av
import numpy as np

from pipeline.audio.formats import HEAD, sniff
from pipeline.errors import BadAudio, TooLong

SHORTEST_S = 0.1  # seconds below which a recording is taken for empty
MOST_CHANNELS = 8
RATES = range(4_000, 192_001)  # Hz of a recording
PACKETS_PER_S = 1_000  # packets one second may have; Opus, the finest, has 400
PCM = "pcm_alaw pcm_mulaw pcm_u8 pcm_s16le pcm_s16be pcm_s24le pcm_s32le pcm_f32le pcm_f64le"
DECODERS = frozenset(f"aac alac amrnb amrwb flac mp3 mp3float opus vorbis {PCM}".split())


@dataclass(frozen=True)
class Waveform:
    """Mono speech: float32 samples in [-1, 1], shape (n,), at `rate` Hz."""

    samples: np.ndarray
    rate: int

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate


def decode(file: BinaryIO, longest_s: float, rate: int = 16_000) -> Waveform:
    """The first audio track of an untrusted file, mixed to mono at `rate` Hz.

    A truncated or damaged file gives what can be decoded of it. Raises NotAudio for an unknown format,
    TooLong once more than `longest_s` seconds were decoded, and BadAudio for less than 0.1 s or for samples
    that are not numbers. `file` is seekable; the lengths that it states are not believed.
    """
    demuxer = sniff(file.read(HEAD))
    file.seek(0)
    most, chunks, count = int(longest_s * rate), [], 0
    for chunk in resample_frames(pieces(file, demuxer, longest_s), rate):
        chunks.append(chunk)
        count += len(chunk)
        if count > most:
            raise TooLong(f"The recording is longer than {longest_s:g} seconds. Cut it into shorter recordings.")
    if count < SHORTEST_S * rate:
        raise BadAudio(f"Less than {SHORTEST_S} seconds of sound: the recording is empty, truncated or damaged.")
    return Waveform(np.clip(np.concatenate(chunks), -1, 1), rate)


def pieces(file: BinaryIO, demuxer: str, longest_s: float) -> Iterator[Waveform]:
    """The file's sound, mixed to mono, about a second at a time, each piece at its own rate."""
    for samples, rate in channels(file, demuxer, longest_s):
        yield Waveform(samples.mean(axis=0), rate)


def channels(file: BinaryIO, demuxer: str, longest_s: float) -> Iterator[tuple[np.ndarray, int]]:
    """The same with every channel apart: float32 in [-1, 1], shape (channels, n), and their rate in Hz."""
    for _, group in groupby(frames(file, demuxer, longest_s), kind):
        alike: list[Any] = []
        count = 0
        for frame in group:
            alike.append(frame)
            count += frame.samples
            if count >= frame.sample_rate:
                yield join_frames(alike), frame.sample_rate
                alike, count = [], 0
        if alike:
            yield join_frames(alike), alike[0].sample_rate


def frames(file: BinaryIO, demuxer: str, longest_s: float) -> Iterator[Any]:
    """The frames of the file's first audio track. A packet that cannot be decoded is left out."""
    with open_container(file, demuxer) as container:
        packets = container.demux(first_track(container))
        for _ in range(int(longest_s * PACKETS_PER_S)):
            try:
                found = next(packets).decode()
            except StopIteration:
                return
            except av.error.FFmpegError:
                continue
            yield from found
    raise BadAudio("The recording is cut into more packets than its length can need.")


def open_container(file: BinaryIO, demuxer: str) -> Any:
    """An open container: only this demuxer may read, only from `file`, and only DECODERS may decode."""
    options = {
        "format_whitelist": demuxer,
        "protocol_whitelist": "pipe",
        "codec_whitelist": ",".join(DECODERS),
    }
    try:
        return av.open(file, "r", format=demuxer, container_options=options, metadata_errors="replace")
    except av.error.FFmpegError:
        raise BadAudio(f"The recording begins like {demuxer}, but cannot be read as such.") from None


def first_track(container: Any) -> Any:
    tracks = container.streams.audio
    if not tracks:
        raise BadAudio("There is no sound in the file.")
    codec = tracks[0].codec_context
    if codec is None or codec.name not in DECODERS:
        raise BadAudio("The sound is coded in a way that is not decoded here. Record as AAC, MP3, Opus, FLAC or PCM.")
    return tracks[0]


def kind(frame: Any) -> tuple[str, int, int]:
    """What frames have in common that can be joined: their format, their number of channels, their rate in Hz."""
    count, rate = frame.layout.nb_channels, frame.sample_rate
    if count > MOST_CHANNELS or rate not in RATES:
        raise BadAudio(f"{count} channels at {rate} Hz are no recording of a voice.")
    return frame.format.name, count, rate


def join_frames(alike: Sequence[Any]) -> np.ndarray:
    """The samples of frames of one kind, as float32 in [-1, 1], shape (channels, n)."""
    count, planar = alike[0].layout.nb_channels, alike[0].format.is_planar
    arrays = [frame.to_ndarray() for frame in alike]
    samples = np.concatenate([each if planar else each.reshape(-1, count).T for each in arrays], axis=1)
    if not np.isfinite(samples).all():  # looked at here: after resampling, NaN would be full-scale noise
        raise BadAudio("The recording has samples which are not numbers.")
    if samples.dtype.kind in "ui":
        zero = 128 if samples.dtype == np.uint8 else 0
        samples = (samples - float(zero)) / (np.iinfo(samples.dtype).max + 1 - zero)
    clipped: np.ndarray = np.clip(samples, -1, 1).astype(np.float32, order="C")  # a channel in one piece, for FFmpeg
    return clipped


def resample_frames(sounds: Iterable[Waveform], rate: int) -> Iterator[np.ndarray]:
    """The sounds, which follow each other without a gap, as samples at `rate` Hz."""
    for own_rate, group in groupby(sounds, lambda sound: sound.rate):
        if own_rate == rate:
            yield from (sound.samples for sound in group)
            continue
        converter = av.AudioResampler(format="flt", layout="mono", rate=rate)
        for frame in chain(map(frame_of, group), [None]):  # None: give what is left inside
            yield from (piece.to_ndarray()[0] for piece in converter.resample(frame))


def frame_of(sound: Waveform) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(sound.samples[np.newaxis], format="flt", layout="mono")
    frame.sample_rate = sound.rate
    return frame


def resample(sound: Waveform, rate: int) -> Waveform:
    """The same sound at `rate` Hz."""
    return Waveform(np.clip(np.concatenate([*resample_frames([sound], rate)]), -1, 1), rate)
