"""Answers out: a sound as a file in each of the formats that magic.FORMATS names."""

import io

import av
import numpy as np
import soundfile

from pipeline.audio.decode import Waveform, frame_of, resample
from pipeline.audio.formats import content_type

SNDFILE = {
    "wav": ("WAV", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ogg": ("OGG", "OPUS"),
    "opus": ("OGG", "OPUS"),
    "flac": ("FLAC", "PCM_16"),
    "pcm": ("RAW", "PCM_16"),
}  # format -> libsndfile's format and subtype
OPUS = (8_000, 12_000, 16_000, 24_000, 48_000)
MPEG = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
RATES = {"ogg": OPUS, "opus": OPUS, "mp3": MPEG, "aac": MPEG, "pcm": (24_000,)}  # Hz; others become the last of them
AAC_BITS = 64_000  # a second: transparent for one voice


def encode(sound: Waveform, format: str) -> bytes:
    """The sound as a file in one of magic.FORMATS, clipped to full scale; raises UnknownFormat."""
    content_type(format)
    rates = RATES.get(format, (sound.rate,))
    sound = sound if sound.rate in rates else resample(sound, rates[-1])
    sound = Waveform(np.clip(sound.samples, -1, 1), sound.rate)
    return adts(sound) if format == "aac" else sndfile(sound, *SNDFILE[format])


def sndfile(sound: Waveform, container: str, subtype: str) -> bytes:
    file = io.BytesIO()
    endian = "LITTLE" if container == "RAW" else None  # the others have it in their header
    soundfile.write(file, sound.samples, sound.rate, subtype=subtype, format=container, endian=endian)
    return file.getvalue()


def adts(sound: Waveform) -> bytes:
    """AAC in frames that each begin with a header of their own, so that it can be played from any of them."""
    file = io.BytesIO()
    with av.open(file, "w", format="adts") as output:
        stream = output.add_stream("aac", rate=sound.rate, layout="mono", bit_rate=AAC_BITS)
        for frame in (frame_of(sound), None):  # None: give what is left inside
            output.mux(stream.encode(frame))
    return file.getvalue()
