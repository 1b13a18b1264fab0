"""The teacher's turn, from the job's record to the feedback: every verdict, and what the next turn makes of it."""

import time
from dataclasses import replace

import pytest

from pipeline import personas
from pipeline.errors import NothingToSay
from pipeline.jobs.job import JobRequest
from pipeline.jobs.records import to_json
from pipeline.jobs.results import Feedback, Transcript, Word
from pipeline.learners.entries import LedgerEntry, MistakeNote
from pipeline.learners.store import entries_key, times_key
from tests.support.job_steps import claim_job
from tests.support.scripted_checker import ScriptedChecker
from worker_llm.tutor.hearing import SAY_AGAIN_AFTER_NO
from worker_llm.tutor.prompt import PreparedTurn, build_persona_messages
from worker_llm.tutor.questions.bank import QUESTIONS
from worker_llm.tutor.questions.choose import NEW_SUBJECTS
from worker_llm.tutor.teacher import Teacher

BANK = {question.text for question in QUESTIONS}
WRONG = {"go": "went", "have": "has"}


def transcribe(text, probability=0.95, language="en"):
    words = text.split()
    values = probability if isinstance(probability, list) else [probability] * len(words)
    recognised = (Word(word, n, n + 1.0, value) for n, (word, value) in enumerate(zip(words, values, strict=True)))
    return Transcript(text, language, 3.0, tuple(recognised))


class Session:
    """Turns of one learner, each answered before the next one."""

    def __init__(self, jobs, settings, checker=None, rank=None):
        self.jobs, self.count, self.checker = jobs, 0, checker
        self.teacher = Teacher(settings, len, checker, rank)
        self.prompts = []

    def say(self, text="", model="", transcript=None, **fields):
        """The feedback on what is typed, or on a recording with this transcript."""
        self.count += 1
        name = f"turn{self.count}"
        recording = f"default/{name}/x" if transcript else ""
        assert self.jobs.submit(JobRequest(name, "anna", text=text, recording=recording)).job
        if transcript:
            assert self.jobs.complete("asr", claim_job(self.jobs, "asr"), transcript)[0]
        job = claim_job(self.jobs, "llm")
        prepared = self.teacher.prepare(replace(job, request=replace(job.request, **fields)))
        if isinstance(prepared, PreparedTurn):
            self.prompts.append(prepared.prompt)
            prepared = prepared.make_feedback(model)
        assert isinstance(prepared, Feedback)
        assert self.jobs.complete("llm", job, prepared)[0]
        self.jobs.fail("tts", claim_job(self.jobs, "tts"), NothingToSay("x"), again=False)
        return prepared


@pytest.fixture
def session(jobs, settings):
    return Session(jobs, settings, ScriptedChecker(WRONG, doubtful=["maybe"]))


@pytest.fixture
def william(settings):
    return personas.load("william", settings.personas)


def test_a_right_sentence_is_praised_and_followed_by_the_model_s_question(session):
    feedback = session.say("I like dogs.", '"I like dogs." Nice. Why do you like dogs?')
    assert (feedback.verdict, feedback.spoken) == ("correct", "Well said! Why do you like dogs?")


def test_a_mistake_is_corrected_and_the_model_asked_about_the_corrected_sentence(session):
    feedback = session.say("Yesterday I go home.", '"Yesterday I went home." How did you go home?')
    assert (feedback.verdict, feedback.corrected) == ("corrected", "Yesterday I went home.")
    assert feedback.spoken == "We say: Yesterday I went home. Say went instead of go. How did you go home?"
    assert feedback.edits[0].explanations["zh"] == "说“went”。"
    assert session.prompts[0].messages[-1].content == "Yesterday I went home."


@pytest.mark.parametrize(
    ("tts_chinese", "page_language", "explanation"),
    [
        ("kokoro", "zh", "说went。"),
        ("kokoro", "en", "Say went instead of go."),
        ("kokoro", "", "Say went instead of go."),
        ("none", "zh", "Say went instead of go."),
    ],
)
def test_an_explanation_is_said_in_chinese_on_a_chinese_page_if_a_voice_can(
    jobs, settings, tts_chinese, page_language, explanation
):
    chosen = settings.model_copy(update={"tts_chinese": tts_chinese})
    session = Session(jobs, chosen, ScriptedChecker(WRONG))
    feedback = session.say("Yesterday I go home.", "Why?", page_language=page_language)
    assert f"We say: Yesterday I went home. {explanation} " in feedback.spoken
    assert feedback.explanation == "Say “went” instead of “go”.".translate({0x201C: '"', 0x201D: '"'})


