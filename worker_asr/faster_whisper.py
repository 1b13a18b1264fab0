"""The engine "faster-whisper": Whisper through CTranslate2, on a CPU or a GPU."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import BatchedInferencePipeline

from pipeline.audio.decode import Waveform, resample
from pipeline.errors import (
    BadRequest,
    Canceled,
    ConfigurationError,
    EngineFailed,
    NoSpeech,
    OutOfMemory,
    WaijiaoError,
    safe_traceback,
)
from pipeline.jobs.job import MAX_HINT_CHARS
from pipeline.jobs.results import Segment, Transcript, Word
from pipeline.settings import Settings
from worker_asr.engine import Recording
from worker_asr.vad import SAMPLE_RATE, WINDOW_S, Interval, bridge_silences, find_speech, find_windows
from worker_asr.whisper_model import WINDOW_FRAMES, load_whisper

log = logging.getLogger("waijiao")

SHORT_WINDOW_FRAMES = 1500  # frames of 10 ms in a window for short clips
MAX_SHORT_CLIP_S = 14.0  # seconds up to which a clip, and a little silence after it, fit into the short window
FALLBACK_BEAM = 5  # of the second attempt; sampling, Whisper's own fallback, gives other words at every run
MAX_WINDOW_TOKENS = 220  # with a hint of 223 tokens they just fit into Whisper's 448
OTHER_LANGUAGE_SHARE = 0.9  # of the probability at which another language is believed; accents reach 0.8, seldom more

MAX_COMPRESSION_RATIO = 2.4  # above which a text repeats itself (Radford et al., 2022, section 4.5)
MIN_AVG_LOGPROB = -1.0  # mean log probability below which a text is tried again (the same)
MAX_TOKENS_PER_S = 8  # quick speech has 4, loops have 9 to 13
MIN_WORD_S = 0.05  # seconds of the briefest word; the words of a loop have no time left
REMNANT_S = 1.0  # seconds at the end of a clip that are too short to recognise a word in
MIN_REMAINDER_S = 1.0  # seconds at the end of a window, after its last word, in which there may be more words
FRAMES_PER_S = 100


class FasterWhisper:
    """A Recogniser. The language is given or detected; words come with their times and probabilities."""

    def __init__(self, model: Path, settings: Settings) -> None:
        self.whisper = load_whisper(model, settings)
        self.beam = settings.asr_beam
        # One after the other, windows are recognised a little better: each begins where the last one's words ended.
        self.windows = settings.asr_windows if settings.asr_device == "cuda" else 1
        self.warm_up()

    def warm_up(self) -> None:
        """Compute once, so that the first learner does not wait for memory to be allocated, or finds none.

        Raises ConfigurationError when it cannot compute here: CUDA's libraries are only looked for now.
        """
        noise = np.random.default_rng(0).normal(0, 0.01, SAMPLE_RATE).astype(np.float32)
        try:
            self.run_whisper(Recording(Waveform(noise, SAMPLE_RATE), "en"), SHORT_WINDOW_FRAMES, self.beam)
            if self.windows > 1:
                self.whisper.encode(np.zeros((self.windows, self.whisper.model.n_mels, WINDOW_FRAMES), np.float32))
        except RuntimeError as error:
            out_of_memory = is_out_of_memory(error)
            advice = f"; try WAIJIAO_ASR_WINDOWS below {self.windows}, or int8_float16" if out_of_memory else ""
            raise ConfigurationError(
                f"WAIJIAO_ASR_DEVICE: the speech model cannot compute there: {error}{advice}"
            ) from error

    def transcribe(self, recordings: list[Recording]) -> list[Transcript | WaijiaoError]:
        return [self.transcribe_one(recording) for recording in recordings]

    def transcribe_one(self, recording: Recording) -> Transcript | WaijiaoError:
        try:
            return self.recognise(recording)
        except WaijiaoError as error:
            return error
        except RuntimeError as error:  # of CTranslate2; it does not contain what was said
            log.error("a recording was not recognised: %s", safe_traceback(error))
            return OutOfMemory() if is_out_of_memory(error) else EngineFailed()

    def recognise(self, recording: Recording) -> Transcript:
        if recording.language not in (None, *self.whisper.supported_languages):
            raise BadRequest(f"language {recording.language!r}: the speech model does not know it")
        speech = find_speech(recording.waveform)
        start, end = speech[0][0], speech[-1][1]
        clip = self.choose_language(crop(recording, start, end))
        if self.windows > 1 and clip.waveform.duration_s > WINDOW_S:
            segments, language = self.recognise_windows(clip)
        else:
            parts = bridge_silences((part[0] - start, part[1] - start) for part in speech)
            segments, language = self.recognise_clip(clip, parts)
        segments_with_words = [(segment, words) for segment in segments if (words := words_without_loops(segment))]
        text = "".join(join_words(words) for _, words in segments_with_words).strip()
        if not any(char.isalnum() for char in text):
            raise NoSpeech("No words could be made out. Record again, closer to the microphone.")
        times = ClipTimes(start, recording.waveform.duration_s)
        return Transcript(
            text,
            language,
            round(times.recording_s, 3),
            tuple(to_word(word, times) for _, words in segments_with_words for word in words),
            tuple(to_segment(segment, join_words(words).strip(), times) for segment, words in segments_with_words),
        )

    def choose_language(self, clip: Recording) -> Recording:
        """The clip with one of its expected languages; unchanged when the language is given, or may be any."""
        if clip.language or not clip.expected_languages:
            return clip
        first_language, *other_languages = clip.expected_languages
        self.whisper.frames = window_frames(clip)
        probability = dict(self.whisper.detect_language(clip.waveform.samples)[2]) if other_languages else {}
        likeliest = max(other_languages, key=lambda name: probability.get(name, 0.0), default=first_language)
        other_probability = probability.get(likeliest, 0.0)
        is_clear = other_probability > OTHER_LANGUAGE_SHARE * (other_probability + probability.get(first_language, 0.0))
        return replace(clip, language=likeliest if is_clear else first_language)

    def recognise_clip(self, clip: Recording, parts: Sequence[Interval] = ()) -> tuple[list[Any], str]:
        """Whisper's segments and language; for a short clip first with the short window, in a third of the time."""
        segments, language = self.run_whisper(clip, window_frames(clip), self.beam, parts)
        if is_reliable(segments):
            return segments, language
        return self.run_whisper(clip, WINDOW_FRAMES, max(self.beam, FALLBACK_BEAM), parts)

    def run_whisper(
        self, clip: Recording, frames: int, beam: int, parts: Sequence[Interval] = ()
    ) -> tuple[list[Any], str]:
        """Whisper's segments, and the language: the given one, or the detected one. Nothing is left to chance.

        If there are several `parts`, only these are recognised.
        """
        self.whisper.frames = frames
        borders = [time for part in parts for time in part] if len(parts) > 1 else [0.0]
        segments, info = self.whisper.transcribe(
            clip.waveform.samples, clip_timestamps=borders, **whisper_options(clip, beam)
        )
        clip_s = clip.waveform.duration_s
        wanted_segments = while_wanted(segments, clip)
        return [segment for segment in wanted_segments if not is_remnant(segment, clip_s, borders)], info.language

    def recognise_windows(self, clip: Recording) -> tuple[list[Any], str]:
        """A long clip, several windows at once; then what was left out of these, until nothing is left out."""
        segments: list[Any] = []
        windows = find_windows(clip.waveform.samples)
        while windows:
            segments_by_window, language = self.run_whisper_batched(clip, windows)
            clip = replace(clip, language=language)
            remainders = []
            for window, window_segments in zip(windows, segments_by_window, strict=True):
                if is_reliable(window_segments):
                    segments += window_segments
                    remainders += find_remainder(window, window_segments)
                else:
                    segments += self.recognise_window_again(clip, window)
            windows = remainders
        return sorted(segments, key=lambda segment: segment.start), str(clip.language)

    def run_whisper_batched(self, clip: Recording, windows: list[Interval]) -> tuple[list[list[Any]], str]:
        """The segments of each window, with time stamps: without, a small model stops at a window's first pause."""
        self.whisper.frames = WINDOW_FRAMES
        segments, info = BatchedInferencePipeline(self.whisper).transcribe(
            clip.waveform.samples,
            clip_timestamps=[{"start": start, "end": end} for start, end in windows],
            batch_size=self.windows,
            without_timestamps=False,
            **whisper_options(clip, self.beam),
        )
        return list(group_by_window(while_wanted(segments, clip))), info.language

    def recognise_window_again(self, clip: Recording, window: Interval) -> list[Any]:
        """One window alone, with more beams."""
        segments, _ = self.run_whisper(crop(clip, *window), WINDOW_FRAMES, max(self.beam, FALLBACK_BEAM))
        return [shift(segment, window[0]) for segment in segments]


