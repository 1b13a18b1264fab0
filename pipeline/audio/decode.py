"""Decode the recordings of phones and browsers into waveforms; `encode.py` writes the answers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import SEEK_SET
from itertools import chain, groupby, islice
from typing import Any, BinaryIO

import av
import numpy as np
from av.stream import Disposition

from pipeline.audio.formats import sniff
from pipeline.errors import BadAudio, TooLong

MIN_RECORDING_S = 0.1  # seconds; a shorter recording counts as empty
MAX_CHANNELS = 8
MIX_SAMPLES = 1024  # of a piece in which channels may cancel out
MIN_MIX_SHARE = 0.5  # of the power that one channel alone would have in the mix; below it, the channels cancel out
CHECK_S = 300.0  # seconds of a track in which speech, or any sound, is looked for
SPEECH_RATE_HZ = 16_000  # at which speech is looked for
SILENCE_PEAK = 0.002  # amplitude up to which a track is silent: dither and the noise of an open input
RATES_HZ = range(4_000, 192_001)  # Hz of a recording
PACKETS_PER_S = 1_000  # packets one second may have; Opus, the finest, has 400
PCM_DECODERS = {
    *("pcm_alaw", "pcm_mulaw", "pcm_u8", "pcm_s8", "pcm_s8_planar"),
    *("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"),
    *("pcm_s16be", "pcm_s24be", "pcm_s32be", "pcm_f32be", "pcm_f64be"),
}
VOICE_DECODERS = {"adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "adpcm_yamaha", "amrnb", "amrwb", "gsm", "gsm_ms"}
DECODERS = frozenset({"aac", "alac", "flac", "mp3", "mp3float", "opus", "vorbis", *PCM_DECODERS, *VOICE_DECODERS})


@dataclass(frozen=True)
class Waveform:
    """Mono speech: float32 samples in [-1, 1], shape (n,), at `rate` Hz."""

    samples: np.ndarray
    rate: int

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate


HasSpeech = Callable[[Waveform], bool]  # whether somebody speaks in a waveform at SPEECH_RATE_HZ


class Source:
    """An untrusted, seekable file that FFmpeg reads from the byte `start` on, as the format `demuxer`."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.demuxer, self.start = sniff(file)
        file.seek(self.start)
        self.is_big_endian_wav = file.read(4) == b"RIFX"

    def read(self, count: int = -1) -> bytes:
        return self.file.read(count)

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        return self.file.seek(offset + (self.start if whence == SEEK_SET else 0), whence) - self.start

    def tell(self) -> int:
        return self.file.tell() - self.start


def decode(file: BinaryIO, max_s: float, rate: int = 16_000, has_speech: HasSpeech | None = None) -> Waveform:
    """The sound of an untrusted file, mixed to mono at `rate` Hz; of several audio tracks the one of `find_track`.

    A truncated or damaged file gives what can be decoded of it. Raises NotAudio for an unknown format,
    TooLong once more than `max_s` seconds were decoded, and BadAudio for less than 0.1 s or for samples
    that are not numbers. `file` is seekable; the lengths that its header states are not trusted.
    """
    max_samples, chunks, count = int(max_s * rate), [], 0
    for chunk in resample_frames(mono_blocks(channel_blocks(Source(file), max_s, has_speech)), rate):
        chunks.append(chunk)
        count += len(chunk)
        if count > max_samples:
            raise TooLong(
                f"The recording is longer than {max_s:g} seconds. Cut it into shorter recordings, or send it with "
                "`waijiao lesson`, which takes long ones."
            )
    if count < MIN_RECORDING_S * rate:
        raise BadAudio(f"Less than {MIN_RECORDING_S} seconds of sound: the recording is empty, truncated or damaged.")
    return Waveform(np.clip(np.concatenate(chunks), -1, 1), rate)


def mono_blocks(blocks: Iterable[tuple[np.ndarray, int]]) -> Iterator[Waveform]:
    """Blocks of `channel_blocks` mixed to mono, each at its own sample rate."""
    for samples, rate in blocks:
        yield Waveform(mix_channels(samples), rate)