@pytest.mark.parametrize(("explained_in", "explanation"), [("zh", "说went。"), ("en", "Say went instead of go.")])
def test_a_persona_may_explain_in_one_language_on_every_page(jobs, settings, tmp_path, explained_in, explanation):
    text = (settings.personas / "william.toml").read_text(encoding="utf-8")
    assert 'explained_in = "page"' in text
    changed = text.replace('explained_in = "page"', f'explained_in = "{explained_in}"')
    (tmp_path / "william.toml").write_text(changed, encoding="utf-8")
    chosen = settings.model_copy(update={"tts_chinese": "kokoro", "personas": tmp_path})
    session = Session(jobs, chosen, ScriptedChecker(WRONG))
    assert explanation in session.say("Yesterday I go home.", "Why?", page_language="en").spoken


def test_the_model_s_own_correction_is_not_used_beside_a_checker(session):
    feedback = session.say("I like dogs.", '"I liked dogs." Why did you like dogs?')
    assert (feedback.verdict, feedback.corrected) == ("correct", "I like dogs.")


def test_a_doubtful_sentence_is_neither_corrected_nor_praised(session):
    feedback = session.say("I maybe likes dogs.", "")
    assert (feedback.verdict, feedback.edits) == ("not_checked", ())
    assert feedback.spoken in BANK


def test_nothing_is_checked_twice(session):
    session.say("Yesterday I go home.", '"Yesterday I went home." Why?')
    assert [text for text, _ in session.checker.checked] == ["Yesterday I go home."]


def test_without_a_checker_nothing_is_praised_and_the_model_s_small_corrections_count(jobs, settings):
    session = Session(jobs, settings)
    right = session.say("I like dogs.", '"I like dogs." Well said! Why do you like dogs?')
    wrong = session.say("I likes cats.", '"I like cats." Where are the cats?')
    assert (right.verdict, right.spoken) == ("not_checked", "Why do you like dogs?")
    assert (wrong.verdict, wrong.corrected) == ("corrected", "I like cats.")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("I want to kill myself.", "needs_an_adult"),
        ("我想自杀", "needs_an_adult"),
        ("我喜欢狗", "other_language"),
        ("你叫什么名字？", "other_language"),
        ("...", "not_understood"),
        ("Um.", "not_understood"),
    ],
)
def test_what_needs_no_model_has_its_own_verdict_and_is_not_praised(session, text, verdict):
    feedback = session.say(text)
    assert feedback.verdict == verdict
    assert (feedback.edits, feedback.corrected) == ((), text)
    assert "Well said" not in feedback.spoken
    assert not session.prompts


def test_danger_is_also_found_in_a_recording_that_was_heard_badly(session):
    assert session.say(transcript=transcribe("I want to kill myself.", 0.3)).verdict == "needs_an_adult"


def test_danger_in_homework_counts_unless_it_stands_in_the_text(session):
    text = "He said: I want to kill myself. Then he laughed at it all day long."
    homework = {"assignment": "hw", "details": {"text": text}}
    assert session.say(text, **homework).verdict == "correct"
    assert session.say("I want to kill myself", assignment="hw", details={"text": "A dog."}).verdict == "needs_an_adult"


def test_after_one_chinese_sentence_english_ones_are_answered_as_usual(session):
    session.say("我喜欢狗")
    for text in ("I like dogs.", "I like cats.", "I like birds.", "We like fish.", "They like food."):
        assert session.say(text).verdict == "correct"


def test_a_mixed_sentence_is_checked_for_its_english_but_not_praised(session):
    right = session.say("I like 苹果 very much.")
    wrong = session.say("Yesterday I go to 公园 with him.")
    assert right.verdict == "not_checked"
    assert (wrong.verdict, wrong.edits[0].before) == ("corrected", "go")
    assert session.checker.checked[0][1] == {2}


@pytest.mark.parametrize("text", ["What is your name?", "Hello, what's your name?", "what your name"])
def test_a_known_question_is_answered_from_the_persona_s_file(session, william, text):
    feedback = session.say(text)
    assert feedback.spoken.endswith(f"{william.answers['name']} What is your name?")
    assert not session.prompts


