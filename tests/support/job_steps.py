"""A job's road walked by hand: what is asked, what each stage makes of it, and a worker who does it at once."""

from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.results import Answer, Feedback, Transcript
from pipeline.jobs.store import Jobs, ReadyJob, Result

WORKER, OTHER = "worker", "other"
HEARD = Transcript("I go home yesterday", "en", 2.0)
TAUGHT = Feedback("I go home yesterday", "I went home yesterday", "Why?", "I went home yesterday. Why?")
RESET = Feedback("start over", "start over", "A fresh start.", "A fresh start.", reset=True)
SPOKEN = Answer("I went home yesterday. Why?", "default/a/b", "00", 12, 1.0, "wav")
RESULTS = {"asr": HEARD, "llm": TAUGHT, "tts": SPOKEN}


def asked(id_: str, session: str = "anna", tenant: str = "default", recording: bool = True) -> JobRequest:
    return JobRequest(id_, session, tenant, recording=f"{tenant}/{id_}/x" if recording else "", text="hi")


def always_wanted(job: Job) -> bool:
    """What Leases.still_wanted answers while nobody cancels or erases a job."""
    return True


def claimed(jobs: Jobs, stage: str, worker: str = WORKER) -> Job:
    """The one job that is claimed."""
    (job,), _ = jobs.claim(stage, worker, 1)
    return job


def run(jobs: Jobs, stage: str, result: Result | None = None) -> tuple[str, list[ReadyJob]]:
    """Claim one job of the stage and complete it; its name and the bells."""
    job = claimed(jobs, stage)
    done, rung = jobs.complete(stage, job, result or RESULTS[stage])
    assert done
    return job.name, rung


def reach(jobs: Jobs, stage: str) -> Job:
    """The next job, taken along its road until it is claimed for `stage`."""
    for earlier in ("asr", "llm", "tts"):
        if earlier == stage:
            return claimed(jobs, stage)
        run(jobs, earlier)
    raise AssertionError(f"no stage {stage}")


def die(jobs: Jobs, stage: str) -> None:
    """A worker dies on the first job of the stage, again and again, until the job is given up."""
    for _ in range(jobs.settings.attempts + 1):
        jobs.claim(stage, "unlucky", 1)
