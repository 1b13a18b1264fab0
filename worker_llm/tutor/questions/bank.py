"""A bank of questions in simple words: each with its topics, the time it is about, and whom it speaks of."""

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.levels import Focus, Time
from worker_llm.tutor.questions.vocabulary import FEMALE, MALE, SEVERAL, find_bases, looks_past, split_words, word_set

TOPIC_POINTS, TIME_POINTS, FOCUS_POINTS = 3, 2, 2  # of a question's fit

TOPIC_WORD_LIST = """
family: family mother father mum mom dad parents sister brother grandmother grandfather grandma grandpa aunt uncle
friends: friend friends classmate deskmate neighbour together
school: school class lesson teacher homework subject english maths math music exam test university study learn student
food: food eat ate drink cook breakfast lunch dinner rice noodles dumplings apple cake bread meat fruit restaurant
animals: animal dog cat bird fish rabbit pet zoo horse panda duck chicken cow
sport: sport football basketball tennis swim team match play badminton bike ride race
hobby: hobby read book film movie music song sing dance draw paint piano guitar computer photo story collect
place: city town village country park beach mountain river lake sea library museum forest
travel: travel trip visit train plane bus car holiday vacation journey airport hotel
home: home house room bedroom kitchen flat window garden
weather: weather rain rainy sunny snow wind windy cloudy summer winter spring autumn
shopping: buy bought shop shopping market money cheap expensive price cost present gift
health: ill sick hospital headache hurt healthy medicine fever toothache
feeling: happy sad angry afraid worried excited tired lonely proud nervous feel fine okay
work: work job office company factory farmer driver nurse boss doctor engineer
day: morning evening weekend monday tuesday wednesday thursday friday saturday sunday usually always
person: hair eyes tall young old kind funny clever beautiful strong wear clothes
festival: festival birthday christmas party
liking: like love enjoy favourite favorite
activity: play read draw paint sing dance swim run cook collect ride skate climb practise practice train exercise learn
greeting: hello hi morning afternoon evening hey fine bye
"""
TOPICS = {
    name: frozenset(words.split())
    for name, _, words in (line.partition(": ") for line in TOPIC_WORD_LIST.strip().splitlines())
}

CHINESE_TOPIC_LIST = """
family: 家人 家庭 爸 妈 父母 兄弟 姐妹
friends: 朋友 同桌
school: 学校 上学 功课 老师 课
food: 吃 食物 饭 早餐 水果
animals: 动物 宠物 狗 猫
sport: 运动 体育 球 跑步 游泳
hobby: 爱好 兴趣 书 电影 音乐
place: 城市 家乡 公园 地方
travel: 旅行 旅游 假期 出行
home: 房间 家里 房子
weather: 天气 季节
shopping: 购物 买
health: 健康 身体
feeling: 心情 感受 感觉
work: 工作 职业
day: 周末 一天 生活
festival: 节日 生日 春节
"""
CHINESE_TOPICS = {
    name: tuple(words.split())
    for name, _, words in (line.partition(": ") for line in CHINESE_TOPIC_LIST.strip().splitlines())
}

# What is asked when the homework is about a time of which the learner has not spoken.
QUESTIONS_OF_TIME: dict[Time, tuple[str, ...]] = {
    "past": ("What did you do yesterday?", "What did you do last weekend?", "Where did you go last summer?"),
    "present": ("What do you do every day after school?", "What do you usually do at the weekend?"),
    "future": ("What will you do tomorrow?", "What are you going to do next weekend?"),
}

# topics | time | of whom: I, he, she, they, or nobody | question
QUESTION_LIST = """
| past | | What happened next?
| past | i | Who were you with?
| past | i | How did you feel then?
| past | i | What did you like most about it?
| past | i | Would you like to do it again?
| past | i | What did you do after that?
| past | he | What did he do then?
| past | she | What did she do then?
| past | they | What did they do then?
liking | present | i | Why do you like it?
liking | present | i | What else do you like?
activity | present | i | How often do you do that?
activity | present | i | Who do you do that with?
activity | present | i | When did you start?
activity | present | i | Is it easy or difficult for you?
| present | he | What is he like?
| present | she | What is she like?
| present | they | What are they like?
| present | he | What does he like to do?
| present | she | What does she like to do?
| present | they | What do they like to do?
| future | i | Who will you go with?
| future | i | Why do you want to do that?
| future | i | What do you need for it?
| future | i | When will you do it?
| | | Can you tell me more about it?
| | | Why do you think so?
| | | What do your friends think about it?
| | | Can you give me an example?
| | | How does that make you feel?
family | | | What do you like to do with your family?
family | | | Who do you talk to most in your family?
family | past | | What did your family say about it?
family friends | | he | How often do you see him?
family friends | | she | How often do you see her?
friends | | | What do you like to talk about with your friends?
friends | | | What makes a good friend?
school | | | What do you like best at school?
school | | | What is difficult for you at school?
school | | | How do you go to school?
school | | | How do you learn new words?
food | | | What food do you like best?
food | | | Who cooks at your home?
food | | | What do you usually have for breakfast?
food | past | i | Was it good?
animals | | | What animals do you like?
animals | | | What does it look like?
animals | | | What does it like to eat?
sport | | | How often do you play?
sport | | | Who do you like to play with?
sport | past | | Who won the game?
hobby | | | When do you have time for it?
hobby | | | Can you teach me how to do it?
hobby | | | What was the last good book you read?
place | | | What can people do there?
place travel | past | | What was the weather like?
place travel | past | i | How long did you stay there?
place travel | past | i | How did you get there?
place travel | future | i | How will you get there?
travel | | | Which country would you like to visit?
home | | | What can you see from your window?
home | | | What would you like to change in your room?
weather | | | What do you like to do in this weather?
weather | | | Which season do you like best, and why?
shopping | | | What do you like to spend your money on?
shopping | past | i | How did you choose it?
health | present | i | How do you feel now?
health | | | What do you do to stay healthy?
greeting | | | What did you do today?
greeting | | | What would you like to talk about?
feeling | | | What makes you happy?
feeling | | | What do you do when you feel sad?
work | | | What job would you like to do one day?
work | | | What is good about this job?
day | present | | What do you do after dinner?
day | | | What do you do at the weekend?
day | past | i | What was the best part of the day?
person | | he | What does he like to wear?
person | | she | What does she like to wear?
person | | | Who do you look like in your family?
festival | | | What do you do on that day?
festival | | | What do you eat on that day?
"""
MIN_SAID_WORDS = 3  # so that "it" in a question without a topic can mean something
PAST_MARKS = word_set("yesterday ago last")
FUTURE_MARKS = word_set("will i'll we'll he'll she'll they'll tomorrow going plan hope want wish would")