# --- Whisper's input ---


def while_wanted(segments: Iterable[Any], clip: Recording) -> Iterator[Any]:
    """The segments, each window of which is computed when its first segment is asked for.

    Raises Canceled before a window that nobody wants any more.
    """
    iterator = iter(segments)
    while True:
        if not clip.still_wanted():
            raise Canceled
        try:
            yield next(iterator)
        except StopIteration:
            return


def whisper_options(clip: Recording, beam: int) -> dict[str, Any]:
    return {
        "language": clip.language,
        "beam_size": beam,
        "temperature": 0.0,
        "condition_on_previous_text": False,
        "word_timestamps": True,
        "hotwords": clip.hint.replace("<|", " ")[:MAX_HINT_CHARS] or None,  # such marks would be control tokens
        "max_new_tokens": min(MAX_WINDOW_TOKENS, 40 + int(16 * clip.waveform.duration_s)),
    }


def window_frames(clip: Recording) -> int:
    return SHORT_WINDOW_FRAMES if clip.waveform.duration_s < MAX_SHORT_CLIP_S else WINDOW_FRAMES


def crop(recording: Recording, start_s: float, end_s: float) -> Recording:
    samples = resample(recording.waveform, SAMPLE_RATE).samples[int(start_s * SAMPLE_RATE) : int(end_s * SAMPLE_RATE)]
    return replace(recording, waveform=Waveform(samples, SAMPLE_RATE))


