"""Measures how clearly the words of a known text were said in a recording: the work from samples to figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np

from pipeline.audio.decode import Waveform, resample
from pipeline.errors import BadRequest, ConfigurationError
from pipeline.jobs.results import Word
from pipeline.text.alignment import align as align_texts
from pipeline.text.corrections import WORD
from worker_asr.clearness.alignment import Span, align
from worker_asr.clearness.fluency import Fluency, measure_fluency
from worker_asr.clearness.forced import ForcedDecoder, ForcedScore
from worker_asr.clearness.probe import CLASSES, FRAME_S, PAUSE_CLASS, WIDTH, Probe, load_probe
from worker_asr.clearness.sounds import Reader, split_words
from worker_asr.vad import SAMPLE_RATE, WINDOW_S, Interval, detect_voice, find_speech, find_windows, shift_intervals
from worker_asr.whisper_model import WINDOW_FRAMES, VariableWindowWhisper

PROBE_FILE = Path(__file__).with_name("probe.npz")
SHORT_WINDOW_FRAMES = 1500  # frames of 10 ms; as the recogniser has it, so that nothing is encoded twice
MAX_SHORT_CLIP_S = 14.0
FRAME_SAMPLES = round(FRAME_S * SAMPLE_RATE)
FREQUENCY_WEIGHT = 0.7  # of the sounds' frequency, which is taken away for the alignment
LOWEST = -8.0  # log probability of one sound below which all is the same
ANY_LENGTH = [1] * len(CLASSES)  # frames that a sound lasts at least


@dataclass(frozen=True)
class SpokenWord:
    """One word of the text, where it is in the recording, in seconds, and how clearly it was said there.

    `clearness` is the mean log probability of its sounds: about -1 when it was said well, below -3 when hardly.
    `weakest` is the sound that was heard least, `weakest_clearness` its log probability. `margin` is how far its
    sounds are below the likeliest ones, 0 at best, `least_margin` that of the sound with the least.
    """

    word: str
    start: float
    end: float
    clearness: float
    weakest: str
    weakest_clearness: float
    margin: float
    least_margin: float
    sounds: int
    forced: float  # mean log probability of its tokens in Whisper's decoder; NaN where that has no room
    in_silence: float  # the same where nothing is said: how much it was to be expected
    tokens: int
    recognised: bool  # whether the recogniser has this word, or one that sounds the same, in this place
    probability: float  # the recogniser's, 0 when it has other words


@dataclass(frozen=True)
class SpokenText:
    words: tuple[SpokenWord, ...]
    fluency: Fluency


@dataclass(frozen=True)
class EncodedWindow:
    """A window of a recording from `first` frame on: the encoder's result, and of how many frames of 20 ms."""

    encoding: Any
    first: int
    frames: int


@dataclass(frozen=True)
class PlacedWords:
    """The speech of a recording, which begins after `start` seconds, and for each word the spans of its sounds in it.

    `log_probabilities` [frames, sounds].
    """

    start: float
    windows: list[EncodedWindow]
    log_probabilities: np.ndarray
    spans: list[list[Span]]


