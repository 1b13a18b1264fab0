"""The recordings of `examples/`, and one of them in the formats of phones and browsers, or damaged."""

import io
import json
from pathlib import Path

import av
import numpy as np
import soundfile

from pipeline.audio.decode import Waveform, decode, resample

EXAMPLES = Path(__file__).parents[2] / "examples"
FACTS = [
    fact
    for fact in json.loads((EXAMPLES / "recordings.json").read_text(encoding="utf-8"))
    if fact["file"].startswith("recordings/")
]
RECORDINGS = [EXAMPLES / fact["file"] for fact in FACTS]
TEXTS = {path.stem: fact["text"] for path, fact in zip(RECORDINGS, FACTS, strict=True)}  # what is said in each
CLEAR_RECORDING = EXAMPLES / "recordings" / "ruoxi-wu.wav"
SPEECH, SILENCE = EXAMPLES / "speech.flac", EXAMPLES / "silence.wav"
SPEECH_TEXT = (  # what is said in SPEECH, a text of eleven seconds without a mistake
    "Welcome to our town. It has a small river, an old bridge, and a market where farmers sell apples. "
    "Every Saturday my family walks along the river."
)

FILE_FORMATS = {
    "wav u8": ("wav", "pcm_u8", 16_000, "mono"),
    "wav 16 bit": ("wav", "pcm_s16le", 44_100, "stereo"),
    "wav 24 bit": ("wav", "pcm_s24le", 48_000, "stereo"),
    "wav 32 bit": ("wav", "pcm_s32le", 22_050, "mono"),
    "wav float": ("wav", "pcm_f32le", 48_000, "5.1"),
    "wav double": ("wav", "pcm_f64le", 96_000, "mono"),
    "wav telephone": ("wav", "pcm_mulaw", 8_000, "mono"),
    "wav no change": ("wav", "pcm_s16le", 16_000, "mono"),
    "mp3": ("mp3", "libmp3lame", 44_100, "stereo"),
    "mp3 low": ("mp3", "libmp3lame", 8_000, "mono"),
    "m4a": ("ipod", "aac", 48_000, "mono"),
    "mp4": ("mp4", "aac", 44_100, "stereo"),
    "mov": ("mov", "pcm_s16le", 44_100, "mono"),
    "lossless m4a": ("ipod", "alac", 44_100, "mono"),
    "aac": ("adts", "aac", 32_000, "mono"),
    "aac stereo": ("adts", "aac", 44_100, "stereo"),
    "ogg opus": ("ogg", "libopus", 48_000, "mono"),
    "ogg opus low": ("ogg", "libopus", 8_000, "mono"),
    "webm": ("webm", "libopus", 48_000, "stereo"),
    "matroska": ("matroska", "libopus", 48_000, "mono"),
    "flac": ("flac", "flac", 44_100, "stereo"),
}  # name -> container, codec, Hz, channels


def load_clear_speaker() -> Waveform:
    """The recording of an adult who speaks clearly enough to be recognised alike in every format."""
    samples, rate = soundfile.read(CLEAR_RECORDING, dtype="float32")
    return Waveform(samples, rate)


def load_recording(path: Path) -> Waveform:
    """A recording as the recogniser gets it, at 16 kHz."""
    with path.open("rb") as file:
        return decode(file, 300)


def encode_recording(
    sound: Waveform, container: str, codec: str, rate: int, layout: str, bits_per_second: int | None = None
) -> bytes:
    """The waveform as a file, encoded by FFmpeg; all channels are the same."""
    samples = resample(sound, rate).samples
    channels = av.AudioLayout(layout).nb_channels
    frame = av.AudioFrame.from_ndarray(np.tile(samples, (channels, 1)), format="fltp", layout=layout)
    frame.sample_rate = rate
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        context = stream.codec_context
        if bits_per_second:
            context.bit_rate = bits_per_second
        context.open()
        resampler = av.AudioResampler(context.format, layout, rate, frame_size=context.frame_size or 1024)
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            output.mux(stream.encode(piece))
    return file.getvalue()


def make_video(container: str, picture: str, sound: str) -> bytes:
    """A video in which a learner speaks, with the codecs `picture` and `sound`."""
    file, samples = io.BytesIO(), load_clear_speaker().samples
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="fltp", layout="mono")
    frame.sample_rate = 16_000
    with av.open(file, "w", format=container) as output:
        video_stream, audio_stream = (
            output.add_stream(picture, rate=5),
            output.add_stream(sound, rate=48_000, layout="stereo"),
        )
        video_stream.width, video_stream.height, video_stream.pix_fmt = 64, 48, "yuv420p"
        audio_stream.codec_context.open()
        resampler = av.AudioResampler(
            audio_stream.codec_context.format, "stereo", 48_000, frame_size=audio_stream.frame_size or 1024
        )
        for _ in range(5 * len(samples) // 16_000):
            output.mux(video_stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        for piece in [*resampler.resample(frame), *resampler.resample(None), None]:
            output.mux(audio_stream.encode(piece))
        output.mux(video_stream.encode(None))
    return file.getvalue()


def make_wav(samples: np.ndarray, subtype: str = "PCM_16", rate: int = 16_000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype=subtype, format="WAV")
    return file.getvalue()


def make_hour_of_silence() -> bytes:
    """An hour of silence in 0.6 MB of AAC: every frame of silence is the same."""
    aac = encode_recording(Waveform(np.zeros(16_000, np.float32), 16_000), "adts", "aac", 16_000, "mono")
    return aac + aac[aac.rindex(aac[:3]) :] * (3600 * 16_000 // 1024)


def make_wav_claiming_4_gib(count: int) -> bytes:
    """A wav file of `count` silent samples whose header claims 4 GiB."""
    data = bytearray(make_wav(np.zeros(count)))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    return bytes(data)
