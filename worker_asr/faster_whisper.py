"""The engine "faster-whisper": Whisper through CTranslate2, on a CPU or a GPU."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import BatchedInferencePipeline

from pipeline.audio import Sound, resample
from pipeline.errors import BadRequest, EngineFailed, NoSpeech, OutOfMemory, WaijiaoError, wordless
from pipeline.settings import Settings
from pipeline.turns import Segment, Transcript, Word
from worker_asr.engine import Recording
from worker_asr.speech import RATE, find_speech
from worker_asr.whisper_model import FULL, loaded
from worker_asr.windows import WINDOW_S, Stretch, by_window, later, spoken_parts, windows

log = logging.getLogger("waijiao")

SHORT = 1500  # frames of 10 ms in a window for short clips
SHORT_S = 14.0  # seconds up to which a clip, and a little silence after it, fit into the short window
REPETITIVE = 2.4  # compression ratio above which a text repeats itself (Radford et al., 2022, section 4.5)
UNLIKELY = -1.0  # mean log probability below which a text is tried again (the same)
FASTEST = 8  # tokens a second; quick speech has 4, loops have 9 to 13
BRIEFEST_S = 0.05  # seconds of the briefest word; a loop's words have no time left
CAREFUL = 5  # beams of the second attempt; sampling, Whisper's own way out, gives other words at every run
MOST_TOKENS = 220  # tokens in one window: with a hint of 223 they just fit into Whisper's 448
HINT = 200  # characters of a hint that are used
CLEARLY = 0.9  # share of the probability at which another language is believed; accents reach 0.8 and seldom more
UNHEARD_S = 1.0  # seconds at the end of a window, after the last word of it, that are looked at again


class FasterWhisper:
    """A Recogniser. The language is given or detected; words come with their times and probabilities."""

    def __init__(self, model: Path, settings: Settings) -> None:
        self.whisper = loaded(model, settings)
        self.beam = settings.asr_beam
        # One after the other they are heard a little better, since each begins where the words of the last one ended.
        self.windows = settings.asr_windows if settings.asr_device == "cuda" else 1
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
        except RuntimeError as error:  # of CTranslate2; what was said is not in it
            log.error("a recording was not recognised: %s", wordless(error))
            return OutOfMemory() if is_memory(error) else EngineFailed()

    def transcript(self, recording: Recording) -> Transcript:
        if recording.language not in (None, *self.whisper.supported_languages):
            raise BadRequest(f"language {recording.language!r}: the speech model does not know it")
        speech = find_speech(recording.sound)
        start, end = speech[0][0], speech[-1][1]
        clip = self.in_its_language(cut(recording, start, end))
        parts = spoken_parts((part[0] - start, part[1] - start) for part in speech)
        at_once = self.windows > 1 and clip.sound.duration_s > WINDOW_S
        segments, language = self.together(clip) if at_once else self.attempts(clip, parts)
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

    def attempts(self, clip: Recording, parts: Sequence[Stretch] = ()) -> tuple[list[Any], str]:
        """A short clip's first attempt takes a third of the time; a doubtful text is looked for more carefully."""
        frames = SHORT if clip.sound.duration_s < SHORT_S else FULL
        segments, language = self.recognise(clip, frames, self.beam, parts)
        if segments and not any(is_doubtful(segment) for segment in segments):
            return segments, language
        return self.recognise(clip, FULL, max(self.beam, CAREFUL), parts)

    def recognise(
        self, clip: Recording, frames: int, beam: int, parts: Sequence[Stretch] = ()
    ) -> tuple[list[Any], str]:
        """Whisper's segments, and the language: the given one, or the detected one. Nothing is left to chance.

        Of several `parts` only these are listened to.
        """
        self.whisper.frames = frames
        only = [time for part in parts for time in part] if len(parts) > 1 else [0.0]
        segments, found = self.whisper.transcribe(clip.sound.samples, clip_timestamps=only, **choices(clip, beam))
        return list(segments), found.language

    def together(self, clip: Recording) -> tuple[list[Any], str]:
        """A long clip, several windows of it at once; where that failed, or left something out, a window alone.

        With time stamps: without them a small model ends at the first pause of a window.
        """
        self.whisper.frames = FULL
        cuts = windows(clip.sound.samples)
        found, about = BatchedInferencePipeline(self.whisper).transcribe(
            clip.sound.samples,
            clip_timestamps=[{"start": start, "end": end} for start, end in cuts],
            batch_size=self.windows,
            without_timestamps=False,
            **choices(clip, self.beam),
        )
        known = replace(clip, language=about.language)
        heard = [self.whole(known, window, segments) for window, segments in zip(cuts, by_window(found), strict=True)]
        return [segment for segments in heard for segment in segments], about.language

    def whole(self, clip: Recording, window: Stretch, segments: list[Any]) -> list[Any]:
        """What is said in a window: all of it is heard again when it is doubtful, else what comes after its words."""
        words = [word for segment in segments for word in segment.words]
        start, end = window
        if any(is_doubtful(segment) for segment in segments):
            segments = []
        elif words:
            start = words[-1].end
            segments = [segment for segment in segments if segment.words]
        if end - start < UNHEARD_S:
            return segments
        again, _ = self.attempts(cut(clip, start, end))
        return segments + [later(segment, start) for segment in again]


def choices(clip: Recording, beam: int) -> dict[str, Any]:
    """How Whisper is told to recognise a clip."""
    return {
        "language": clip.language,
        "beam_size": beam,
        "temperature": 0.0,
        "condition_on_previous_text": False,
        "word_timestamps": True,
        "hotwords": clip.hint[:HINT] or None,
        "max_new_tokens": min(MOST_TOKENS, 40 + int(16 * clip.sound.duration_s)),
    }


def cut(recording: Recording, start_s: float, end_s: float) -> Recording:
    samples = resample(recording.sound, RATE).samples[int(start_s * RATE) : int(end_s * RATE)]
    return replace(recording, sound=Sound(samples, RATE))


def is_memory(error: RuntimeError) -> bool:
    """CTranslate2 has no class for it: "CUDA failed with error out of memory"."""
    return "out of memory" in str(error)


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
