"""Puts a lesson card together: own words, better sentence, the same slowly, a pause to repeat; at the end praise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.audio.decode import Waveform
from pipeline.audio.loudness import even_loudness
from pipeline.errors import EngineFailed, NothingToSay, WaijiaoError
from pipeline.jobs.results import CardChapter, ChapterKind
from worker_tts.card.plan import CardPlan, Stretch
from worker_tts.engine import Utterance
from worker_tts.sentences import fade, join_waveforms, split_sentences

SLOW = 0.7  # of the voice's speed
FADE_S = 0.01  # seconds in which each part begins and ends
PAUSE_S = 0.6  # seconds of silence after each part, which belong to its chapter
REPEAT_TIMES = 1.5  # of the better sentence's length, to repeat it
REPEAT_MIN_S = 2.0

TITLES: dict[str, dict[ChapterKind, str]] = {
    "en": {
        "own_words": "Your words",
        "better": "The better sentence",
        "slow": "Slowly",
        "repeat": "Your turn",
        "praise": "Praise",
    },
    "zh": {
        "own_words": "你说的话",
        "better": "更好的句子",
        "slow": "慢一点",
        "repeat": "轮到你了",
        "praise": "表扬",
    },
}
CARD_TITLES = {"en": "Lesson card", "zh": "学习卡"}


@dataclass(frozen=True)
class CardPart:
    """What is heard in one chapter; `number` counts the sentences from 1, and is 0 of what belongs to none."""

    kind: ChapterKind
    number: int
    sound: Waveform


def list_texts(plan: CardPlan, praise_language: str) -> list[tuple[str, bool]]:
    """All that the voice says for a card, in the order of the card, and whether slowly."""
    texts = [(each.better, is_slow) for each in plan.sentences if each.better for is_slow in (False, True)]
    return [*texts, (plan.praise[praise_language], False)]


def list_utterances(texts: Sequence[tuple[str, bool]], voice: Utterance) -> list[list[Utterance]]:
    """For each text the sentences that the engine is given, spoken as `voice` says."""
    return [
        [
            Utterance(
                sentence,
                voice.voice,
                voice.speed * (SLOW if is_slow else 1),
                voice.language,
                voice.seed,
                voice.chinese_voice,
            )
            for sentence in split_sentences(text)
        ]
        for text, is_slow in texts
    ]


def join_spoken(results: Sequence[Waveform | WaijiaoError], pause_s: float) -> Waveform:
    """What the engine made of a text's sentences, as one waveform. Raises the error of the first that failed."""
    waveforms = []
    for result in results:
        if isinstance(result, NothingToSay):
            continue
        if isinstance(result, WaijiaoError):
            raise result
        waveforms.append(result)
    if not waveforms:
        raise NothingToSay
    return join_waveforms(waveforms, pause_s)


def list_parts(plan: CardPlan, recording: Waveform, speech: Sequence[Waveform]) -> Iterator[CardPart]:
    """The parts of a card in their order; `speech` has what `list_texts` lists, at the rate of the recording."""
    voices = iter(speech)
    for number, sentence in enumerate(plan.sentences, 1):
        yield CardPart("own_words", number, take_stretch(recording, sentence.own_words))
        if sentence.better:
            better = next(voices)
            yield CardPart("better", number, better)
            yield CardPart("slow", number, next(voices))
            count = round(max(REPEAT_MIN_S, REPEAT_TIMES * better.duration_s) * better.rate)
            yield CardPart("repeat", number, Waveform(np.zeros(count, np.float32), better.rate))
    yield CardPart("praise", 0, next(voices))


def take_stretch(recording: Waveform, stretch: Stretch) -> Waveform:
    """A stretch of the recording. Raises EngineFailed where the recording has nothing there: its times are wrong."""
    start, end = (max(0, round(seconds * recording.rate)) for seconds in (stretch.start_s, stretch.end_s))
    samples = recording.samples[start:end]
    if not len(samples):
        raise EngineFailed("The words of the transcript lie outside of the recording.")
    return Waveform(samples, recording.rate)


def join_parts(parts: Sequence[CardPart], language: str) -> tuple[Waveform, tuple[CardChapter, ...]]:
    """The card and its chapters: each part equally loud, with a pause after it; chapters follow without a gap.

    `language`: en or zh, of the chapters' titles.
    """
    (rate,) = {part.sound.rate for part in parts}
    sentence_count = max(part.number for part in parts)
    pause = np.zeros(round(PAUSE_S * rate), np.float32)
    pieces: list[np.ndarray] = []
    chapters: list[CardChapter] = []
    count = 0
    for part in parts:
        start = count
        pieces += [fade(even_loudness(part.sound), FADE_S), pause]
        count += len(part.sound.samples) + len(pause)
        number = f" {part.number}" if part.number and sentence_count > 1 else ""
        title = TITLES[language][part.kind] + number
        chapters.append(CardChapter(part.kind, title, round(start / rate, 3), round(count / rate, 3)))
    return Waveform(np.concatenate(pieces), rate), tuple(chapters)
