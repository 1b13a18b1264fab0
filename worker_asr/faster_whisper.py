"""The engine "faster-whisper": Whisper through CTranslate2, on a CPU or a GPU."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import BatchedInferencePipeline

from pipeline.audio.decode import Sound, resample
from pipeline.errors import BadRequest, ConfigurationError, EngineFailed, NoSpeech, OutOfMemory, WaijiaoError, wordless
from pipeline.jobs.job import HINT
from pipeline.jobs.results import Transcript
from pipeline.settings import Settings
from worker_asr.engine import Recording
from worker_asr.heard import Times, is_heard, is_remnant, segment_at, spoken_words, text_of, word_at
from worker_asr.speech import RATE, find_speech
from worker_asr.whisper_model import FULL, loaded
from worker_asr.windows import WINDOW_S, Stretch, by_window, later, rest_of, spoken_parts, windows

log = logging.getLogger("waijiao")

SHORT = 1500  # frames of 10 ms in a window for short clips
SHORT_S = 14.0  # seconds up to which a clip, and a little silence after it, fit into the short window
CAREFUL = 5  # beams of the second attempt; sampling, Whisper's own way out, gives other words at every run
MOST_TOKENS = 220  # tokens in one window: with a hint of 223 they just fit into Whisper's 448
CLEARLY = 0.9  # share of the probability at which another language is believed; accents reach 0.8 and seldom more


class FasterWhisper:
    """A Recogniser. The language is given or detected; words come with their times and probabilities."""

    def __init__(self, model: Path, settings: Settings) -> None:
        self.whisper = loaded(model, settings)
        self.beam = settings.asr_beam
        # One after the other they are heard a little better, since each begins where the words of the last one ended.
        self.windows = settings.asr_windows if settings.asr_device == "cuda" else 1
        self.warm()

    def warm(self) -> None:
        """Computes once, so that the first learner does not wait for memory to be allocated, nor finds none.

        Raises ConfigurationError when it cannot compute here: CUDA's libraries are only looked for now.
        """
        noise = np.random.default_rng(0).normal(0, 0.01, RATE).astype(np.float32)
        try:
            self.recognise(Recording(Sound(noise, RATE), "en"), SHORT, self.beam)
            if self.windows > 1:
                self.whisper.encode(np.zeros((self.windows, self.whisper.model.n_mels, FULL), np.float32))
        except RuntimeError as error:
            less = f"; try WAIJIAO_ASR_WINDOWS below {self.windows}, or int8_float16" if is_memory(error) else ""
            raise ConfigurationError(
                f"WAIJIAO_ASR_DEVICE: the speech model cannot compute there: {error}{less}"
            ) from error

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
        if is_heard(segments):
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
        return [each for each in segments if not is_remnant(each, clip.sound.duration_s, only)], found.language

    def together(self, clip: Recording) -> tuple[list[Any], str]:
        """A long clip, several windows of it at once; then at once what these left out, until that is nothing."""
        segments: list[Any] = []
        unheard = windows(clip.sound.samples)
        while unheard:
            found, language = self.at_once(clip, unheard)
            clip = replace(clip, language=language)
            rests = []
            for window, heard in zip(unheard, found, strict=True):
                if is_heard(heard):
                    segments += heard
                    rests += rest_of(window, heard)
                else:
                    segments += self.looked_for(clip, window)
            unheard = rests
        return sorted(segments, key=lambda segment: segment.start), str(clip.language)

    def at_once(self, clip: Recording, cuts: list[Stretch]) -> tuple[list[list[Any]], str]:
        """The segments of each window, with time stamps: without, a small model ends at a window's first pause."""
        self.whisper.frames = FULL
        found, about = BatchedInferencePipeline(self.whisper).transcribe(
            clip.sound.samples,
            clip_timestamps=[{"start": start, "end": end} for start, end in cuts],
            batch_size=self.windows,
            without_timestamps=False,
            **choices(clip, self.beam),
        )
        return list(by_window(found)), about.language

    def looked_for(self, clip: Recording, window: Stretch) -> list[Any]:
        """A window by itself, more carefully."""
        segments, _ = self.recognise(cut(clip, *window), FULL, max(self.beam, CAREFUL))
        return [later(segment, window[0]) for segment in segments]


def choices(clip: Recording, beam: int) -> dict[str, Any]:
    """How Whisper is told to recognise a clip."""
    return {
        "language": clip.language,
        "beam_size": beam,
        "temperature": 0.0,
        "condition_on_previous_text": False,
        "word_timestamps": True,
        "hotwords": clip.hint.replace("<|", " ")[:HINT] or None,  # such marks would be orders
        "max_new_tokens": min(MOST_TOKENS, 40 + int(16 * clip.sound.duration_s)),
    }


def cut(recording: Recording, start_s: float, end_s: float) -> Recording:
    samples = resample(recording.sound, RATE).samples[int(start_s * RATE) : int(end_s * RATE)]
    return replace(recording, sound=Sound(samples, RATE))


def is_memory(error: RuntimeError) -> bool:
    """CTranslate2 has no class for it: "CUDA failed with error out of memory"."""
    return "out of memory" in str(error)