@pytest.mark.parametrize("text", ["Say it again, please.", "Sorry, I don't understand.", "我听不懂", "请说慢一点"])
def test_the_last_answer_is_said_again_to_whoever_did_not_follow(session, text):
    last = session.say("I like dogs.", '"I like dogs." Nice. Why do you like dogs?')
    feedback = session.say(text)
    assert (feedback.verdict, feedback.spoken) == ("not_checked", f"Of course. {last.spoken}")


def test_who_does_not_follow_homework_is_answered_as_usual(session):
    assert session.say("I don't understand.", "Why?", assignment="hw1").verdict == "correct"


@pytest.mark.parametrize("text", ["Thank you.", "Yes.", "I don't know."])
def test_a_courtesy_is_not_praised(session, william, text):
    feedback = session.say(text, "What do you like to do?")
    assert feedback.verdict == "not_checked"
    assert not feedback.spoken.startswith(william.praise)


def test_a_mistake_in_a_known_question_is_corrected_first(jobs, settings):
    session = Session(jobs, settings, ScriptedChecker({"you": "your"}))
    feedback = session.say("What is you name?")
    assert feedback.verdict == "corrected"
    assert feedback.spoken == (
        "We say: What is your name? Say your instead of you. My name is William. What is your name?"
    )


def test_the_same_question_back_is_not_asked_twice(session):
    first, second = session.say("What is your name?"), session.say("What is your name?")
    assert first.reply.endswith("What is your name?")
    assert not second.reply.endswith("What is your name?")


# --- a model that corrects well ------------------------------------------------------------------------------------


@pytest.fixture
def suggesting_session(jobs, settings):
    chosen = settings.model_copy(update={"llm_suggests": "on"})
    return Session(jobs, chosen, ScriptedChecker(WRONG, doubtful=["maybe"]))


def test_a_model_that_corrects_well_sees_the_learner_s_own_words_and_suggests_its_own(suggesting_session):
    feedback = suggesting_session.say("Yesterday I go home.", '"Yesterday I went home." How did you go home?')
    assert suggesting_session.prompts[0].messages[-1].content == "Yesterday I go home."
    assert suggesting_session.checker.suggestions == ["Yesterday I went home."]
    assert (feedback.verdict, feedback.corrected) == ("corrected", "Yesterday I went home.")
    assert feedback.spoken == "We say: Yesterday I went home. Say went instead of go. How did you go home?"


def test_the_default_model_is_not_asked_for_corrections(session):
    session.say("Yesterday I go home.", '"Yesterday I gone home." How did you go home?')
    assert session.checker.suggestions == [""]


@pytest.mark.parametrize(
    "reply",
    [
        '"Paris is in France." Do you like it?',
        '"I like the shit." Why do you like it?',
        '"I like to kill myself." Why do you like it?',
        "",
    ],
)
def test_what_a_learner_may_not_hear_is_not_suggested(suggesting_session, reply):
    feedback = suggesting_session.say("I like the ship.", reply)
    assert suggesting_session.checker.suggestions == [""]
    assert (feedback.verdict, feedback.corrected) == ("correct", "I like the ship.")


def test_a_model_s_question_is_asked_about_the_words_that_the_checker_left_only(suggesting_session):
    feedback = suggesting_session.say("I have an old cat.", '"I had three young puppies." Where are your puppies?')
    assert feedback.corrected == "I has an old cat."
    assert "puppies" not in feedback.spoken


def test_a_known_question_is_answered_after_the_model_has_suggested(suggesting_session, william):
    feedback = suggesting_session.say("What is your name?", '"What is your name?" Do you like names?')
    assert feedback.spoken.endswith(f"{william.answers['name']} What is your name?")


def test_of_a_long_speech_a_model_corrects_the_end_that_its_answer_has_room_for(suggesting_session):
    sentences = [f"We have a dog number {number}." for number in range(30)]
    feedback = suggesting_session.say(" ".join(sentences))
    shown = suggesting_session.prompts[0].messages[-1].content
    assert len(feedback.edits) == 30
    assert shown.endswith("number 29.")
    assert 200 < len(shown) < len(" ".join(sentences)) / 2


