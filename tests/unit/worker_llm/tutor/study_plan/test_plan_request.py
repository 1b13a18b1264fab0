"""A request for a study plan is recognised by its words in both languages, and nothing that is told of plans is one."""

import time

import pytest

from worker_llm.tutor.study_plan.request import find_plan_request, is_nothing_but_request

ENGLISH_REQUESTS = """
Make me a study plan.
make me a plan for this week
Can you make me a plan for this week?
Could you please give me a plan for this week?
Can you give me a plan for this week
Plan my week.
Plan my week, please.
Can you plan my week?
What should I practise this week?
What should I practice this week?
What should I study this week, teacher?
Hello William, can you make a study plan for me?
Please make a weekly plan for me.
Help me make a study plan for this week.
Help me make a learning plan for this week.
I want a study plan.
I need a study plan for this week.
I would like a learning plan for the next seven days.
I want you to make me a study plan.
make plan for me this week
give me study plan
Please give me one study plan of this week.
Make a plan to me for this week.
Let's make a study plan.
Do you have a study plan for me?
Can I have a study plan for this week, please?
Could you help me plan my week?
Can you help me to make a plan?
Tell me what I should practise this week.
What do I need to practise this week?
Which mistakes should I practise this week?
What shall I learn this week?
Make me a study plan with ten minutes a day.
My English is bad, so can you make me a study plan?
I want to improve my English, please make me a plan for this week.
Yesterday I went home. Make me a study plan.
Can you make a schedule for me to learn English?
Write me a plan for learning English this week.
What should I do this week to improve my English?
How should I study English this week?
Give me a practice plan for the week.
Please arrange my study this week.
What do you think I should practise this week?
Can you tell me what to practise this week?
What can I practise today?
Help me to plan my English learning.
Could you make a plan for my English study?
Study plan, please.
Make me a plan.
Can you design a seven day plan for me?
Emma, make a plan for me, please!
I want to have a study plan.
What should I work on this week?
Please help me make a study plan for this week. Thank you!
Help me do a study plan for this week.
I want to make a study plan.
Let me have a study plan.
"""
CHINESE_REQUESTS = """
帮我做一个这周的学习计划
幫我做一個這週的學習計劃
请帮我制定一个学习计划。
老师，帮我做一个学习计划吧，谢谢
给我一个这周的计划
我这周应该练什么
我這週應該練什麼？
这周我应该练习什么？
你能帮我制定这一周的英语学习计划吗？
能不能给我做一份学习计划
我想要一个学习计划
我要一个学习计划
我需要一个学习计划。
请你给我安排一下这周的学习
帮我安排一下这个星期的英语学习
帮我计划一下这周
帮我规划一下这周的学习吧
可以帮我写一个学习计划吗
做一个学习计划
制定一个这周的学习计划
我这周该学什么？
这周练什么？
你觉得我这周应该练习什么
我这星期要复习什么
我英语不好，帮我做一个学习计划
給我一個學習計畫
请为我设计一个一周的学习计划
帮我做一个 study plan
我应该先练什么？
有没有给我的学习计划？
帮我做一个每天十分钟的学习计划
麻烦老师给我制定一个下周的学习计划
你好，请给我做一个学习计划
帮我定个计划
我这周怎么学英语比较好
这周我需要加强哪些方面
这周的学习计划
帮我列一个复习计划
幫我訂一個這個禮拜的讀書計劃
"""
HEARD_REQUESTS = """
幫我做一個熱軸的學習計畫
帮我做一个这周的学习计划
我这种营改练什么?
我这周营改练什么
老师,请给我制定一个学习计划。
幫我安排一下這週頂與學習。
幫忙安排一下這週登與學習
我这周改学神满。
我这周改学什么
能不能给我一个学习计划?
"""  # as Whisper base heard two Chinese voices
NO_REQUESTS = """
My plan for this week is to visit my grandma.
I made a plan.
We plan to go to Beijing this week.
What is your plan for this week?
I have a plan for this week.
What are you planning to do this week?
I plan to study English this week.
My teacher made a study plan for me.
My mother makes a plan for me every week.
Make me a cake.
What should I eat this week?
What should he practise this week?
What did you practise this week?
I practise English every week.
I should practise this week.
We need a plan.
Can you make a plan for my birthday party?
Can you help me make a plan for my trip?
Make a plan for the weekend with my friends.
I will make a plan for my holiday.
The plan is good.
This plan is very easy for me.
Do you have a plan for the weekend?
Do you have a plan for this week?
What's your study plan?
I like my study plan.
My study plan is too long.
He said, make me a study plan.
My father told me, make a study plan.
My teacher says: make a study plan for this week.
I want to make a plan for my trip.
I don't want a study plan.
I do not need a plan.
We made a plan for this week and we like it.
The plane is late this week.
I planned my week yesterday.
She plans her week on Sunday.
I want to be a planner.
Our plan for next week is secret.
I want to study in London.
I study English for ten minutes every day.
What do you study at school?
What do I study at school?
What should we do this weekend?
What should I do?
Can you give me a book?
Give me a pen, please.
Give me the plane tickets.
There is a plan on the wall.
We have a timetable at school.
The school gives us a schedule.
My week was very busy.
This week I practised the piano.
I must practise this week for the concert.
Last week I made a study plan and this week I forgot it.
Let's plan a party.
Let's go to the park this week.
Help me with my homework.
Can you help me?
I want to practise with you.
What can I learn from this story?
I have no plans this week.
How do you plan your week?
How was your week?
When I make a plan for my week, I feel good.
I asked my teacher to make me a study plan.
Do you like to plan?
Five minutes a day.
我这周的计划是去看奶奶
我做了一个学习计划
我们计划这周去北京
你这周有什么计划？
妈妈帮我做了一个学习计划
老师给我们做了一个学习计划
我妈妈给我做一个学习计划
我想去北京
我这周练了钢琴
我这周要学习
我喜欢学习计划
他这周应该练什么
你这周应该练什么
我的学习计划很好
我的计划是每天学英语
我没有计划
帮我做饭
给我一个苹果
这周我去了公园
我这周学什么都学不会
我不要学习计划
我们的计划是周末去爬山
计划没有变化快
他说，帮我做一个学习计划
妈妈问我这周学什么
我计划这周学习英语
我们这周安排了考试
这周的作业很多
我想学英语
我每天学习英语
你喜欢学什么
我在学校学英语和数学
这周学校的安排很多
帮我做了一个这周的学习计划
这种水果很甜
我改学英语了
妈妈帮我做学校的学习计划
"""
LIMIT_S = 2  # of one recognition that takes less than a thousandth of it
REPEATED = (
    "我想要",
    "请帮我",
    "please ",
    "make me a plan ",
    "for me ",
    "帮我做一个学习英语口语练习",
    "我应该先多主要重点",
    "can you ",
    "a a minutes ",
)


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("text", lines(ENGLISH_REQUESTS))
def test_a_request_in_english_is_recognised(text):
    assert find_plan_request(text) == "en"


