"""Real learners' recordings go through `waijiao up` and are answered."""

from tests.support.transcripts import word_error_rate


def test_learners_are_understood_and_answered(app, learners):
    chosen = learners[::4]
    accepted = [app.post(learner.path, session=learner.id) for learner in chosen]
    jobs = [app.wait_until_ended(answer) for answer in accepted]
    assert {job["state"] for job in jobs} == {"succeeded"}
    for job in jobs:
        assert job["transcript"]["words"]
        assert job["feedback"]["heard"] == job["transcript"]["text"]
        assert job["answer"]["duration_s"] > 0.5
    pairs = [(learner.text, job["transcript"]["text"]) for learner, job in zip(chosen, jobs, strict=True)]
    assert word_error_rate(pairs) < 0.45  # young children with strong accents
