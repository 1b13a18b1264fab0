"""A study plan over the turns of a session in a real Redis: where the questions stand survives repeated work."""

import time
from dataclasses import replace

import pytest

from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.records import to_json
from pipeline.jobs.rerun import answer_as_said
from pipeline.jobs.results import Feedback, Transcript, Word
from pipeline.jobs.store import Jobs
from pipeline.learners.entries import LedgerEntry, MistakeNote
from pipeline.learners.store import Ledgers, entries_key, times_key
from tests.support.job_steps import claim_job, run_stage
from tests.support.scripted_checker import ScriptedChecker
from worker_llm.tutor.prompt import PreparedTurn, build_persona_messages
from worker_llm.tutor.teacher import Teacher

REQUEST = "Make me a plan for this week."
ANSWERS = ("Fifteen minutes.", "Prepositions.", "I like to talk about football.")


class Learner:
    """Says one thing after the other in the session `anna`."""

    def __init__(self, jobs, settings):
        self.jobs = jobs
        self.teacher = Teacher(settings, len, ScriptedChecker({"go": "went"}))
        self.prompts = []

    def submit(self, text="", transcript=None, **fields) -> None:
        name = f"turn{self.jobs.redis.incr('test:turns')}"
        recording = f"default/{name}/x" if transcript else ""
        assert self.jobs.submit(JobRequest(name, "anna", text=text, recording=recording, **fields)).job
        if transcript:
            run_stage(self.jobs, "asr", transcript)

    def think(self, job: Job) -> Feedback:
        result = self.teacher.prepare(job)
        if isinstance(result, PreparedTurn):
            self.prompts.append(result.prompt)
            return result.make_feedback("")
        assert isinstance(result, Feedback)
        return result

    def hear(self) -> Feedback:
        """The feedback on the next job, which is spoken."""
        job = claim_job(self.jobs, "llm")
        feedback = self.think(job)
        assert self.jobs.complete("llm", job, feedback)[0]
        run_stage(self.jobs, "tts")
        return feedback

    def say(self, text="", transcript=None, **fields) -> Feedback:
        self.submit(text, transcript, **fields)
        return self.hear()


@pytest.fixture
def learner(jobs: Jobs, settings) -> Learner:
    return Learner(jobs, settings)


def remember(jobs: Jobs, *kinds: str) -> None:
    """Put two mistakes of each kind into the ledger of the session's learner."""
    for kind in kinds:
        note = MistakeNote(kind, "go", "went", f"I go {kind}.", f"I went {kind}.")
        jobs.redis.hset(entries_key("default", "session-anna"), kind, to_json(LedgerEntry(kind, (note, note))))
        jobs.redis.zadd(times_key("default", "session-anna"), {kind: time.time()})


def transcribe(text: str, language: str, probability: float) -> Transcript:
    words = tuple(Word(word, n, n + 1.0, probability) for n, word in enumerate(text.split()))
    return Transcript(text, language, 3.0, words)


def test_a_plan_is_made_of_the_ledger_in_the_very_turn(learner, jobs):
    remember(jobs, "R:VERB:TENSE", "M:DET")
    feedback = learner.say(REQUEST)
    assert feedback.plan.basis == "ledger"
    assert {day.kind for day in feedback.plan.days} == {"R:VERB:TENSE", "M:DET", ""}
    assert "I went R:VERB:TENSE." in feedback.explanation
    assert learner.prompts == []


