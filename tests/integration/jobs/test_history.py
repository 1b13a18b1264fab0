"""The history of a session has the turns of its own learner and no others."""

from pipeline.jobs.job import JobRequest
from tests.support.job_steps import FEEDBACK, WORKER
from worker_llm.tutor.teacher import Teacher


def words(text):
    return len(text.split())


def test_two_learners_whose_sessions_have_one_name_do_not_share_a_history(jobs, settings):
    for owner in ("anna", "ben"):
        jobs.submit(JobRequest(f"{owner}1", "homework", text=f"I am {owner}", owner=owner))
        (job,), _ = jobs.claim("llm", WORKER, 1)
        jobs.complete("llm", job, FEEDBACK)
    jobs.submit(JobRequest("anna2", "homework", text="Who am I", owner="anna"))
    (job,), _ = jobs.claim("llm", WORKER, 1)
    assert Teacher(settings, words).load_earlier(job) == [(1, FEEDBACK)]


def test_a_chat_is_not_in_the_history_of_a_session(jobs, settings):
    jobs.submit(JobRequest("chat", "anna", task="chat", details={"messages": []}))
    jobs.cancel("default", "chat")
    jobs.submit(JobRequest("turn", "anna", text="hello"))
    (job,), _ = jobs.claim("llm", WORKER, 1)
    assert Teacher(settings, words).load_earlier(job) == []
