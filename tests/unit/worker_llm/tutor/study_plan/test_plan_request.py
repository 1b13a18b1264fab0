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
Could you make a weekly study plan for me?
Would you please make a study plan for me?
I'd like you to make a plan for me.
Can you please plan my studies for this week?
Give me a study schedule.
Make a learning schedule for this week.
Make me a timetable for learning English.
Can we make a plan for this week?
Create a 7 day study plan for me.
Please create a seven-day plan.
I want to know what I should practise this week.
Please tell me what to study this week.
Can you suggest a study plan?
I should practice what this week?
What do you suggest I practise this week?
What do you recommend that I study this week?
Help me with a study plan.
Help me with my study plan.
Help me plan.
Help me plan this week.
I need your help to make a study plan.
Can you write down a plan for me?
Show me a plan for this week.
Show me my study plan.
Show me my plan.
Tell me my plan for this week.
What's my plan for this week?
What is my study plan?
please make me a weekly plan
make me a one week plan
make me a plan for one week
make me a plan for the whole week
make me a plan for next week
make a plan for my English
Make me an English plan
I want an English study plan
William, I want a plan for this week.
Make us a study plan.
Let's plan my week.
Let us make a learning plan together.
Now make me a study plan
OK, make me a plan
Could you make me a plan for seven days, please?
How can I practise this week?
What can I do this week to improve my English?
What should I do to improve my English this week?
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
请给我一份学习计划
我要这周的学习计划
帮我写个学习计划
帮我做个计划
帮我安排学习
帮我安排一下学习计划
给我安排一个学习计划
你可以帮我安排一下这周的学习吗
您能给我制定一个英语学习计划吗
我希望你给我做一个学习计划
想请你帮我做一个学习计划
可以给我一个计划吗
老师这周我应该学习什么
接下来一周我应该练什么
下周我该练什么
我应该怎么安排这周的学习
这周应该怎么学
这周怎么练英语
我该复习什么
我最近应该练什么
告诉我这周该练什么
请告诉我这周应该练习什么
有什么学习计划适合我
我的学习计划是什么
帮我制订本周学习计划
幫我制定本週的學習計劃
請給我一個讀書計畫
给我来一份学习计划
帮我搞个学习计划
帮我弄一个英语口语练习计划
教我怎么安排这周的英语学习
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
I want to make a plan with my mother.
I will plan my week on Sunday.
Can you tell me your plan?
Tell me your plan for this week.
What do you plan to do this week?
Show me your plan.
I have to study this week.
We should practise football this week.
What should we practise in the football team?
I practise what my teacher says.
I should study for the exam this week.
My mum plans my week.
Can I have a cake?
Can I have a plane?
I need a pen for this week.
I want a new schedule bag.
Our class has a new schedule this week.
We have no class this week.
He helped me make a study plan.
She gave me a study plan.
She can make a study plan for me.
My friend wants a study plan.
I am making a study plan.
I was making a plan for the week.
I like to make plans.
To make a plan is important.
Making a study plan is hard.
I think a study plan is good.
The teacher asked us to make a study plan for this week.
What did my teacher plan?
I know what to practise this week.
Study makes me happy.
Every week I study English.
I practise speaking this week.
This is my study plan for the week.
This week's plan is to read two books.
My plan is simple.
Planning is good.
My week is full.
What is the weather this week?
What should I wear this week?
What should I buy for my mother this week?
How should I go to school this week?
What can I eat today?
What do you want to learn?
我的学习计划是每天背十个单词
这是我的学习计划
我们老师给我做了学习计划
我想做一个计划去旅行
我们应该保护环境
我应该多喝水
我这周要考试
这周我练习了口语
我要学习英语
我想学什么就学什么
这周你要学什么
你这周练什么
我在家学习
学习计划很重要
他没有学习计划
我弟弟有一个学习计划
我的计划是学习
我们学校这周安排了活动
妈妈安排我学习
爸爸给我安排了很多学习
我最喜欢学英语
应该学什么我知道
帮我看看这个句子
给我讲个故事
请帮我改正错误
我需要帮助
每天我学习两个小时
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
