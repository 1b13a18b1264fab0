"""The questions before a plan: where they stand is read from the turns, and what the answers say by plain rules."""

import pytest

from pipeline.jobs.results import Feedback
from worker_llm.tutor.safety import NO_SCHOOL_WORDS
from worker_llm.tutor.study_plan.chinese import read_number, write_number
from worker_llm.tutor.study_plan.interview import (
    Interview,
    ends_interview,
    find_hard_kinds,
    find_hard_skills,
    find_interview,
    find_minutes,
    find_topic,
)
from worker_llm.tutor.study_plan.level import find_level_in_words

REQUEST = "Make me a study plan."


def turn(heard: str, question: str = "") -> Feedback:
    return Feedback(heard, heard, "", "", plan_question=question)


ASKED = [turn("I like dogs."), turn(REQUEST, "minutes"), turn("Ten minutes.", "hard"), turn("Tenses.", "topic")]


def test_the_answers_are_those_of_the_turns_after_the_request():
    assert find_interview(ASKED) == Interview("topic", REQUEST, {"minutes": "Ten minutes.", "hard": "Tenses."})


@pytest.mark.parametrize("count", [0, 1])
def test_without_a_question_in_the_last_turn_there_is_no_interview(count):
    assert find_interview(ASKED[:count]) is None


def test_a_turn_in_between_ends_the_interview():
    assert find_interview([*ASKED, turn("I like cats.")]) is None


def test_an_erased_answer_is_missing_and_no_other_one_takes_its_place():
    without_minutes = [ASKED[1], ASKED[3]]
    assert find_interview(without_minutes) == Interview("topic", REQUEST, {"hard": "Tenses."})


def test_an_erased_request_leaves_the_answers():
    assert find_interview(ASKED[2:]) == Interview("topic", "", {"minutes": "Ten minutes.", "hard": "Tenses."})


def test_a_second_request_begins_anew():
    interview = find_interview([*ASKED, turn("帮我做一个学习计划", "minutes")])
    assert interview == Interview("minutes", "帮我做一个学习计划")
    assert interview.asked_in == "zh"


def test_noise_is_no_answer():
    interview = find_interview([turn(REQUEST, "minutes"), turn("Um", "minutes")])
    assert interview == Interview("minutes", REQUEST)


@pytest.mark.parametrize(
    ("interview", "question"),
    [
        (Interview("", REQUEST), "minutes"),
        (Interview("minutes", REQUEST), "hard"),
        (Interview("hard", REQUEST), "topic"),
        (Interview("topic", REQUEST), ""),
        (Interview("", "Make me a study plan with ten minutes a day."), "hard"),
        (Interview("", "帮我做一个每天半小时的学习计划"), "hard"),
    ],
)
def test_the_questions_come_in_their_order_and_none_that_the_request_has_answered(interview, question):
    assert interview.next_question == question


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("ten minutes", 10),
        ("I have about 15 minutes a day.", 15),
        ("Ten.", 10),
        ("twenty-five minutes", 25),
        ("Half an hour.", 30),
        ("an hour", 60),
        ("One hour and a half", 90),
        ("a quarter of an hour", 15),
        ("five or ten minutes", 10),
        ("two hours", 120),
        ("10 hours", 120),
        ("one minute", 3),
        ("每天十五分钟", 15),
        ("二十分鐘", 20),
        ("半个小时", 30),
        ("一个半小时", 90),
        ("一小时", 60),
        ("一刻钟吧", 15),
        ("10分钟", 10),
        ("十", 10),
        ("I do not know.", None),
        ("很多", None),
        ("In 2026", None),
        ("One idea.", None),
        ("I have two sisters and one of them is ten years old", None),
        ("我一般没时间", None),
        ("大概十吧", 10),
        ("", None),
        ("Make me a plan for seven days", None),
        ("帮我做一个七天的学习计划", None),
    ],
)
def test_the_minutes_a_day_are_read_in_both_languages(text, minutes):
    assert find_minutes(text) == minutes


@pytest.mark.parametrize(
    ("text", "kinds", "skills"),
    [
        ("Tenses are hard for me.", {"VERB:TENSE", "VERB:INFL"}, set()),
        ("articles and prepositions", {"DET", "PREP"}, set()),
        ("时态和介词很难", {"VERB:TENSE", "VERB:INFL", "PREP"}, set()),
        ("時態很難", {"VERB:TENSE", "VERB:INFL"}, set()),
        ("師太和借此", {"VERB:TENSE", "VERB:INFL", "PREP"}, set()),  # as Whisper base heard it
        ("Listening is hard.", set(), {"listening"}),
        ("聽力和單詞", set(), {"listening", "words"}),
        ("I can not remember words.", set(), {"words"}),
        ("发音", set(), {"pronunciation"}),
        ("Everything!", set(), set()),
        ("不知道", set(), set()),
    ],
)
def test_what_is_hard_is_read_in_both_languages(text, kinds, skills):
    assert (set(find_hard_kinds(text)), set(find_hard_skills(text))) == (kinds, skills)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("I like to talk about football.", "football"),
        ("I want to talk about my little dog", "my little dog"),
        ("Music!", "music"),
        ("About animals, please.", "animals, please"),
        ("我想聊聊足球", "足球"),
        ("喜欢聊动物。", "动物"),
        ("I don't know.", ""),
        ("anything", ""),
        ("随便", ""),
        ("都可以", ""),
        ("This is shit.", ""),
        ("My phone number is 13800138000.", ""),
        ("I like to talk about a very long story that never comes to an end", ""),
        ("", ""),
    ],
)
def test_a_topic_is_quoted_only_if_it_is_short_and_harmless(text, topic):
    assert find_topic(text, NO_SCHOOL_WORDS).lower() == topic


@pytest.mark.parametrize("text", ["No, thank you.", "Never mind", "stop", "算了", "不用了。", "別問了"])
def test_a_learner_may_stop_the_questions(text):
    assert ends_interview(text)


@pytest.mark.parametrize("text", ["I do not have much time.", "Nothing.", "不知道", "ten"])
def test_an_answer_is_no_wish_to_stop(text):
    assert not ends_interview(text)


@pytest.mark.parametrize(
    ("texts", "minutes"),
    [
        (["I am a beginner, make me a study plan."], 5),
        (["Make me a plan.", "My level is A2."], 7),
        (["帮我做一个学习计划", "我是小学生"], 5),
        (["Make me a plan."], 10),
    ],
)
def test_a_level_that_is_named_sizes_the_tasks(texts, minutes):
    assert find_level_in_words(*texts).task_minutes == minutes


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "零"),
        (5, "五"),
        (10, "十"),
        (15, "十五"),
        (20, "二十"),
        (99, "九十九"),
        (101, "一百零一"),
        (120, "一百二十"),
    ],
)
def test_chinese_numerals_are_written_as_they_are_said_and_read_again(number, text):
    assert (write_number(number), read_number(text)) == (text, number)