def mix_channels(samples: np.ndarray) -> np.ndarray:
    """The mean of the channels, shape (n,), of samples of shape (channels, n); the loudest one where they cancel out.

    Channels of opposite sign, as a wrongly wired microphone gives them, leave nothing of the speech in their mean.
    """
    mean: np.ndarray = samples.mean(axis=0)
    for start in range(0, len(mean) if len(samples) > 1 else 0, MIX_SAMPLES):
        piece, mixed = samples[:, start : start + MIX_SAMPLES], mean[start : start + MIX_SAMPLES]
        powers = np.square(piece, dtype=np.float64).mean(axis=1)
        power_alone = powers.max() / len(samples) ** 2  # of the mean, if the other channels were silent
        if np.square(mixed, dtype=np.float64).mean() < MIN_MIX_SHARE * power_alone:
            mixed[:] = piece[powers.argmax()]
    return mean


def channel_blocks(
    source: Source, max_s: float, has_speech: HasSpeech | None = None
) -> Iterator[tuple[np.ndarray, int]]:
    """The file's sound in blocks of about a second: float32 in [-1, 1], shape (channels, n), and the rate in Hz."""
    return track_blocks(source, find_track(source, has_speech), max_s)


def track_blocks(source: Source, track: int, max_s: float) -> Iterator[tuple[np.ndarray, int]]:
    """The same of one audio track."""
    for _, group in groupby(decode_frames(source, track, max_s), frame_format):
        frames_of_one_format: list[Any] = []
        count = 0
        for frame in group:
            frames_of_one_format.append(frame)
            count += frame.samples
            if count >= frame.sample_rate:
                yield join_frames(frames_of_one_format), frame.sample_rate
                frames_of_one_format, count = [], 0
        if frames_of_one_format:
            yield join_frames(frames_of_one_format), frames_of_one_format[0].sample_rate


def find_track(source: Source, has_speech: HasSpeech | None = None) -> int:
    """The number, among all streams, of the audio track to decode. Raises BadAudio if there is none.

    Of those that can be decoded it is the one that is marked as the default, else the first, if somebody speaks in its
    first CHECK_S seconds; else the next in which somebody does, or, if nobody does in any, the first that is not
    silent. So the sound of a desktop or a game before that of the microphone comes last. Without `has_speech` any
    sound counts as speech.
    """
    with open_container(source) as container:
        tracks = container.streams.audio
        decodable = [track for track in tracks if track.codec_context and track.codec_context.name in DECODERS]
        is_default = {track.index: bool(track.disposition & Disposition.default) for track in decodable}
    numbers: list[int] = sorted(is_default, key=lambda number: not is_default[number])
    if not tracks:
        raise BadAudio("There is no sound in the file.")
    if not numbers:
        raise BadAudio("The codec of the sound is not supported. Record as AAC, MP3, Opus, FLAC or PCM.")
    if len(numbers) == 1:
        return numbers[0]
    not_silent = [number for number in numbers if not is_silent(source, number)]
    with_speech = (number for number in not_silent if has_speech is None or has_speech(decode_start(source, number)))
    return next(with_speech, (not_silent or numbers)[0])


def is_silent(source: Source, track: int) -> bool:
    """Whether the track has no sound in its first CHECK_S seconds."""
    checked_s = 0.0
    for frame in decode_frames(source, track, CHECK_S):
        if np.abs(join_frames([frame])).max(initial=0) > SILENCE_PEAK:
            return False
        checked_s += frame.samples / frame.sample_rate
        if checked_s > CHECK_S:
            break
    return True


def decode_start(source: Source, track: int) -> Waveform:
    """The first CHECK_S seconds of a track, mixed to mono at SPEECH_RATE_HZ."""
    blocks = islice(track_blocks(source, track, CHECK_S), int(CHECK_S))
    chunks = list(resample_frames(mono_blocks(blocks), SPEECH_RATE_HZ))
    return Waveform(np.concatenate([*chunks, np.zeros(0, np.float32)]), SPEECH_RATE_HZ)