@pytest.mark.parametrize(
    ("aside", "beginning"),
    [
        ("What is your name?", "My name is William."),
        ("How old are you?", "I am a computer teacher"),
        ("你叫什么名字？", "My name is William."),
        ("My phone number is 13800138000.", "Please keep your address"),
        ("I live at 12 Green Street.", "Please keep your address"),
        ("This is bullshit.", "Let's use kind words."),
        ("你是傻逼", "Let's use kind words."),
        ("Um", "I did not catch that."),
    ],
)
@pytest.mark.parametrize("place", [1, 2, 3])
def test_what_answers_no_question_is_answered_and_the_question_asked_again(learner, aside, beginning, place):
    texts = [REQUEST, *ANSWERS]
    asked = [learner.say(text) for text in texts[:place]][-1]
    again = learner.say(aside)
    assert again.plan_question == asked.plan_question
    assert again.reply.startswith(beginning)
    plan = [learner.say(text) for text in texts[place:]][-1].plan
    assert plan.minutes == 15
    assert any(day.kind == "R:PREP" for day in plan.days)


@pytest.mark.parametrize(
    "text", ["Fifteen minutes. And you?", "帮我练听力", "Verbs. How are you?", "Names of animals."]
)
def test_an_answer_with_a_question_in_it_stays_an_answer(learner, text):
    learner.say(REQUEST)
    assert learner.say(text).plan_question == "hard"


def test_without_a_ledger_three_questions_come_one_after_another(learner):
    feedbacks = [learner.say(text) for text in (REQUEST, *ANSWERS)]
    assert [each.plan_question for each in feedbacks] == ["minutes", "hard", "topic", ""]
    assert [each.plan is not None for each in feedbacks] == [False, False, False, True]
    assert {each.verdict for each in feedbacks} == {"not_checked"}
    plan = feedbacks[-1].plan
    assert (plan.minutes, plan.days[0].kind) == (15, "R:PREP")
    assert "football" in plan.days[-1].task["en"]


@pytest.mark.parametrize("turn", range(4))
def test_a_turn_whose_worker_was_lost_comes_to_the_same_question_again(learner, jobs, turn):
    texts = (REQUEST, *ANSWERS)
    for text in texts[:turn]:
        learner.say(text)
    learner.submit(texts[turn])
    claimed = claim_job(jobs, "llm")
    lost = learner.think(claimed)
    assert learner.hear() == lost  # a worker that claims again has lost its job
    assert not jobs.complete("llm", claimed, lost)[0]
    assert [learner.say(text).plan_question for text in texts[turn + 1 :]] == ["hard", "topic", ""][turn:]


def test_a_result_that_is_committed_again_asks_no_question_twice(learner, jobs):
    learner.submit(REQUEST)
    job = claim_job(jobs, "llm")
    for _ in range(3):  # the answer was lost on its way
        assert jobs.complete("llm", job, learner.think(job))[0]
    run_stage(jobs, "tts")
    assert [learner.say(text).plan_question for text in ANSWERS] == ["hard", "topic", ""]


def test_turns_that_are_sent_before_the_answer_are_answers_to_their_questions(learner):
    for text in (REQUEST, *ANSWERS):
        learner.submit(text)
    assert [learner.hear().plan_question for _ in range(4)] == ["minutes", "hard", "topic", ""]


def test_an_answer_that_was_heard_wrongly_may_be_mended(learner, jobs):
    learner.say(REQUEST)
    learner.say(transcript=transcribe("Then minutes.", "en", 0.9))
    answer_as_said(jobs, jobs.get("default", "turn2"), "Ten minutes.")
    assert learner.hear().plan_question == "hard"
    learner.say(ANSWERS[1])
    assert learner.say(ANSWERS[2]).plan.minutes == 10


def test_of_an_erased_learner_no_question_remains(learner, jobs):
    for text in (REQUEST, ANSWERS[0]):
        learner.say(text)
    jobs.erase("default", "anna")
    feedback = learner.say(ANSWERS[1])
    assert (feedback.plan, feedback.plan_question) == (None, "")


def test_a_learner_who_is_erased_while_the_plan_is_made_gets_none(learner, jobs):
    remember(jobs, "R:VERB:TENSE", "M:DET")
    learner.submit(REQUEST)
    job = claim_job(jobs, "llm")
    plan = learner.think(job)
    jobs.erase("default", "anna")
    assert not jobs.complete("llm", job, plan)[0]
    assert learner.say(REQUEST).plan_question == "minutes"