# --- hearing -----------------------------------------------------------------------------------------------------


def test_a_badly_heard_sentence_is_asked_about_and_neither_corrected_nor_praised(session):
    feedback = session.say(transcript=transcribe("I go to the bitch.", 0.7))
    assert (feedback.verdict, feedback.edits) == ("not_heard_well", ())
    assert feedback.unclear == (0, 1, 2, 3, 4)
    assert not session.checker.checked


def test_a_sentence_that_was_not_heard_very_well_is_corrected_but_not_praised(session):
    assert session.say(transcript=transcribe("I like dogs.", 0.85)).verdict == "not_checked"
    assert session.say(transcript=transcribe("Yesterday I go home.", 0.85)).verdict == "corrected"


def test_a_word_that_was_probably_misheard_is_marked_and_never_corrected(session):
    transcript = transcribe("Yesterday I go home with him.")
    words = (replace(word, misheard=0.63 if word.word == "go" else 0.0) for word in transcript.words)
    feedback = session.say(transcript=replace(transcript, words=tuple(words)))
    assert (feedback.verdict, feedback.edits, feedback.unclear) == ("not_checked", (), (2,))


def test_yes_accepts_the_words_which_are_then_answered_as_if_typed(session):
    assert session.say(transcript=transcribe("Yesterday I go home.", 0.6)).spoken == (
        "I heard: Yesterday I go home. Is that right?"
    )
    feedback = session.say(transcript=transcribe("Yes.", 0.5))
    assert (feedback.heard, feedback.verdict) == ("Yesterday I go home.", "corrected")
    assert feedback.unclear == ()


@pytest.mark.parametrize("answer", ["No.", "不对"])
def test_no_asks_for_the_words_again(session, answer):
    session.say(transcript=transcribe("Yesterday I go home.", 0.6))
    feedback = session.say(answer)
    assert (feedback.verdict, feedback.spoken) == ("not_checked", SAY_AGAIN_AFTER_NO)
    assert session.say("Yes.").heard == "Yes."


def test_yes_after_another_turn_is_a_word_like_others(session):
    session.say("I like dogs.")
    assert session.say("Yes.").heard == "Yes."


def test_the_learner_s_own_words_are_not_gated(session):
    feedback = session.say(transcript=transcribe("I like the bitch.", 0.4), said="I like the beach.")
    assert (feedback.heard, feedback.verdict, feedback.unclear) == ("I like the beach.", "correct", ())


def test_a_text_that_is_read_aloud_is_not_gated(session):
    homework = {"assignment": "hw", "details": {"text": "I like dogs."}}
    assert session.say(transcript=transcribe("I like dogs.", 0.4), **homework).verdict == "correct"


@pytest.mark.parametrize(
    ("text", "language"), [("Ich verstehe nicht.", "de"), ("Je ne comprends pas.", "fr"), ("No entiendo.", "es")]
)
def test_a_sentence_that_was_recognised_in_a_third_language_is_neither_checked_nor_praised(session, text, language):
    feedback = session.say(transcript=transcribe(text, language=language))
    assert (feedback.verdict, feedback.edits, session.prompts) == ("other_language", (), [])
    assert "Well said" not in feedback.spoken


def test_something_else_than_the_text_is_not_understood_or_another_language(session):
    homework = {"assignment": "hw", "details": {"text": "I like dogs."}}
    assert session.say("My favourite pizza", **homework).verdict == "not_understood"
    assert session.say("我不会读", **homework).verdict == "other_language"


# --- history and questions -----------------------------------------------------------------------------------------


def test_turns_that_were_not_understood_do_not_enter_the_prompt(session, william):
    session.say("I like dogs.", '"I like dogs." Why do you like dogs?')
    session.say("我喜欢狗")
    session.say("...")
    session.say("I want to kill myself.")
    session.say(transcript=transcribe("They go home.", 0.5))
    session.say("They are kind.")
    persona = len(build_persona_messages(william))
    assert [message.content for message in session.prompts[-1].messages[persona:]] == [
        "I like dogs.",
        '"I like dogs." Well said! Why do you like dogs?',
        "They are kind.",
    ]