class ClearnessMeter:
    """One for each loaded model. Of the recording nothing is kept.

    Raises ConfigurationError when the model is not Whisper base, for which alone the probe was trained.
    """

    def __init__(self, whisper: VariableWindowWhisper, probe: Probe | None = None) -> None:
        self.whisper = whisper
        if not is_supported(whisper):
            raise ConfigurationError("WAIJIAO_ASR_MODEL: the clearness of words can be measured with Whisper base only")
        self.probe = probe or load_probe(PROBE_FILE)
        self.reader = Reader()

    @cached_property
    def decoder(self) -> ForcedDecoder:
        """Loaded for the first text that was read aloud."""
        return ForcedDecoder(self.whisper)

    def measure(self, waveform: Waveform, text: str, transcript_words: Sequence[Word]) -> SpokenText:
        """The words of `text`, in English, as they were said; `transcript_words` are the recognised ones.

        Raises NoSpeech when nobody speaks, BadRequest when the text has no words or too many for this recording.
        """
        words = split_words(text)
        if not words:
            raise BadRequest("The text has no words.", field="text")
        voice = detect_voice(waveform)
        place = self.place(waveform, voice, words)
        spans = place.spans
        forced = self.force(place.windows, words, spans)
        heard = find_recognised(words, transcript_words)
        times = shift_intervals([(each[0].first * FRAME_S, each[-1].end * FRAME_S) for each in spans], place.start)
        result = tuple(
            describe(word, time, place.log_probabilities, word_spans, figures, probability)
            for word, time, word_spans, figures, probability in zip(words, times, spans, forced, heard, strict=True)
        )
        return SpokenText(result, measure_fluency(voice, times, sum(map(len, spans))))

    def measure_clearness(self, waveform: Waveform, words: list[str]) -> list[float]:
        """For each of the English words, at least one, the mean log probability of its sounds where they fit best.

        Raises NoSpeech when nobody speaks, BadRequest when there are too many words for this recording.
        """
        place = self.place(waveform, detect_voice(waveform), words)
        return [float(np.mean(sound_values(place.log_probabilities, spans))) for spans in place.spans]

    def place(self, waveform: Waveform, voice: list[Interval], words: list[str]) -> PlacedWords:
        """Where the words are in the speech of the recording, in which `voice` are the intervals with a voice."""
        speech = find_speech(voice, waveform.duration_s)
        start, end = speech[0][0], speech[-1][1]
        samples = resample(waveform, SAMPLE_RATE).samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        windows = self.encode(samples)
        log_probabilities = self.probe.classify(join_frames(windows, -(-len(samples) // FRAME_SAMPLES)))
        return PlacedWords(start, windows, log_probabilities, self.align(log_probabilities, words))

    def encode(self, samples: np.ndarray) -> list[EncodedWindow]:
        """The whole recording in one window, or a longer one in several that are split in silences."""
        duration_s = len(samples) / SAMPLE_RATE
        parts = [(0.0, duration_s)] if duration_s <= WINDOW_S else find_windows(samples)
        windows = []
        for start, end in parts:
            piece = samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
            frames = min(-(-len(piece) // FRAME_SAMPLES), WINDOW_FRAMES // 2)
            windows.append(EncodedWindow(encode_window(self.whisper, piece), round(start / FRAME_S), frames))
        return windows

    def align(self, log_probabilities: np.ndarray, words: list[str]) -> list[list[Span]]:
        ways = [[[CLASSES.index(sound) for sound in way] for way in word_ways] for word_ways in self.reader.read(words)]
        scores = log_probabilities - FREQUENCY_WEIGHT * np.log(self.probe.frequency)
        return align(scores, ways, PAUSE_CLASS, ANY_LENGTH)

    def force(self, windows: list[EncodedWindow], words: list[str], spans: list[list[Span]]) -> list[ForcedScore]:
        """What Whisper's decoder finds of each word, in the window in which it ends: see ForcedDecoder.score."""
        figures: list[ForcedScore] = []
        ends = [each[-1].end for each in spans]
        borders = [window.first for window in windows[1:]] + [max(ends) + 1]
        first = 0
        for window, border in zip(windows, borders, strict=True):
            last = first
            while last < len(words) and ends[last] <= border:
                last += 1
            figures += self.decoder.score(window.encoding, words[first:last], 2 * window.frames)
            first = last
        return figures


def is_supported(whisper: VariableWindowWhisper) -> bool:
    """Whether the model is Whisper base for all languages, the only one with frames as wide as the probe's."""
    if not whisper.model.is_multilingual:
        return False
    whisper.frames = SHORT_WINDOW_FRAMES
    return int(encode_window(whisper, np.zeros(SAMPLE_RATE, np.float32)).shape[2]) == WIDTH


def encode_window(whisper: VariableWindowWhisper, samples: np.ndarray) -> Any:
    """The encoder's result for at most 30 s at SAMPLE_RATE, in the same window as the recogniser has it."""
    whisper.frames = SHORT_WINDOW_FRAMES if len(samples) < MAX_SHORT_CLIP_S * SAMPLE_RATE else WINDOW_FRAMES
    features = whisper.feature_extractor(samples)[:, : whisper.frames]
    return whisper.encode(np.pad(features, ((0, 0), (0, whisper.frames - features.shape[1]))))


def join_frames(windows: Sequence[EncodedWindow], count: int) -> np.ndarray:
    """The encoder's frames of the whole recording, [count, WIDTH]; zeros between windows, where nobody speaks."""
    frames = np.zeros((max(count, windows[-1].first + windows[-1].frames), WIDTH), np.float32)
    for window in windows:
        encoding = window.encoding
        if encoding.device != "cpu":
            encoding = encoding.to_device(ctranslate2.Device.cpu)
        frames[window.first : window.first + window.frames] = np.asarray(encoding)[0][: window.frames]
    return frames


def describe(
    word: str,
    time: Interval,
    log_probabilities: np.ndarray,
    spans: Sequence[Span],
    forced: ForcedScore,
    probability: float | None,
) -> SpokenWord:
    """The figures of a word whose sounds are in `spans`; `forced` is what ForcedDecoder.score says of it."""
    values, margins = sound_values(log_probabilities, spans), []
    for span in spans:
        frames = log_probabilities[span.first : span.end]
        margins.append(max(LOWEST, float((frames[:, span.sound] - frames.max(axis=1)).mean())))
    weakest = int(np.argmin(values))
    return SpokenWord(
        word,
        round(time[0], 2),
        round(time[1], 2),
        float(np.mean(values)),
        CLASSES[spans[weakest].sound],
        values[weakest],
        float(np.mean(margins)),
        min(margins),
        len(spans),
        *forced,
        probability is not None,
        probability or 0.0,
    )


def sound_values(log_probabilities: np.ndarray, spans: Sequence[Span]) -> list[float]:
    """The mean log probability of each sound in its span."""
    return [max(LOWEST, float(log_probabilities[each.first : each.end, each.sound].mean())) for each in spans]


def find_recognised(words: Sequence[str], transcript_words: Sequence[Word]) -> list[float | None]:
    """For each word of the text the probability of the recognised words in its place; None where they differ."""
    heard = [word for word in transcript_words if word.word.strip()]
    text = " ".join(word.word.strip() for word in heard)
    probabilities = [word.probability for word in heard]
    count = len(WORD.findall(text))
    if count != len(heard):  # a word with a space or with Chinese characters
        probabilities = [float(np.mean(probabilities))] * count
    probabilities_in_text: list[float | None] = [None] * len(words)
    for span in align_texts(text, " ".join(words)):
        if span.sounds_same and span.hypothesis:
            probability = float(np.mean(probabilities[slice(*span.hypothesis_at)]))
            for number in range(*span.reference_at):
                probabilities_in_text[number] = probability
    return probabilities_in_text
