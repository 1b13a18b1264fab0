"""Steps of a job, done by hand: a request, a result for each stage, and workers that finish or die at once."""

from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.results import Answer, Feedback, Transcript
from pipeline.jobs.store import Jobs, ReadyJob, Result

WORKER, OTHER = "worker", "other"
TRANSCRIPT = Transcript("I go home yesterday", "en", 2.0)
FEEDBACK = Feedback("I go home yesterday", "I went home yesterday", "Why?", "I went home yesterday. Why?")
RESET_FEEDBACK = Feedback("start over", "start over", "A fresh start.", "A fresh start.", reset=True)
ANSWER = Answer("I went home yesterday. Why?", "default/a/b", "00", 12, 1.0, "wav")
RESULTS = {"asr": TRANSCRIPT, "llm": FEEDBACK, "tts": ANSWER}


def make_job_request(id_: str, session: str = "anna", tenant: str = "default", recording: bool = True) -> JobRequest:
    return JobRequest(id_, session, tenant, recording=f"{tenant}/{id_}/x" if recording else "", text="hi")


def always_wanted(job: Job) -> bool:
    """Stands for Leases.still_wanted while nobody cancels or erases a job."""
    return True


def claim_job(jobs: Jobs, stage: str, worker: str = WORKER) -> Job:
    """Claim one job of the stage."""
    (job,), _ = jobs.claim(stage, worker, 1)
    return job


def run_stage(jobs: Jobs, stage: str, result: Result | None = None) -> tuple[str, list[ReadyJob]]:
    """Claim one job of the stage and complete it; return its name and the jobs that became ready."""
    job = claim_job(jobs, stage)
    done, ready_jobs = jobs.complete(stage, job, result or RESULTS[stage])
    assert done
    return job.name, ready_jobs


def reach(jobs: Jobs, stage: str) -> Job:
    """Complete the stages of the next job before `stage`, and claim it at `stage`."""
    for earlier in ("asr", "llm", "tts"):
        if earlier == stage:
            return claim_job(jobs, stage)
        run_stage(jobs, earlier)
    raise AssertionError(f"no stage {stage}")


def let_job_die(jobs: Jobs, stage: str) -> None:
    """Let workers die on the first job of the stage until its attempts are used up."""
    for _ in range(jobs.settings.attempts + 1):
        jobs.claim(stage, "unlucky", 1)
