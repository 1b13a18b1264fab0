"""What several benchmarks share: a server of their own in a temporary folder, and the three models called directly."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, get_args

from pipeline.audio.decode import Waveform
from pipeline.audio.encode import encode
from pipeline.errors import WaijiaoError
from pipeline.jobs.job import Job as Record
from pipeline.jobs.job import JobRequest, ModelStage
from pipeline.jobs.results import Feedback
from pipeline.schemas.jobs import Job
from pipeline.settings import Settings
from waijiao.local.supervisor import Supervisor
from waijiao.local.up import ONE_WORKER_EACH, free_port, prepare
from worker_asr import engine as asr
from worker_asr.engine import Recording
from worker_llm import engine as llm
from worker_llm.grammar.corrector import load_checker
from worker_llm.tutor.teacher import Teacher
from worker_tts import engine as tts
from worker_tts.engine import Utterance
from worker_tts.sentences import join_waveforms, split_sentences

EXAMPLE_RECORDINGS = Path(__file__).resolve().parents[1] / "examples" / "recordings"
MODEL_STAGES: tuple[ModelStage, ...] = get_args(ModelStage)
T = TypeVar("T")
LEARNERS_SENTENCES = (
    "Yesterday I go to the library and I read two book.",
    "My sister like to eat apple every morning.",
    "They was very happy because the weather are good.",
    "He have two dog and one cat in he house.",
    "I am go to school by bus with my friend.",
    "Last summer we was swimming in the sea every days.",
    "She don't like milk but she drink tea.",
    "My mother are a teacher and she teach English.",
)


@contextmanager
def temporary_settings(**overrides: Any) -> Iterator[Settings]:
    """Settings with a temporary home, a Redis of their own and a free port, but with the installed models."""
    with tempfile.TemporaryDirectory(prefix="waijiao-benchmark-") as folder:
        models = Settings().models_folder
        yield Settings(home=Path(folder), models=models, redis_url="", port=free_port(), **overrides)


@contextmanager
def run_server(settings: Settings, workers: Mapping[str, int] = ONE_WORKER_EACH) -> Iterator[Supervisor]:
    """Everything that `waijiao up` starts, once every model accepts jobs."""
    prepare(settings, dict(workers))
    with Supervisor(settings, dict(workers)) as server:
        server.wait_until_ready()
        yield server


class SessionlessTeacher(Teacher):
    """The teacher of the worker, for turns of which none belongs to a session: it reads nothing from Redis."""

    def load_earlier(self, job: Record) -> list[tuple[int, Feedback]]:
        return []


class DirectModels:
    """The three models in this process, called without a queue. Their errors are raised."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.asr, self.llm, self.tts = asr.load(settings), llm.load(settings), tts.load(settings)
        checker = load_checker(settings)
        self.teacher = SessionlessTeacher(settings, self.llm.count_tokens, checker, getattr(checker, "rank", None))
        self.teacher.warm()

    def transcribe(self, waveform: Waveform) -> str:
        (transcript,) = self.asr.transcribe([Recording(waveform, "en")])
        return raise_error(transcript).text

    def respond(self, transcript: str) -> str:
        """The text that is to be spoken to the learner."""
        request = JobRequest("direct", session="", text=transcript, persona=self.settings.persona)
        turn = self.teacher.prepare(Record(request, 1, "llm", "", 1, 0, 0, 0))
        if isinstance(turn, Feedback):
            return turn.spoken
        return turn.make_feedback(raise_error(self.llm.reply([turn.prompt])[0]).text).spoken

    def synthesize(self, text: str) -> bytes:
        """The text as a WAV file."""
        waveforms = self.tts.speak([Utterance(sentence) for sentence in split_sentences(text)])
        return encode(join_waveforms([raise_error(each) for each in waveforms], self.settings.tts_pause_s), "wav")


def raise_error(result: T | WaijiaoError) -> T:
    """The result of an engine, unless it is an error, which is raised."""
    if isinstance(result, WaijiaoError):
        raise result
    return result


def job_seconds(job: Job) -> float:
    """Seconds from acceptance to the answer, by the job's own record, so that polling for it does not count."""
    return (job.updated_at - job.created_at).total_seconds()
