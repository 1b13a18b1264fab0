"""Write `data/answers.json`: what the default models recognise in the recordings of `examples/`, and how they answer.

Tests of reports read it, so that they need no models. Run with: python -m tests.support.answer_recordings
"""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pipeline.blob_store import FolderBlobs
from pipeline.jobs.job import JobRequest
from pipeline.jobs.records import to_fields
from pipeline.jobs.results import Feedback, Transcript
from pipeline.settings import Settings, settings
from tests.support.cluster import Cluster
from tests.support.job_steps import always_wanted, claim_job
from tests.support.recordings import RECORDINGS
from worker_asr.transcriber import Transcriber
from worker_llm.responder import Responder

ANSWERS = Path(__file__).parents[1] / "data" / "answers.json"


def answer_recordings(chosen: Settings, recordings: Sequence[Path]) -> list[dict[str, object]]:
    """Each recording's transcript and feedback, made by the workers' own code with the models of the settings.

    `chosen.home` gets a Redis and the recordings, and is to be a folder of its own.
    """
    with Cluster(chosen) as cluster:
        cluster.start("redis")
        transcriber, responder = Transcriber(chosen), Responder(chosen)
        return [answer_recording(cluster, transcriber, responder, path) for path in recordings]


def answer_recording(cluster: Cluster, transcriber: Transcriber, responder: Responder, path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        blob = FolderBlobs(cluster.settings.blobs_folder).put(f"default/{path.stem}", file)
    cluster.jobs.submit(JobRequest(path.stem, path.stem, recording=blob.name))
    job = claim_job(cluster.jobs, "asr")
    (transcript,) = transcriber.transcribe([job], always_wanted)
    assert isinstance(transcript, Transcript), (path, transcript)
    assert cluster.jobs.complete("asr", job, transcript)[0]
    job = claim_job(cluster.jobs, "llm")
    (feedback,) = responder.respond([job], always_wanted)
    assert isinstance(feedback, Feedback), (path, feedback)
    assert cluster.jobs.complete("llm", job, feedback)[0]
    cluster.jobs.cancel("default", path.stem)
    return {"id": path.stem, "transcript": to_fields(transcript), "feedback": to_fields(feedback)}


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        usual = settings()
        chosen = Settings(home=Path(home), models=usual.models_folder, personas=usual.personas, redis_url="", url="")
        answers = answer_recordings(chosen, RECORDINGS)
    lines = ",\n".join(json.dumps(answer, ensure_ascii=False, separators=(",", ":")) for answer in answers)
    ANSWERS.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
