"""Makes the lesson card of an answer that is spoken already. Whatever goes wrong here, the answer goes out."""

import io
import logging

from celery.exceptions import SoftTimeLimitExceeded

from pipeline.audio.chapters import FileChapter, add_chapters
from pipeline.audio.decode import decode
from pipeline.audio.encode import encode
from pipeline.blob_store import FolderBlobs
from pipeline.errors import safe_traceback
from pipeline.jobs.job import Job
from pipeline.jobs.results import LessonCard, NoCardReason
from pipeline.settings import Settings
from worker_tts.card.builder import CARD_TITLES, join_parts, join_spoken, list_parts, list_texts, list_utterances
from worker_tts.card.plan import CardPlan, plan_card
from worker_tts.engine import TextToSpeech, Utterance

log = logging.getLogger("waijiao")


class CardMaker:
    """Makes cards with the engine of this worker."""

    def __init__(self, engine: TextToSpeech, blobs: FolderBlobs, settings: Settings) -> None:
        self.engine, self.blobs, self.settings = engine, blobs, settings
        self.is_time_over = False  # the soft limit of the batch comes once: afterwards there is no time for a card

    def make(self, job: Job, voice: Utterance, rate: int) -> LessonCard | NoCardReason:
        """The stored card, or why there is none. `voice` and `rate`: those of the answer."""
        if self.is_time_over:
            return "too_slow"
        if job.attempts.get("tts", 0) >= max(2, self.settings.attempts):
            return "worker_lost"
        try:
            plan = plan_card(job)
            return self.build(job, plan, voice, rate) if isinstance(plan, CardPlan) else plan
        except FileNotFoundError:
            return "no_recording"
        except SoftTimeLimitExceeded:
            self.is_time_over = True
            return "too_slow"
        except Exception as error:  # noqa: BLE001 - the answer goes out whatever happens to its card
            log.error("the lesson card of %s could not be made: %s", job.id, safe_traceback(error))
            return "failed"

    def build(self, job: Job, plan: CardPlan, voice: Utterance, rate: int) -> LessonCard:
        language = "zh" if job.request.page_language == "zh" else "en"
        praise_language = language if self.settings.tts_chinese != "none" else "en"
        with self.blobs.open(job.request.recording) as file:
            recording = decode(file, self.settings.max_recording_s, rate)
        texts = list_utterances(list_texts(plan, praise_language), voice)
        results = iter(self.engine.speak([sentence for sentences in texts for sentence in sentences]))
        speech = [join_spoken([next(results) for _ in sentences], self.settings.tts_pause_s) for sentences in texts]
        sound, chapters = join_parts(list(list_parts(plan, recording, speech)), language)
        format_ = job.request.format
        file_chapters = [FileChapter(each.title, each.start_s, each.end_s) for each in chapters]
        data = add_chapters(encode(sound, format_), format_, CARD_TITLES[language], file_chapters)
        blob = self.blobs.put(job.name, io.BytesIO(data))
        return LessonCard(blob.name, blob.sha256, blob.size, round(sound.duration_s, 3), chapters)