@dataclass(frozen=True)
class BankQuestion:
    """`time`: about which it is asked; None: any. `person`: i, he, she or they, whom it speaks of; "": nobody."""

    text: str
    topics: frozenset[str]
    time: Time | None
    person: str


def _read_questions(lines: str) -> tuple[BankQuestion, ...]:
    times: dict[str, Time | None] = {"past": "past", "present": "present", "future": "future", "": None}
    rows = [[cell.strip() for cell in line.split("|")] for line in lines.strip().splitlines()]
    return tuple(
        BankQuestion(text, frozenset(topics.split()), times[time], person) for topics, time, person, text in rows
    )


QUESTIONS = _read_questions(QUESTION_LIST)


def find_fitting(sentences: str, focus: Time | None, max_words: int) -> list[str]:
    """The questions that may follow these sentences, the best fit first.

    One that speaks of a person needs one who was spoken of, and one about a time a sentence about that time; `focus` is
    the time that the homework is about. Of equal fits the sentences themselves decide, so that not all learners are
    asked the same.
    """
    words = frozenset(split_words(sentences))
    time, persons, topics = find_time(sentences, words), find_persons(words), find_topics(words)

    def fit(question: BankQuestion) -> tuple[int, int]:
        points = TOPIC_POINTS * bool(question.topics & topics) + TIME_POINTS * (question.time == time)
        points += FOCUS_POINTS * (focus is not None and question.time == focus)
        return -points, zlib.crc32(f"{sentences}|{question.text}".encode())

    candidates = [
        each
        for each in QUESTIONS
        if each.time in (None, time)
        and (not each.person or each.person in persons)
        and (not each.topics or each.topics & topics)
        and (each.topics or len(words) >= MIN_SAID_WORDS)
        and len(each.text.split()) <= max_words
    ]
    return [each.text for each in sorted(candidates, key=fit)]


def find_asked(sentences: str, focus: Focus, max_words: int) -> list[str]:
    """The questions that the homework asks for: of its topics, or about its time if the learner did not speak of that.

    None if it asks for nothing, or for what the bank does not have.
    """
    words = frozenset(split_words(sentences))
    time, topics = find_time(sentences, words), find_asked_topics(focus.ask_about)
    persons = find_persons(words)
    of_topics = [
        each.text
        for each in QUESTIONS
        if each.topics & topics and each.time in (None, time) and (not each.person or each.person in persons)
    ]
    of_time = QUESTIONS_OF_TIME[focus.time] if focus.time and focus.time != time else ()
    return [text for text in (*of_topics, *of_time) if len(text.split()) <= max_words]


def find_asked_topics(text: str) -> set[str]:
    """The topics that instructions name, in English or Chinese."""
    chinese = {name for name, words in CHINESE_TOPICS.items() if any(word in text for word in words)}
    return find_topics(split_words(text)) | chinese


def find_time(sentences: str, words: frozenset[str]) -> Time:
    if words & PAST_MARKS or any(looks_past(word) for word in words):
        return "past"
    return "future" if words & FUTURE_MARKS or re.search(r"\bgoing to\b", sentences.lower()) else "present"


def find_persons(words: frozenset[str]) -> set[str]:
    """Whom the sentences speak of."""
    groups = {"i": I_WORDS, "he": MALE, "she": FEMALE, "they": SEVERAL - {"and"}}
    return {name for name, group in groups.items() if words & group}


I_WORDS = word_set("i we i'm i've i'll i'd we're we've we'll")


def find_topics(words: Iterable[str]) -> set[str]:
    forms = {form for word in words for form in find_bases(word)}
    return {name for name, group in TOPICS.items() if forms & group}
