"""The engine "faster-whisper": Whisper through CTranslate2, on a CPU or a GPU."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import WhisperModel

from pipeline.audio import Sound, resample
from pipeline.errors import BadRequest, ConfigurationError, ModelMissing, NoSpeech, WaijiaoError
from pipeline.settings import Settings
from pipeline.turns import Segment, Transcript, Word
from worker_asr.engine import Recording
from worker_asr.speech import RATE, find_speech

FULL, SHORT = (
    3000,
    1500,
)  # frames of 10 ms in the window that Whisper was trained on, and in one for short clips
SHORT_S = 14.0  # seconds up to which a clip, and a little silence after it, fit into the short window
REPETITIVE = 2.4  # compression ratio above which a text repeats itself (Radford et al., 2022, section 4.5)
UNLIKELY = -1.0  # mean log probability below which a text is tried again (the same)
FASTEST = 8  # tokens a second; quick speech has 4, loops have 9 to 13
BRIEFEST_S = 0.05  # seconds of the briefest word; a loop's words have no time left
CAREFUL = 5  # beams of the second attempt; sampling, Whisper's own way out, gives other words at every run
MOST_TOKENS = 220  # tokens in one window: with a hint of 223 they just fit into Whisper's 448
HINT = 200  # characters of a hint that are used
CLEARLY = 0.9  # share of the probability at which another language is believed; accents reach 0.8 and seldom more
COMPUTE_TYPES = {"cpu": "int8", "cuda": "float16"}  # of "auto"
FILES = ("config.json", "model.bin", "tokenizer.json")


class Windowed(WhisperModel):
    """Whisper that encodes `frames` frames only, and not twice when it also detects the language."""

    frames = FULL
    latest: tuple[np.ndarray, Any] | None = None

    def encode(self, features: np.ndarray) -> Any:
        window = features[:, : self.frames]
        if self.latest is None or not alike(self.latest[0], window):
            self.latest = window, super().encode(window)
        return self.latest[1]


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """The same but for one frame: at a clip's end, detecting the language sees one more than recognising."""
    return one.shape == other.shape and int((one != other).any(axis=0).sum()) <= 1


