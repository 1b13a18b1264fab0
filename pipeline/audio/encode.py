"""Encode a waveform as a file in one of `formats.FORMATS`."""

import io

import av
import numpy as np
import soundfile

from pipeline.audio.decode import Waveform, resample, to_frame
from pipeline.audio.formats import content_type

SNDFILE_FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ogg": ("OGG", "OPUS"),
    "opus": ("OGG", "OPUS"),
    "flac": ("FLAC", "PCM_16"),
    "pcm": ("RAW", "PCM_16"),
}  # format -> libsndfile's format and subtype
OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
MPEG_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
ALLOWED_RATES_HZ = {
    "ogg": OPUS_RATES_HZ,
    "opus": OPUS_RATES_HZ,
    "mp3": MPEG_RATES_HZ,
    "aac": MPEG_RATES_HZ,
    "pcm": (24_000,),
}  # other rates are resampled to the last one
AAC_BITS_PER_S = 64_000  # transparent for one voice


def encode(sound: Waveform, format: str) -> bytes:
    """The sound as a file in one of `formats.FORMATS`, clipped to full scale; raises UnknownFormat."""
    content_type(format)
    rates = ALLOWED_RATES_HZ.get(format, (sound.rate,))
    sound = sound if sound.rate in rates else resample(sound, rates[-1])
    sound = Waveform(np.clip(sound.samples, -1, 1), sound.rate)
    return encode_aac(sound) if format == "aac" else encode_with_libsndfile(sound, *SNDFILE_FORMATS[format])


def encode_with_libsndfile(sound: Waveform, container: str, subtype: str) -> bytes:
    file = io.BytesIO()
    endian = "LITTLE" if container == "RAW" else None  # the others have it in their header
    soundfile.write(file, sound.samples, sound.rate, subtype=subtype, format=container, endian=endian)
    return file.getvalue()


def encode_aac(sound: Waveform) -> bytes:
    """AAC in ADTS frames: each has its own header, so that playback can start at any of them."""
    file = io.BytesIO()
    with av.open(file, "w", format="adts") as output:
        stream = output.add_stream("aac", rate=sound.rate, layout="mono", bit_rate=AAC_BITS_PER_S)
        for frame in (to_frame(sound), None):  # None: flush the encoder
            output.mux(stream.encode(frame))
    return file.getvalue()