def test_in_ten_turns_no_question_comes_twice(session, william):
    animals = ("dogs", "cats", "fish", "birds", "rabbits", "cows", "horses", "pandas")
    replies = [session.say(f"I like {animal}.").reply.removeprefix("Well said! ") for animal in animals]
    questions = [reply for reply in replies if reply != william.fallback]
    assert len(set(questions)) == len(questions) >= 6


def test_a_ranker_chooses_the_question_of_the_bank(jobs, settings):
    session = Session(jobs, settings, ScriptedChecker(), rank=lambda sentence, questions: [-len(q) for q in questions])
    assert len(session.say("I like dogs.").reply.removeprefix("Well said! ")) <= min(map(len, BANK)) + 12


def test_of_a_long_speech_the_model_sees_the_end_and_every_sentence_is_checked(session):
    sentences = [f"We have a dog number {number}." for number in range(20)]
    feedback = session.say(" ".join(sentences))
    assert len(feedback.edits) == 20
    assert feedback.explanation.count("Say") == 3
    assert "number 0" not in session.prompts[0].messages[-1].content
    assert "number 19" in session.prompts[0].messages[-1].content


# --- words that are not said -----------------------------------------------------------------------------------------


def test_bad_words_are_neither_said_again_nor_praised_nor_remembered(session):
    feedback = session.say("This is shit.")
    assert feedback.verdict == "not_checked"
    assert "shit" not in feedback.spoken
    session.say("I like dogs.")
    assert all("shit" not in message.content for message in session.prompts[-1].messages)


def test_a_phone_number_is_not_said_aloud_and_the_learner_is_warned(session):
    feedback = session.say("You have to call me at 13800138000.")
    assert "13800138000" not in feedback.spoken
    assert "Please keep your address" in feedback.spoken
    assert "Well said" not in feedback.spoken


@pytest.mark.parametrize(
    "text",
    [
        "My phone number is 13800138000.",
        "I live at 12 Green Street.",
        "tom.li@gmail.com",
        "This is shit.",
        "He is a bastard.",
        "你是傻逼",
        "他妈的，我不想学。",
    ],
)
def test_nothing_more_is_asked_about_private_details_or_bad_words(session, text):
    first = session.say(text, '"." Where is it? Can you tell me more about it?')
    second = session.say(text, '"." Where is it? Can you tell me more about it?')
    questions = [next(each for each in NEW_SUBJECTS if feedback.spoken.endswith(each)) for feedback in (first, second)]
    assert questions[0] != questions[1]


@pytest.mark.parametrize(
    "text", ["你是傻逼", "他妈的，我不想学。", "你这个混蛋", "You are stupid.", "Shut up, teacher!"]
)
def test_bad_words_in_chinese_and_insults_get_the_request_for_kind_words_too(session, text):
    assert session.say(text).spoken.startswith("Let's use kind words.")


def test_what_a_model_says_against_the_rules_is_replaced(session):
    feedback = session.say("I have a dog.", '"I has a dog." Do you want to kill the dog?')
    assert feedback.spoken.split("instead of have. ")[1] in BANK


# --- the ledger chooses what is practised --------------------------------------------------------------------------


def remember(session, kind, count):
    """Put mistakes of a kind into the ledger of the session's learner."""
    notes = tuple(MistakeNote(kind, "go", "went", "I go.", "I went.") for _ in range(count))
    redis = session.jobs.redis
    redis.hset(entries_key("default", "session-anna"), kind, to_json(LedgerEntry("x", notes)))
    redis.zadd(times_key("default", "session-anna"), {kind: time.time()})


def test_what_comes_again_is_practised_after_a_few_turns(session):
    remember(session, "R:VERB:TENSE", 3)
    remember(session, "M:DET", 2)
    replies = [session.say("I like big dogs.").reply for _ in range(4)]
    assert [reply.endswith("Tell me what you did yesterday.") for reply in replies] == [False, False, True, False]


def test_a_mistake_that_came_once_is_not_practised(session):
    remember(session, "R:VERB:TENSE", 1)
    replies = [session.say("I like big dogs.").reply for _ in range(3)]
    assert not any("yesterday" in reply for reply in replies)


def test_homework_has_a_subject_of_its_own(session):
    remember(session, "R:VERB:TENSE", 3)
    fields = {"assignment": "hw", "student": "Anna"}
    replies = [session.say("I like big dogs.", **fields).reply for _ in range(3)]
    assert not any("Tell me what you did yesterday." in reply for reply in replies)