class FasterWhisper:
    """A Recogniser. The language is given or detected; words come with their times and probabilities."""

    def __init__(self, model: Path, settings: Settings) -> None:
        missing = [name for name in FILES if not (model / name).is_file()]
        if missing:
            raise ModelMissing(f"WAIJIAO_ASR_MODEL: {model} has no {', '.join(missing)}")
        device = settings.asr_device
        compute_type = COMPUTE_TYPES[device] if settings.asr_compute_type == "auto" else settings.asr_compute_type
        try:
            self.whisper = Windowed(
                str(model),
                device=device,
                compute_type=compute_type,
                cpu_threads=settings.asr_threads,
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as error:
            where = f"WAIJIAO_ASR_DEVICE={device} WAIJIAO_ASR_COMPUTE_TYPE={compute_type}"
            raise ConfigurationError(f"{model} cannot be loaded with {where}: {error}") from error
        self.beam = settings.asr_beam
        self.warm()

    def warm(self) -> None:
        """Computes once, so that the first learner does not wait for memory to be allocated."""
        noise = np.random.default_rng(0).normal(0, 0.01, RATE).astype(np.float32)
        self.recognise(Recording(Sound(noise, RATE), "en"), SHORT, self.beam)

    def transcribe(self, recordings: list[Recording]) -> list[Transcript | WaijiaoError]:
        return [self.heard(recording) for recording in recordings]

    def heard(self, recording: Recording) -> Transcript | WaijiaoError:
        try:
            return self.transcript(recording)
        except WaijiaoError as error:
            return error

    def transcript(self, recording: Recording) -> Transcript:
        if recording.language not in (None, *self.whisper.supported_languages):
            raise BadRequest(f"language {recording.language!r}: the speech model does not know it")
        speech = find_speech(recording.sound)
        start, end = speech[0][0], speech[-1][1]
        segments, language = self.attempts(self.in_its_language(cut(recording, start, end)))
        spoken = [(segment, words) for segment in segments if (words := spoken_words(segment))]
        text = "".join(text_of(words) for _, words in spoken).strip()
        if not any(char.isalnum() for char in text):
            raise NoSpeech("No words could be made out. Record again, closer to the microphone.")
        times = Times(start, recording.sound.duration_s)
        return Transcript(
            text,
            language,
            round(times.length_s, 3),
            tuple(word_at(word, times) for _, words in spoken for word in words),
            tuple(segment_at(segment, text_of(words).strip(), times) for segment, words in spoken),
        )

    def in_its_language(self, clip: Recording) -> Recording:
        """The clip with one language of its expected ones; as it is when the language is given, or may be any."""
        if clip.language or not clip.expected:
            return clip
        usual, *others = clip.expected
        self.whisper.frames = SHORT if clip.sound.duration_s < SHORT_S else FULL
        probability = dict(self.whisper.detect_language(clip.sound.samples)[2]) if others else {}
        likely = max(others, key=lambda other: probability.get(other, 0.0), default=usual)
        heard = probability.get(likely, 0.0)
        clearly = heard > CLEARLY * (heard + probability.get(usual, 0.0))
        return replace(clip, language=likely if clearly else usual)

    def attempts(self, clip: Recording) -> tuple[list[Any], str]:
        """A short clip's first attempt takes a third of the time; a doubtful text is looked for more carefully."""
        frames = SHORT if clip.sound.duration_s < SHORT_S else FULL
        segments, language = self.recognise(clip, frames, self.beam)
        if segments and not any(is_doubtful(segment) for segment in segments):
            return segments, language
        return self.recognise(clip, FULL, max(self.beam, CAREFUL))

    def recognise(self, clip: Recording, frames: int, beam: int) -> tuple[list[Any], str]:
        """Whisper's segments, and the language: the given one, or the detected one. Nothing is left to chance."""
        self.whisper.frames = frames
        segments, found = self.whisper.transcribe(
            clip.sound.samples,
            language=clip.language,
            beam_size=beam,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
            hotwords=clip.hint[:HINT] or None,
            max_new_tokens=min(MOST_TOKENS, 40 + int(16 * clip.sound.duration_s)),
        )
        return list(segments), found.language


def cut(recording: Recording, start_s: float, end_s: float) -> Recording:
    samples = resample(recording.sound, RATE).samples[int(start_s * RATE) : int(end_s * RATE)]
    return replace(recording, sound=Sound(samples, RATE))


def is_doubtful(segment: Any) -> bool:
    return bool(segment.compression_ratio > REPETITIVE or segment.avg_logprob < UNLIKELY)


def spoken_words(segment: Any) -> list[Any]:
    """A segment's words without a loop in which Whisper was caught: those would be said faster than one can.

    A learner who says a sentence ten times is repetitive too, at the speed of speech.
    """
    if segment.compression_ratio <= REPETITIVE:
        return list(segment.words)
    if len(segment.tokens) > FASTEST * (segment.end - segment.start):
        return []
    return [word for word in segment.words if word.end - word.start >= BRIEFEST_S]


def text_of(words: list[Any]) -> str:
    return "".join(word.word for word in words)


@dataclass(frozen=True)
class Times:
    """Where what was recognised lies in the whole recording: `offset_s` after its start, all within `length_s`."""

    offset_s: float
    length_s: float

    def of(self, found: Any) -> tuple[float, float]:
        """Start and end, in seconds from the recording's start, of a word or a segment of Whisper's."""
        start, end = (round(min(float(time) + self.offset_s, self.length_s), 2) for time in (found.start, found.end))
        return start, max(start, end)


def word_at(word: Any, times: Times) -> Word:
    return Word(word.word.strip(), *times.of(word), round(float(word.probability), 3))


def segment_at(segment: Any, text: str, times: Times) -> Segment:
    measured = (segment.avg_logprob, segment.compression_ratio, segment.no_speech_prob)
    return Segment(*times.of(segment), text, *(round(float(each), 4) for each in measured))
