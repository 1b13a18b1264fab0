"""The engine "faster-whisper": Whisper through CTranslate2, on a CPU or a GPU."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
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
from pipeline.jobs.results import Gap, Segment, Transcript, Word
from pipeline.settings import Settings
from worker_asr.engine import Recording
from worker_asr.misheard import MisheardEstimator
from worker_asr.reading import ReadingMeter
from worker_asr.reliability import drop_impossible, group_by_window, is_reliable, keep_reliable
from worker_asr.vad import (
    SAMPLE_RATE,
    WINDOW_S,
    Interval,
    bridge_silences,
    detect_voice,
    find_speech,
    find_windows,
    intersect,
    join_intervals,
    shift_intervals,
    subtract,
)
from worker_asr.whisper_model import WINDOW_FRAMES, NoWindowsLeft, load_whisper

log = logging.getLogger("waijiao")

SHORT_WINDOW_FRAMES = 1500  # frames of 10 ms in a window for short clips
MAX_SHORT_CLIP_S = 14.0  # seconds up to which a clip, and a little silence after it, fit into the short window
FALLBACK_BEAM = 5  # of the second attempt; sampling, Whisper's own fallback, gives other words at every run
MAX_WINDOW_TOKENS = 220  # with a hint of 223 tokens they just fit into Whisper's 448
LANGUAGE_WINDOWS = 3  # of a long recording in which its language is detected
OTHER_LANGUAGE_SHARE = 0.9  # of the probability at which another language is believed; accents reach 0.8, seldom more
UNEXPECTED_SHARE, MIN_UNEXPECTED_PROBABILITY = 0.8, 0.5  # of one that is not expected; accents reach 0.46 and 0.29
NOT_SPOKEN = frozenset({"la"})  # Latin: what Whisper most often takes an accent for

REMNANT_S = 1.0  # seconds after a word that are too short to recognise another one in
MIN_GAP_S = 0.5  # seconds of a voice without words that may be words; less is a breath. Next to a word it is REMNANT_S
MAX_GAP_S = 13.0  # seconds of a gap that is recognised at once: with its margins it fits into the short window
MAX_GAP_WINDOWS = 2  # for each gap: a short one and, if that is not reliable, a full one
MAX_GAP_PAUSE_S = 0.5  # seconds of silence that separate two gaps
GAP_MARGIN_S = 0.2  # seconds before and after a gap that are recognised with it
WORD_MARGIN_S = 0.2  # seconds beside a word in which its sound may lie: the times of words are rough
MAX_WORD_S = 1.0  # seconds of a word; one that seems longer stands for others that were left out
FRAMES_PER_S = 100


class FasterWhisper:
    """A Recogniser. The language is given or detected; words come with their times and probabilities."""

    def __init__(self, model: Path, settings: Settings) -> None:
        self.whisper = load_whisper(model, settings)
        self.beam = settings.asr_beam
        # One after the other, windows are recognised a little better: each begins where the last one's words ended.
        self.windows = settings.asr_windows if settings.asr_device == "cuda" else 1
        self.reading_meter = ReadingMeter(self.whisper, settings)
        self.misheard_estimator = MisheardEstimator(self.whisper, settings)
        self.warm_up()

    def warm_up(self) -> None:
        """Compute once, so that the first learner does not wait for memory to be allocated, or finds none.

        Raises ConfigurationError when it cannot compute here: CUDA's libraries are only looked for now.
        """
        noise = np.random.default_rng(0).normal(0, 0.01, SAMPLE_RATE).astype(np.float32)
        try:
            self.whisper.windows_left = 1
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
            transcript = self.recognise(recording)
            if recording.estimate_misheard:
                transcript = self.misheard_estimator.estimate(transcript, recording.waveform)
            return self.reading_meter.add_reading(transcript, recording.waveform, recording.text)
        except WaijiaoError as error:
            return error
        except RuntimeError as error:  # of CTranslate2; it does not contain what was said
            log.error("a recording was not recognised: %s", safe_traceback(error))
            return OutOfMemory() if is_out_of_memory(error) else EngineFailed()

    def recognise(self, recording: Recording) -> Transcript:
        if recording.language not in (None, *self.whisper.supported_languages):
            raise BadRequest(f"language {recording.language!r}: the speech model does not know it")
        voice = detect_voice(recording.waveform)
        speech = find_speech(voice, recording.waveform.duration_s)
        start, end = speech[0][0], speech[-1][1]
        clip = self.choose_language(crop(recording, start, end))
        self.whisper.windows_left = max_windows(clip.waveform.duration_s)
        segments, language = self.recognise_clip(clip, shift_intervals(bridge_silences(speech), -start))
        clip = replace(clip, language=language)
        segments, gaps = self.recognise_gaps(clip, segments, shift_intervals(voice, -start))
        text = "".join(join_words(segment.words) for segment in segments).strip()
        if not any(char.isalnum() for char in text):
            raise NoSpeech("No words could be made out. Record again, closer to the microphone.")
        times = ClipTimes(start, recording.waveform.duration_s)
        return Transcript(
            text,
            language,
            round(times.recording_s, 3),
            tuple(to_word(word, times) for segment in segments for word in segment.words),
            tuple(to_segment(segment, join_words(segment.words).strip(), times) for segment in segments),
            tuple(Gap(*times.interval(*gap)) for gap in gaps),
        )

    def choose_language(self, clip: Recording) -> Recording:
        """The clip with its language, unless nothing is known of it. No other is expected when it was given."""
        if clip.language:
            return replace(clip, expected_languages=(clip.language,))
        known_languages = self.whisper.supported_languages
        if len(known_languages) == 1:
            return replace(clip, language=known_languages[0])
        if not clip.expected_languages:
            return clip
        probability = self.detect_languages(clip)
        if clip.any_language:
            languages = (*clip.expected_languages, *(name for name in known_languages if name not in NOT_SPOKEN))
            return replace(clip, language=likeliest_language(probability, languages))
        unexpected = find_unexpected_language(probability, clip.expected_languages)
        return replace(clip, language=unexpected or likeliest_language(probability, clip.expected_languages))

    def detect_languages(self, clip: Recording) -> dict[str, float]:
        """The probability of each language, the mean of several windows of a long clip."""
        self.whisper.frames = window_frames(clip)
        count = LANGUAGE_WINDOWS if clip.waveform.duration_s > WINDOW_S else 1
        samples = clip.waveform.samples
        windows = [samples[number * len(samples) // count :] for number in range(count)]
        # the first one is the last, so that its encoding can be used again
        results = [dict(self.whisper.detect_language(window)[2]) for window in reversed(windows)]
        return {name: sum(result.get(name, 0.0) for result in results) / count for name in results[0]}

    def recognise_clip(self, clip: Recording, parts: Sequence[Interval] = ()) -> tuple[list[Any], str]:
        """The reliable segments of the whole clip, and its language; `recognise_gaps` looks at what they leave out.

        A short clip is recognised with the short window, in a third of the time, and if that gives nothing reliable
        with the full one, whose words are believed unless nobody can have said them.
        """
        if self.windows > 1 and clip.waveform.duration_s > WINDOW_S:
            windows, language = self.run_whisper_batched(clip, find_windows(clip.waveform.samples))
            return keep_reliable(chain(*windows), (language, *clip.expected_languages)), language
        frames = window_frames(clip)
        segments, language = self.run_whisper(clip, frames, self.beam, parts)
        languages = language, *clip.expected_languages  # learners mix them
        if is_reliable(segments, languages) or frames == WINDOW_FRAMES:
            return keep_reliable(segments, languages), language
        clip = replace(clip, language=language)
        segments, _ = self.run_whisper(clip, WINDOW_FRAMES, max(self.beam, FALLBACK_BEAM), parts)
        return drop_impossible(segments, languages), language

    def recognise_gaps(
        self, clip: Recording, segments: list[Any], voice: Sequence[Interval]
    ) -> tuple[list[Any], list[Interval]]:
        """The segments with those of the gaps between them, and the gaps that remain, without any words.

        Whisper leaves out sentences that it takes for repetitions, and those that it cannot finish within a window.
        Each gap is recognised by itself; what is left out then is a gap again, unless nothing was recognised.
        """
        remaining_gaps: list[Interval] = []
        gaps = find_gaps(voice, segments)
        if not segments and len(gaps) == 1 and clip.waveform.duration_s < MAX_SHORT_CLIP_S:
            gaps, remaining_gaps = [], gaps  # it was recognised by itself already
        while gaps:
            next_gaps: list[Interval] = []
            for gap, gap_segments in zip(gaps, self.recognise_each(clip, gaps), strict=True):
                segments = segments + gap_segments
                smaller_gaps = find_gaps(intersect(voice, gap), gap_segments)
                has_progress = length_s(smaller_gaps) < length_s([gap]) - MIN_GAP_S
                (next_gaps if has_progress else remaining_gaps).extend(smaller_gaps)
            gaps = next_gaps
        return sorted(segments, key=lambda segment: segment.start), sorted(remaining_gaps)

    def recognise_each(self, clip: Recording, gaps: Sequence[Interval]) -> list[list[Any]]:
        """The reliable segments of each gap, without a hint: its words would be recognised in any short sound."""
        clip = replace(clip, hint="")
        parts = [(max(0.0, start - GAP_MARGIN_S), end + GAP_MARGIN_S) for start, end in gaps]
        if self.windows > 1:
            windows, language = self.run_whisper_batched(clip, parts)
            languages = language, *clip.expected_languages
            return [keep_reliable(segments, languages) for segments in windows]
        return [self.recognise_part(clip, part) for part in parts]

    def recognise_part(self, clip: Recording, part: Interval) -> list[Any]:
        """The reliable segments of a gap, of few windows: what they leave out is a gap again."""
        windows_left = self.whisper.windows_left
        self.whisper.windows_left = gap_windows = min(windows_left, MAX_GAP_WINDOWS)
        segments, _ = self.recognise_clip(crop(clip, *part))
        self.whisper.windows_left += windows_left - gap_windows
        return [shift(segment, part[0]) for segment in segments]

    def run_whisper(
        self, clip: Recording, frames: int, beam: int, parts: Sequence[Interval] = ()
    ) -> tuple[list[Any], str]:
        """Whisper's segments, and the language: the given one, or the detected one. Nothing is left to chance.

        If there are several `parts`, only these are recognised. When no more windows may be computed, the rest is left
        out.
        """
        if not self.whisper.windows_left:
            return [], str(clip.language)
        self.whisper.frames = frames
        borders = [time for part in parts for time in part] if len(parts) > 1 else [0.0]
        found_segments, info = self.whisper.transcribe(
            clip.waveform.samples, clip_timestamps=borders, **whisper_options(clip, beam)
        )
        segments: list[Any] = []
        with suppress(NoWindowsLeft):
            segments.extend(while_wanted(found_segments, clip))
        clip_s = clip.waveform.duration_s
        return [segment for segment in segments if not is_remnant(segment, clip_s, borders)], info.language

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


def max_windows(clip_s: float) -> int:
    """How many windows may be computed for a clip: so many that it does not take longer than 3 s plus its own length.

    A window takes 0.4 to 2.8 core-seconds with Whisper base.
    """
    return 3 + int(clip_s / 3)


def window_frames(clip: Recording) -> int:
    return SHORT_WINDOW_FRAMES if clip.waveform.duration_s < MAX_SHORT_CLIP_S else WINDOW_FRAMES


def crop(recording: Recording, start_s: float, end_s: float) -> Recording:
    samples = resample(recording.waveform, SAMPLE_RATE).samples[
        round(start_s * SAMPLE_RATE) : round(end_s * SAMPLE_RATE)
    ]
    return replace(recording, waveform=Waveform(samples, SAMPLE_RATE))


def is_out_of_memory(error: RuntimeError) -> bool:
    """CTranslate2 has no class for it: "CUDA failed with error out of memory"."""
    return "out of memory" in str(error)


# --- the language ---


def likeliest_language(probability: Mapping[str, float], languages: Sequence[str]) -> str:
    """The first of the languages, unless another one is clearly likelier."""
    first_language = languages[0]
    likeliest = max(languages, key=lambda name: probability.get(name, 0.0))
    return likeliest if is_clearly_likelier(probability, likeliest, first_language) else first_language


def find_unexpected_language(probability: Mapping[str, float], expected_languages: Sequence[str]) -> str:
    """The language that is spoken though it is not expected, "" if none is clear.

    Told that French is English, Whisper translates it, and a learner would be praised for words that nobody said.
    """
    names = [name for name in probability if name not in (*expected_languages, *NOT_SPOKEN)]
    likeliest = max(names, key=lambda name: probability[name], default="")
    is_clear = all(is_clearly_likelier(probability, likeliest, name, UNEXPECTED_SHARE) for name in expected_languages)
    return likeliest if is_clear and probability.get(likeliest, 0.0) > MIN_UNEXPECTED_PROBABILITY else ""


def is_clearly_likelier(
    probability: Mapping[str, float], other: str, first: str, share: float = OTHER_LANGUAGE_SHARE
) -> bool:
    """Whether `other` has more than `share` of the probability of both."""
    other_probability = probability.get(other, 0.0)
    return other_probability > share * (other_probability + probability.get(first, 0.0))


# --- gaps: somebody speaks, but there are no words ---


def find_gaps(voice: Sequence[Interval], segments: Iterable[Any]) -> list[Interval]:
    """Where there is a voice without a word of the segments, long enough for one."""
    spans = [
        (word.start - WORD_MARGIN_S, min(word.end, word.start + MAX_WORD_S) + WORD_MARGIN_S)
        for segment in segments
        for word in segment.words
    ]
    pieces = subtract(voice, spans)
    gaps = join_intervals(pieces, MAX_GAP_PAUSE_S, MAX_GAP_S)
    return [
        gap for gap in gaps if length_s(intersect(pieces, gap)) >= (MIN_GAP_S if is_apart(gap, spans) else REMNANT_S)
    ]


def is_apart(gap: Interval, spans: Iterable[Interval]) -> bool:
    """Whether no word is next to it: it is not the rest of one whose time is wrong."""
    return not any(end >= gap[0] and start <= gap[1] for start, end in spans)


def length_s(intervals: Iterable[Interval]) -> float:
    return sum(end - start for start, end in intervals)


def is_remnant(segment: Any, clip_s: float, starts: Sequence[float]) -> bool:
    """Whether it was recognised in less than a second that was left at a clip's end: words are made up there.

    `starts` are the times, in seconds, at which recognition was told to start.
    """
    start = segment.seek / FRAMES_PER_S
    return clip_s - start < REMNANT_S and not any(abs(start - time) < 1 / FRAMES_PER_S for time in starts)


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

    def interval(self, start: float, end: float) -> Interval:
        """Start and end in seconds from the recording's start."""
        start, end = (round(min(float(time) + self.offset_s, self.recording_s), 2) for time in (start, end))
        return start, max(start, end)


def join_words(words: list[Any]) -> str:
    return "".join(word.word for word in words)


def to_word(word: Any, times: ClipTimes) -> Word:
    return Word(word.word.strip(), *times.interval(word.start, word.end), round(float(word.probability), 3))


def to_segment(segment: Any, text: str, times: ClipTimes) -> Segment:
    scores = (segment.avg_logprob, segment.compression_ratio, segment.no_speech_prob)
    return Segment(*times.interval(segment.start, segment.end), text, *(round(float(score), 4) for score in scores))