def decode_frames(source: Source, track: int, max_s: float) -> Iterator[Any]:
    """The frames of one audio track. A packet that cannot be decoded is left out."""
    with open_container(source) as container:
        packets = container.demux(container.streams[track])
        decoder = make_decoder(source, container.streams[track].codec_context)
        for _ in range(int(max_s * PACKETS_PER_S)):
            try:
                packet_frames = decoder.decode(next(packets))
            except StopIteration:
                return
            except av.error.FFmpegError:
                continue
            yield from packet_frames
    raise BadAudio("The recording has more packets than its length allows: it is damaged. Record it again.")


def make_decoder(source: Source, context: Any) -> Any:
    """The decoder of a track: FFmpeg's own, but for big-endian WAV files, whose samples it takes for little-endian."""
    if not (source.is_big_endian_wav and context.name.startswith("pcm_") and context.name.endswith("le")):
        return context
    decoder: Any = av.CodecContext.create(f"{context.name.removesuffix('le')}be", "r")
    decoder.sample_rate, decoder.layout = context.sample_rate, context.layout
    return decoder


def open_container(source: Source) -> Any:
    """An open container: only its demuxer may read, only from `source`, and only DECODERS may decode."""
    source.seek(0)
    options = {
        "format_whitelist": source.demuxer,
        "protocol_whitelist": "pipe",
        "codec_whitelist": ",".join(DECODERS),
    }
    try:
        return av.open(source, "r", format=source.demuxer, container_options=options, metadata_errors="replace")
    except av.error.FFmpegError:
        raise BadAudio(
            f"The recording begins like {source.demuxer}, but cannot be read in that format: it is damaged."
        ) from None


def frame_format(frame: Any) -> tuple[str, int, int]:
    """Sample format, number of channels and rate in Hz: frames with the same three can be joined. Raises BadAudio."""
    count, rate = frame.layout.nb_channels, frame.sample_rate
    if count > MAX_CHANNELS or rate not in RATES_HZ:
        raise BadAudio(
            f"{count} channels at {rate} Hz are not supported. "
            f"Record speech with at most {MAX_CHANNELS} channels at 4 to 192 kHz."
        )
    return frame.format.name, count, rate


def join_frames(frames_of_one_format: Sequence[Any]) -> np.ndarray:
    """The samples of frames of one format, as float32 in [-1, 1], shape (channels, n)."""
    count, planar = frames_of_one_format[0].layout.nb_channels, frames_of_one_format[0].format.is_planar
    arrays = [frame.to_ndarray() for frame in frames_of_one_format]
    samples = np.concatenate([each if planar else each.reshape(-1, count).T for each in arrays], axis=1)
    if not np.isfinite(samples).all():  # checked before resampling, which turns NaN into full-scale noise
        raise BadAudio("The recording has samples that are not numbers: it is damaged. Record it again.")
    if samples.dtype.kind in "ui":
        zero = 128 if samples.dtype == np.uint8 else 0
        samples = (samples - float(zero)) / (np.iinfo(samples.dtype).max + 1 - zero)
    clipped_samples: np.ndarray = np.clip(samples, -1, 1).astype(
        np.float32, order="C"
    )  # contiguous channels, for FFmpeg
    return clipped_samples


def resample_frames(sounds: Iterable[Waveform], rate: int) -> Iterator[np.ndarray]:
    """The sounds, which follow each other without a gap, as samples at `rate` Hz."""
    for own_rate, group in groupby(sounds, lambda sound: sound.rate):
        if own_rate == rate:
            yield from (sound.samples for sound in group)
            continue
        converter = av.AudioResampler(format="flt", layout="mono", rate=rate)
        for frame in chain(map(to_frame, group), [None]):  # None: flush the resampler
            yield from (piece.to_ndarray()[0] for piece in converter.resample(frame))


def to_frame(sound: Waveform) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(sound.samples[np.newaxis], format="flt", layout="mono")
    frame.sample_rate = sound.rate
    return frame


def resample(sound: Waveform, rate: int) -> Waveform:
    """The same sound at `rate` Hz."""
    return Waveform(np.clip(np.concatenate([*resample_frames([sound], rate)]), -1, 1), rate)
