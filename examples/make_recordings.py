"""Make the recordings of this folder: learners' sentences, spoken by the default CPU voice.

    .venv/bin/python examples/make_recordings.py [FOLDER [NAME …]]

`recordings.json` says what each recording contains: who speaks, the text, the mistake in it and the corrected text, the
pace (1 is the voice's own), the level of the noise and, by the file's name, its format. FOLDER is where they are
written (this folder if it is left out); names such as `bowen-he` choose some of them. The model is found where
`waijiao models fetch` puts it. The same versions of the model and the libraries give the same sound again.
"""

import io
import json
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from pipeline.audio.decode import Waveform, resample, to_frame
from pipeline.errors import WaijiaoError
from pipeline.settings import settings
from worker_tts.engine import TextToSpeech, Utterance, load

EXAMPLES_FOLDER = Path(__file__).resolve().parent
SAMPLE_RATE = 16_000  # Hz
LEADING_SILENCE_S, TRAILING_SILENCE_S = 0.35, 0.45  # seconds without speech before and after the text
SPEECH_PEAK = 0.7  # of full scale, of the speech
SILENT_RECORDING_S = 1.0  # length of the recording without speech
BIT_RATE_BPS = 24_000  # bits per second of the lossy formats

# There is one voice, a woman's. Played faster or slower it becomes another person's: pitch and formants, which the
# length of the vocal tract decides, move by this factor; the pace is kept by speaking slower or faster.
PITCH_FACTORS = {"girl": 1.22, "boy": 1.14, "woman": 1.0, "old woman": 0.93, "man": 0.85, "old man": 0.79}

CODEC_BY_SUFFIX = {  # suffix -> container and codec, by FFmpeg's names
    ".wav": ("wav", "pcm_s16le"),
    ".flac": ("flac", "flac"),
    ".mp3": ("mp3", "libmp3lame"),
    ".ogg": ("ogg", "libopus"),
    ".webm": ("webm", "libopus"),
    ".m4a": ("ipod", "aac"),
}


@dataclass(frozen=True)
class Script:
    """One recording to be made. `noise_db` is the root mean square of white noise in dBFS; None is digital silence."""

    file: str  # relative to the folder
    voice: str
    pace: float
    noise_db: float | None
    mistake: str  # what kind of mistake the learner makes; empty when the sentence is right
    text: str
    corrected: str

    @property
    def name(self) -> str:
        return Path(self.file).stem


def read_scripts(path: Path = EXAMPLES_FOLDER / "recordings.json") -> list[Script]:
    return [Script(**fields) for fields in json.loads(path.read_text(encoding="utf-8"))]


def make(script: Script, voice: TextToSpeech) -> bytes:
    """The recording as a file. Raises the voice's error when it cannot speak the text."""
    return encode(record(script, voice), Path(script.file).suffix)


def record(script: Script, voice: TextToSpeech) -> np.ndarray:
    """Samples of shape (n,) at SAMPLE_RATE Hz: silence, the text, silence, and noise over all of it."""
    if not script.text:
        return np.zeros(round(SILENT_RECORDING_S * SAMPLE_RATE), np.float32)
    parts = [
        np.zeros(round(LEADING_SILENCE_S * SAMPLE_RATE)),
        speak(script, voice),
        np.zeros(round(TRAILING_SILENCE_S * SAMPLE_RATE)),
    ]
    samples = np.concatenate(parts).astype(np.float32)
    if script.noise_db is not None:
        generator = np.random.default_rng(zlib.crc32(script.file.encode()))
        samples += generator.normal(0, 10 ** (script.noise_db / 20), len(samples)).astype(np.float32)
    return samples.clip(-1, 1)


def speak(script: Script, voice: TextToSpeech) -> np.ndarray:
    """The text in the voice of this speaker, as samples at SAMPLE_RATE Hz."""
    factor = PITCH_FACTORS[script.voice]
    (speech,) = voice.speak([Utterance(script.text, speed=script.pace / factor)])
    if isinstance(speech, WaijiaoError):
        raise speech
    samples = resample(Waveform(speech.samples, round(speech.rate * factor)), SAMPLE_RATE).samples
    loud_samples: np.ndarray = samples * (SPEECH_PEAK / np.abs(samples).max())
    return loud_samples


def encode(samples: np.ndarray, suffix: str) -> bytes:
    """Mono samples at SAMPLE_RATE Hz as a file of this format, without dates or random numbers in it."""
    container, codec = CODEC_BY_SUFFIX[suffix]
    file = io.BytesIO()
    with av.open(file, "w", format=container, options={"fflags": "+bitexact"}) as output:
        stream = output.add_stream(codec, rate=SAMPLE_RATE, layout="mono", options={"flags": "+bitexact"})
        context = stream.codec_context
        context.bit_rate = BIT_RATE_BPS
        context.open()
        for frame in frames(samples, context):
            output.mux(stream.encode(frame))
    return file.getvalue()


def frames(samples: np.ndarray, context: av.AudioCodecContext) -> Iterator[av.AudioFrame | None]:
    """Frames as the codec takes them, and None at the end."""
    resampler = av.AudioResampler(context.format, "mono", SAMPLE_RATE, frame_size=context.frame_size or 1024)
    yield from resampler.resample(to_frame(Waveform(samples, SAMPLE_RATE)))
    yield from resampler.resample(None)
    yield None


def main(folder: Path = EXAMPLES_FOLDER, *names: str) -> None:
    scripts = [script for script in read_scripts() if not names or script.name in names]
    if unknown := set(names) - {script.name for script in scripts}:
        sys.exit(f"recordings.json has no {', '.join(sorted(unknown))}.")
    voice = load(settings())
    for script in scripts:
        path = Path(folder) / script.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make(script, voice))
        print(f"{path}: {script.text or 'silence'}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]), *sys.argv[2:])
