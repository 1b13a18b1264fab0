"""Recordings of which the text is known, as the product hears them by default, with the clearness of each word."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.clearness.corpus import Utterance, read_corpus
from pipeline import personas
from pipeline.audio.decode import decode
from pipeline.errors import BadRequest, ConfigurationError, NoSpeech
from pipeline.jobs.records import read_json
from pipeline.jobs.results import Transcript
from pipeline.model_files.catalogue import locate
from pipeline.settings import Settings
from worker_asr.engine import Recording
from worker_asr.faster_whisper import FasterWhisper
from worker_asr.misheard import LANGUAGE, measure_clearness

MAX_RECORDING_S = 300.0
LIST_FILE = "learners.json"


@dataclass(frozen=True)
class HeardRecording:
    """A recording whose speaker was to say `text`, and of each recognised word its probability and its clearness.

    `language`: the recognised one; "" when nobody was heard to speak.
    """

    identifier: str
    text: str
    language: str
    words: tuple[str, ...]
    probabilities: tuple[float, ...]
    clearness: tuple[float, ...]


def read_utterances(folder: Path) -> list[Utterance]:
    """The recordings of a folder with LIST_FILE, or those of the training half of speechocean762."""
    if not (folder / LIST_FILE).is_file():
        return read_corpus(folder, set())
    facts = json.loads((folder / LIST_FILE).read_text(encoding="utf-8"))
    return [Utterance(each["id"], folder / f"{each['id']}.wav", each["text"]) for each in facts]


def hear_all(utterances: Iterable[Utterance], cache: Path) -> Iterator[HeardRecording]:
    """What is heard in each, one by one; the file `cache` keeps it, since this takes nearly all of the time."""
    cached = {each.identifier: each for each in read_cache(cache)}
    cache.parent.mkdir(parents=True, exist_ok=True)
    listener: Listener | None = None
    for utterance in utterances:
        recording = cached.get(utterance.identifier)
        if recording is None:
            listener = listener or Listener()
            recording = listener.hear(utterance)
            with cache.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(recording), ensure_ascii=False) + "\n")
        yield recording


def read_cache(cache: Path) -> Iterator[HeardRecording]:
    if cache.is_file():
        for line in cache.read_text(encoding="utf-8").splitlines():
            yield read_json(HeardRecording, line)


class Listener:
    """The recogniser with the default settings, on one thread."""

    def __init__(self) -> None:
        settings = Settings(asr_threads=1)
        self.engine = FasterWhisper(locate(settings.asr_model, settings.models_folder), settings)
        self.languages = personas.load(settings.persona, settings.personas).languages

    def hear(self, utterance: Utterance) -> HeardRecording:
        """Raises ConfigurationError when the speech model's words have no clearness."""
        meter = self.engine.misheard_estimator.meter
        if meter is None:
            raise ConfigurationError(
                "WAIJIAO_ASR_MODEL, WAIJIAO_MISHEARD: the clearness of heard words is not measured"
            )
        with utterance.file.open("rb") as file:
            waveform = decode(file, MAX_RECORDING_S)
        (transcript,) = self.engine.transcribe([Recording(waveform, expected_languages=self.languages)])
        nothing = HeardRecording(utterance.identifier, utterance.text, "", (), (), ())
        if isinstance(transcript, NoSpeech):
            return nothing
        if not isinstance(transcript, Transcript):
            raise transcript
        try:
            is_measured = transcript.language == LANGUAGE
            clearness = measure_clearness(meter, transcript.words, waveform) if is_measured else []
        except BadRequest:
            return nothing
        return HeardRecording(
            utterance.identifier,
            utterance.text,
            transcript.language,
            tuple(word.word for word in transcript.words),
            tuple(word.probability for word in transcript.words),
            tuple(clearness),
        )
