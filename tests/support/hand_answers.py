"""An API without workers: the test itself answers each job, with the transcript and the feedback that it wants."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx
import numpy as np

from pipeline.blob_store import FolderBlobs
from pipeline.jobs.job import Job
from pipeline.jobs.results import Answer, Feedback, Part, Transcript
from pipeline.settings import Settings
from tests.support.cluster import Cluster
from tests.support.recordings import make_wav
from tests.support.wait import wait_for
from worker_tts.sentences import split_sentences

SENTENCE_S = 1.0  # how long each spoken sentence is; all are silent
WORKERS = count()  # a worker that claims a second job gives up the first, so that each claim has a worker of its own


class HandAnswers:
    """The API's address, and its jobs."""

    def __init__(self, cluster: Cluster) -> None:
        self.url, self.jobs = cluster.url(), cluster.jobs
        self.blobs = FolderBlobs(cluster.settings.blobs_folder)

    def request(self, method: str, path: str, **content) -> httpx.Response:
        response = httpx.request(method, f"{self.url}{path}", timeout=30, trust_env=False, **content)
        response.raise_for_status()
        return response

    def get(self, path: str) -> dict:
        return dict(self.request("GET", path).json())

    def claim(self, stage: str) -> Job:
        """The next job of the stage, which is waited for."""
        return wait_for(lambda: next(iter(self.jobs.claim(stage, f"hand{next(WORKERS)}", 1)[0]), None))

    def transcribe(self, text: str) -> None:
        """Recognise this text in the next recording."""
        assert self.jobs.complete("asr", self.claim("asr"), Transcript(text, "en", SENTENCE_S))[0]

    def think(self, feedback: Feedback) -> None:
        """Give this feedback to the next job."""
        assert self.jobs.complete("llm", self.claim("llm"), feedback)[0]

    def answer_text(self, feedback: Feedback) -> str:
        """Give this feedback to the next job, and speak it; the job's id."""
        self.think(feedback)
        job = self.claim("tts")
        assert self.jobs.complete("tts", job, self.speak(job, feedback.spoken))[0]
        return job.id

    def answer_recording(self, feedback: Feedback) -> str:
        """Recognise in the next recording what the feedback names as heard, and answer; the job's id."""
        self.transcribe(feedback.heard)
        return self.answer_text(feedback)

    def speak(self, job: Job, text: str) -> Answer:
        """A silent recording for each sentence, and one of all."""
        sentences = split_sentences(text)
        whole = self.store(job, text, len(sentences))
        parts = tuple(self.store(job, sentence, 1) for sentence in sentences)
        return Answer(text, whole.blob, whole.sha256, whole.size, whole.duration_s, "wav", parts)

    def store(self, job: Job, text: str, sentences: int) -> Part:
        seconds = sentences * SENTENCE_S
        blob = self.blobs.put(job.name, io.BytesIO(make_wav(np.zeros(round(16_000 * seconds)))))
        return Part(text, blob.name, blob.sha256, blob.size, seconds)


@contextmanager
def answer_by_hand(settings: Settings) -> Iterator[HandAnswers]:
    with Cluster(settings) as cluster:
        cluster.add_api()
        cluster.start("redis", "api1")
        yield HandAnswers(cluster)


def make_settings(home: Path) -> Settings:
    return Settings(home=home, redis_url="", url="", port=8000)