@pytest.mark.parametrize("text", lines(CHINESE_REQUESTS))
def test_a_request_in_chinese_is_recognised_in_both_kinds_of_characters(text):
    assert find_plan_request(text) == "zh"


@pytest.mark.parametrize("text", lines(HEARD_REQUESTS))
def test_a_request_in_chinese_is_recognised_though_some_of_its_words_were_misheard(text):
    assert find_plan_request(text) == "zh"


@pytest.mark.parametrize("text", lines(NO_REQUESTS))
def test_what_is_told_of_plans_and_of_a_week_is_no_request(text):
    assert find_plan_request(text) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Yesterday I was at home. Can you make me a study plan? Thank you.", "en"),
        ("老师你好。帮我做一个学习计划。谢谢！", "zh"),
        ("I like dogs. 我这周应该练什么？", "zh"),
        ("MAKE ME A STUDY PLAN!!!", "en"),
        ("make  me\na plan", None),
        ("", None),
        ("计划", None),
        ("...", None),
    ],
)
def test_each_sentence_of_a_turn_may_be_a_request(text, language):
    assert find_plan_request(text) == language


@pytest.mark.parametrize(
    ("text", "is_alone"),
    [
        ("Make me a study plan.", True),
        ("Hello, teacher. Make me a study plan, please. Thank you.", True),
        ("老师好。帮我做一个学习计划。谢谢", True),
        ("I went to the zoo. Make me a study plan.", False),
        ("I went to the zoo.", False),
        ("", False),
    ],
)
def test_in_homework_a_request_is_all_that_is_said(text, is_alone):
    assert is_nothing_but_request(text) is is_alone


@pytest.mark.parametrize("start", ["", "make me a plan", "帮我做一个"])
@pytest.mark.parametrize("piece", REPEATED)
@pytest.mark.parametrize("count", [3, 7, 13, 400])
def test_words_that_are_said_again_and_again_take_no_time(start, piece, count):
    begun = time.process_time()
    find_plan_request(f"{start} {piece * count} x")
    assert time.process_time() - begun < LIMIT_S