def test_a_session_that_was_started_over_has_no_open_question(learner):
    learner.say(REQUEST)
    learner.say("Start over.")
    assert learner.say("ten minutes").plan_question == ""


def test_a_question_of_yesterday_waits_for_no_answer(learner, jobs):
    learner.say(REQUEST)
    jobs.redis.hset("waijiao:job:default/turn1", "created_at", time.time() - 7200)
    assert learner.say("Ten dogs are here.").verdict == "correct"


def test_a_danger_in_an_answer_comes_first(learner):
    learner.say(REQUEST)
    feedback = learner.say("I want to kill myself.")
    assert (feedback.verdict, feedback.plan_question) == ("needs_an_adult", "")


def test_a_request_is_no_entry_of_the_ledger_and_no_part_of_a_prompt(learner, jobs, settings):
    for text in (REQUEST, *ANSWERS):
        learner.say(text)
    assert Ledgers(jobs.redis, settings).count("default", "session-anna") == 0
    assert learner.say("They like dogs.").verdict == "correct"
    persona = len(build_persona_messages(learner.teacher.load_persona("william")))
    assert [message.content for message in learner.prompts[-1].messages[persona:]] == ["They like dogs."]


@pytest.mark.parametrize(
    ("text", "language", "asked_in"),
    [
        ("帮我做一个这周的学习计划", "zh", "zh"),
        ("幫我做一個這週的學習計劃", "zh", "zh"),
        ("Help me make a study plan for this week.", "zh", "en"),
        ("Make me a plan for this week", "en", "en"),
    ],
)
def test_a_spoken_request_is_recognised_also_when_it_was_not_heard_well(learner, jobs, text, language, asked_in):
    remember(jobs, "R:VERB:TENSE", "M:DET")
    feedback = learner.say(transcript=transcribe(text, language, 0.5))
    assert feedback.plan.asked_in == asked_in
    assert ("第一天" in feedback.explanation) is (asked_in == "zh")


def test_chinese_answers_are_answers_and_no_other_language(learner):
    texts = ("帮我做一个学习计划", "每天二十分钟", "介词", "动物")
    feedbacks = [learner.say(text) for text in texts]
    assert [each.plan_question for each in feedbacks] == ["minutes", "hard", "topic", ""]
    assert feedbacks[0].explanation.endswith("你每天有多少分钟学英语？")
    assert (feedbacks[-1].plan.minutes, feedbacks[-1].plan.days[0].kind) == (20, "R:PREP")


@pytest.mark.parametrize(("tts_chinese", "is_chinese"), [("kokoro", True), ("none", False)])
def test_on_a_chinese_page_it_is_said_in_chinese_if_a_voice_can(jobs, settings, tts_chinese, is_chinese):
    learner = Learner(jobs, settings.model_copy(update={"tts_chinese": tts_chinese}))
    feedback = learner.say(REQUEST, page_language="zh")
    assert ("你" in feedback.spoken) is is_chinese
    assert "你" in feedback.explanation


def test_homework_has_its_level_and_asks_no_question(learner, jobs):
    learner.submit(REQUEST)
    job = claim_job(jobs, "llm")
    homework = replace(job.request, assignment="hw", student="Anna", details={"level": "A1"})
    plan = learner.think(replace(job, request=homework)).plan
    assert {day.minutes for day in plan.days} == {5}


def test_a_turn_of_a_lesson_and_a_text_to_be_read_are_no_requests(learner, jobs):
    learner.submit(REQUEST)
    job = claim_job(jobs, "llm")
    reading = replace(job.request, assignment="hw", student="Anna", details={"text": REQUEST})
    for request in (replace(job.request, task="turn"), reading):
        assert learner.think(replace(job, request=request)).plan is None
