"""An engine, and a second one beside it that speaks the Chinese sentences."""

from dataclasses import replace

from pipeline.audio.decode import Waveform, resample
from pipeline.errors import WaijiaoError
from pipeline.settings import Settings
from pipeline.worker.engine_loader import import_name
from worker_tts.engine import TextToSpeech, Utterance, load
from worker_tts.kokoro.phonemes import has_chinese

CHINESE_ENGINES = {"kokoro": "worker_tts.kokoro.engine:KokoroEngine"}  # called with the settings alone


class TwoEngines:
    """`main` speaks what has no Chinese characters, `chinese` what has, and all for which one of its voices is named.

    What the second one speaks has the sample rate of the first one, so that their sentences can be joined.
    """

    def __init__(self, main: TextToSpeech, chinese: TextToSpeech) -> None:
        self.main, self.chinese = main, chinese
        self.voices = tuple(dict.fromkeys((*main.voices, *chinese.voices)))
        (first,) = main.speak([Utterance("Hello.")])
        self.rate = first.rate if isinstance(first, Waveform) else 0

    def speak(self, utterances: list[Utterance]) -> list[Waveform | WaijiaoError]:
        own_voices = set(self.chinese.voices) - {"default"}
        results: dict[int, Waveform | WaijiaoError] = {}
        for engine, is_chinese in ((self.main, False), (self.chinese, True)):
            places = [
                place
                for place, each in enumerate(utterances)
                if (has_chinese(each.text) or each.voice in own_voices) is is_chinese
            ]
            parts = [self.with_voice(utterances[place], own_voices) for place in places]
            results |= zip(places, engine.speak(parts), strict=True)
        return [self.at_one_rate(results[place]) for place in range(len(utterances))]

    def with_voice(self, utterance: Utterance, own_voices: set[str]) -> Utterance:
        """With its voice for Chinese, where the text is Chinese and no voice for Chinese was asked for."""
        if not has_chinese(utterance.text) or utterance.voice in own_voices:
            return utterance
        voice = utterance.chinese_voice if utterance.chinese_voice in own_voices else "default"
        return replace(utterance, voice=voice)

    def at_one_rate(self, result: Waveform | WaijiaoError) -> Waveform | WaijiaoError:
        is_other = isinstance(result, Waveform) and self.rate and result.rate != self.rate
        return resample(result, self.rate) if is_other and isinstance(result, Waveform) else result


def load_all(settings: Settings) -> TextToSpeech:
    """The engine that the settings name, with the one for Chinese beside it if they name one.

    Raises ConfigurationError if one of them cannot work here.
    """
    engine = load(settings)
    if settings.tts_chinese == "none":
        return engine
    return TwoEngines(engine, import_name(CHINESE_ENGINES[settings.tts_chinese])(settings))
