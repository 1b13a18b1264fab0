"""From a job to its spoken answer: sentence by sentence, alternating with the other jobs of the batch.

Each sentence is stored and published as soon as it exists, so that playback can start before the last one is spoken.
"""

import io
import zlib
from collections import deque
from dataclasses import replace
from typing import Any

from pipeline.audio.decode import Waveform
from pipeline.audio.encode import encode
from pipeline.blob_store import Blob, FolderBlobs
from pipeline.errors import Canceled, NothingToSay, WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Answer, LessonCard, Part
from pipeline.jobs.store import Jobs
from pipeline.levels import choose_speed
from pipeline.personas import Persona
from pipeline.personas import load as load_persona
from pipeline.redis_connection import FAST, connect
from pipeline.settings import Settings
from pipeline.worker.leases import StillWanted
from pipeline.worker.partial_results import publishing
from worker_tts.card.maker import CardMaker
from worker_tts.engine import Utterance
from worker_tts.sentences import join_waveforms, split_sentences
from worker_tts.two_engines import load_all


class SpeechSynthesizer:
    """The work of the stage `tts`, with the engine of this worker."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.jobs = Jobs(connect(settings, FAST), settings)
        self.blobs = FolderBlobs(settings.blobs_folder)
        self.engine = load_all(settings)

    def speak(self, batch: list[Job], still_wanted: StillWanted) -> list[Answer | WaijiaoError]:
        """The stored audio of each job, or why there is none.

        The first sentences of all jobs are one call of the engine, then the second ones, so that all start soon.
        """
        answers = [AnswerBuilder(job, self.build_utterance(job), self.blobs, still_wanted) for job in batch]
        with publishing(self.jobs, "tts") as partial_results:
            while unfinished_answers := [answer for answer in answers if answer.has_more()]:
                waveforms = self.engine.speak([answer.next_utterance() for answer in unfinished_answers])
                for answer, waveform in zip(unfinished_answers, waveforms, strict=True):
                    if part := answer.add(waveform):
                        partial_results.part(answer.job, part)
            results = [answer.finish(self.settings.tts_pause_s) for answer in answers]
        return self.add_cards(answers, results)

    def add_cards(
        self, answers: list["AnswerBuilder"], results: list[Answer | WaijiaoError]
    ) -> list[Answer | WaijiaoError]:
        """The answers with the lesson cards that were asked for, which are made when all answers can be played."""
        maker = CardMaker(self.engine, self.blobs, self.settings)
        return [
            replace(result, **answer.make_card(maker))
            if isinstance(result, Answer) and answer.job.request.card
            else result
            for answer, result in zip(answers, results, strict=True)
        ]

    def build_utterance(self, job: Job) -> Utterance:
        """The whole text that the job asks to be spoken, or the teacher's answer, with its voice."""
        job_request = job.request
        if job_request.task == "speak":  # always with the same seed: the same request sounds the same
            return Utterance(
                job_request.text, job_request.voice, job_request.speed, job_request.language or Utterance.language
            )
        if job.feedback is None:
            raise NothingToSay("The job has no words to speak.")
        persona = load_persona(job_request.persona, self.settings.personas)
        language = persona.languages[0]
        return Utterance(
            job.feedback.spoken,
            voice=self.choose_voice(persona, language) if job_request.voice == "default" else job_request.voice,
            speed=choose_speed(job_request.speed, job_request.details.get("level", "")),
            language=language,
            seed=zlib.crc32(job_request.conversation.encode()),  # one for a session: the voice stays the same person
            chinese_voice=self.choose_voice(persona, "zh"),
        )

    def choose_voice(self, persona: Persona, language: str) -> str:
        """The first of the persona's preferred voices that the engine has."""
        return next((voice for voice in persona.voices.get(language, ()) if voice in self.engine.voices), "default")


class AnswerBuilder:
    """One job's answer while it is spoken: the sentences that are still to be spoken, and the parts that are done."""

    def __init__(self, job: Job, utterance: Utterance, blobs: FolderBlobs, still_wanted: StillWanted) -> None:
        self.job, self.utterance, self.blobs, self.still_wanted = job, utterance, blobs, still_wanted
        self.sentences = deque(split_sentences(utterance.text))  # from the first one that is not spoken yet
        self.waveforms: list[Waveform] = []
        self.parts: list[Part] = []
        self.failure: WaijiaoError | None = None

    def has_more(self) -> bool:
        """Whether there is another sentence to speak; not for a job that failed or is not wanted any more."""
        if self.sentences and not self.still_wanted(self.job):
            self.failure = Canceled()
        return bool(self.sentences) and not self.failure

    def next_utterance(self) -> Utterance:
        return replace(self.utterance, text=self.sentences[0])

    def add(self, result: Waveform | WaijiaoError) -> Part | None:
        """Store what the engine made of the next sentence; None when there was nothing to say, or it failed."""
        sentence = self.sentences.popleft()
        if isinstance(result, NothingToSay):
            return None
        try:
            if isinstance(result, WaijiaoError):
                raise result
            blob = self.store(join_waveforms([result], pause_s=0))
        except WaijiaoError as error:
            self.failure = error
            return None
        part = Part(sentence, blob.name, blob.sha256, blob.size, round(result.duration_s, 3))
        self.waveforms.append(result)
        self.parts.append(part)
        return part

    def finish(self, pause_s: float) -> Answer | WaijiaoError:
        """The whole answer, its sentences `pause_s` seconds apart; or why there is none, and its parts are removed."""
        try:
            return self.join_parts(pause_s)
        except WaijiaoError as error:
            for part in self.parts:
                self.blobs.delete(part.blob)
            return error

    def join_parts(self, pause_s: float) -> Answer:
        if self.failure:
            raise self.failure
        if not self.parts:
            raise NothingToSay
        waveform = join_waveforms(self.waveforms, pause_s)
        single_part = self.parts[0] if len(self.parts) == 1 else None
        blob = Blob(single_part.blob, single_part.size, single_part.sha256) if single_part else self.store(waveform)
        duration_s, format = round(waveform.duration_s, 3), self.job.request.format
        return Answer(self.utterance.text, blob.name, blob.sha256, blob.size, duration_s, format, tuple(self.parts))

    def make_card(self, maker: CardMaker) -> dict[str, Any]:
        """The fields of the answer that say what became of its card."""
        card = maker.make(self.job, self.utterance, self.waveforms[0].rate)
        return {"card": card} if isinstance(card, LessonCard) else {"no_card": card}

    def store(self, waveform: Waveform) -> Blob:
        return self.blobs.put(self.job.name, io.BytesIO(encode(waveform, self.job.request.format)))