def is_out_of_memory(error: RuntimeError) -> bool:
    """CTranslate2 has no class for it: "CUDA failed with error out of memory"."""
    return "out of memory" in str(error)


# --- which of Whisper's results are reliable ---


def is_reliable(segments: list[Any]) -> bool:
    """Whether some words were recognised, and none of the segments is doubtful."""
    return any(segment.words for segment in segments) and not any(is_doubtful(segment) for segment in segments)


def is_doubtful(segment: Any) -> bool:
    return bool(segment.compression_ratio > MAX_COMPRESSION_RATIO or segment.avg_logprob < MIN_AVG_LOGPROB)


def is_remnant(segment: Any, clip_s: float, starts: Sequence[float]) -> bool:
    """Whether it was recognised in less than a second that was left at a clip's end: words are made up there.

    `starts` are the times, in seconds, at which recognition was told to start.
    """
    start = segment.seek / FRAMES_PER_S
    return clip_s - start < REMNANT_S and not any(abs(start - time) < 1 / FRAMES_PER_S for time in starts)


def words_without_loops(segment: Any) -> list[Any]:
    """A segment's words without a loop in which Whisper was caught: they would be faster than anybody can speak.

    A learner who says a sentence ten times is repetitive too, at the speed of speech.
    """
    if segment.compression_ratio <= MAX_COMPRESSION_RATIO:
        return list(segment.words)
    if len(segment.tokens) > MAX_TOKENS_PER_S * (segment.end - segment.start):
        return []
    return [word for word in segment.words if word.end - word.start >= MIN_WORD_S]


def group_by_window(segments: Iterable[Any]) -> Iterator[list[Any]]:
    """Whisper's segments, window by window: each window has at least one, even without a word."""
    for _, group in groupby(segments, key=lambda segment: segment.seek):
        yield list(group)


def find_remainder(window: Interval, segments: Iterable[Any]) -> list[Interval]:
    """What comes after the last word that was recognised in a window, if that is longer than a pause.

    Whisper leaves out a sentence that it cannot finish within a window, and sometimes the last one.
    """
    start, end = window
    words_end = max(word.end for segment in segments for word in segment.words)
    has_remainder = words_end - start > MIN_REMAINDER_S and end - words_end > MIN_REMAINDER_S
    return [(words_end, end)] if has_remainder else []


def shift(segment: Any, seconds: float) -> Any:
    """A segment of Whisper's, and its words, `seconds` later."""
    words = [replace(word, start=word.start + seconds, end=word.end + seconds) for word in segment.words]
    return replace(segment, start=segment.start + seconds, end=segment.end + seconds, words=words)


# --- from Whisper's words and segments to ours ---


@dataclass(frozen=True)
class ClipTimes:
    """Maps times in a clip to those in its recording of `recording_s` seconds, of which it starts at `offset_s`."""

    offset_s: float
    recording_s: float

    def interval(self, item: Any) -> Interval:
        """Start and end, in seconds from the recording's start, of a word or a segment of Whisper's."""
        start, end = (round(min(float(time) + self.offset_s, self.recording_s), 2) for time in (item.start, item.end))
        return start, max(start, end)


def join_words(words: list[Any]) -> str:
    return "".join(word.word for word in words)


def to_word(word: Any, times: ClipTimes) -> Word:
    return Word(word.word.strip(), *times.interval(word), round(float(word.probability), 3))


def to_segment(segment: Any, text: str, times: ClipTimes) -> Segment:
    scores = (segment.avg_logprob, segment.compression_ratio, segment.no_speech_prob)
    return Segment(*times.interval(segment), text, *(round(float(score), 4) for score in scores))
