"""What every learner asks the teacher is answered from the persona's file."""

import pytest

from pipeline import personas
from pipeline.personas import AnswerName
from pipeline.settings import Settings
from worker_llm.tutor.known_answers import answer_and_ask_back, answer_other_language
from worker_llm.tutor.known_questions import KNOWN_QUESTIONS, find_known_questions
from worker_llm.tutor.model_reply import Conversation

WILLIAM = personas.load("william", Settings().personas)
OWN = personas.Persona(**{**vars(WILLIAM), "answers": {}})

ASKED = """
name: What is your name? | What your name? | Whats your name | What is you name? | Hello, what's your name?
name: Who are you? | May I know your name, please? | 你叫什么名字？ | 老师，您贵姓？ | 你是谁？
age: How old are you? | How old you are? | What is your age?
age: How many years do you have? | 你几岁了？ | 你多大了
feeling: How are you? | How are you today? | How do you do? | How is it going? | 你好吗？
origin: Where are you from? | Where you from? | Where are you come from?
origin: Where do you come from? | 你是哪国人？
home: Where do you live? | Where you live? | Where is your house? | 你住在哪里？ | 你家在哪儿？
help: Can you help me? | Can you help me with my homework? | 你能帮我吗？
robot: Are you a robot? | Are you a real person? | Are you real person or robot?
robot: Are you human? | 你是机器人吗？ | 你是真人吗
likes: What do you like? | What you like? | What do you like to do? | What are your hobbies? | 你喜欢什么？
languages: Can you speak Chinese? | Do you speak Chinese? | You can speak Chinese? | 你会说中文吗？
time: What time is it? | What time is it now? | What is the time?
time: What day is it today? | 现在几点了？ | 今天星期几？
family: Do you have children? | Do you have any brothers or sisters? | Are you married?
family: Do you have a pet? | 你有孩子吗？
name: How do you call? | 老师，您怎么称呼？
age: How many years old are you? | When is your birthday? | 你今年多少岁？ | 你的生日是哪天？ | 老师多大了？
origin: 老师是哪里人？ | 请问老师来自哪里？
home: Do you live in London? | Do you have a house? | 老师住哪里？
help: Please teach me English. | 可以教我英语吗？ | 请帮助我
robot: Is it a robot talking? | 老师是机器人吗
likes: 老师喜欢做什么？
languages: 你会说几种语言？ | 老师会中文吗？
family: 老师有家人吗？
robot: Who made you? | 谁发明了你？
weather: What's the weather like today? | How is the weather? | Is it raining there? | 今天天气怎么样？
tastes: Do you like pizza? | Do you love me? | What is your favourite food? | What do you like to eat?
tastes: Do you like children?
tastes: What is your favorite colour? | Which animals do you like best? | 你喜欢狗吗？ | 你最喜欢的颜色是什么？
abilities: Can you sing a song? | Can you swim? | Can you hear me? | 你会唱歌吗？
words: What does umbrella mean? | How do you spell beautiful? | How do you say 苹果 in English?
words: What is the meaning of brave?
words: What is the difference between look and see? | Can you explain this word? | 苹果用英语怎么说？
words: brave是什么意思？
advice: How should I study English? | How can I improve my English? | Can you give me some advice? | 怎么学好英语？
thanks: Thank you. | Thanks a lot! | Thank you very much, teacher. | 谢谢老师。
"""
NOT_ASKED = """
My name is Tom. | I like your name. | 我喜欢狗 | 他几点起床？ | My mother says thank you. | What do you mean?
What is the time of the party? | How old is your brother? | 今天我很好 | Where does he live? | Can you help him? | 你好
我们老师住哪里？ | 我的老师有孩子。 | 英语老师会中文吗？ | My teacher teaches me English. | 老师喜欢我们。
I have a robot. | Who is she? | Can she sing? | What does he like? | How do you go to school? | 我会唱歌。 | 天气很好。
I am from China. | What time do you get up?
"""


def read_questions(lines):
    rows = [line.partition(": ") for line in lines.strip().splitlines()]
    return [(name, text.strip()) for name, _, texts in rows for text in texts.split("|")]


@pytest.mark.parametrize(("name", "text"), read_questions(ASKED))
def test_a_known_question_is_recognised_in_both_languages_and_with_mistakes(name, text):
    assert [question.name for question in find_known_questions(text)] == [name]


@pytest.mark.parametrize("text", [text.strip() for line in NOT_ASKED.strip().splitlines() for text in line.split("|")])
def test_other_sentences_are_no_known_questions(text):
    assert find_known_questions(text) == []


def test_a_question_after_other_sentences_is_recognised():
    found = find_known_questions("Hello. My name is Tom. What is your name? How old are you?")
    assert [question.name for question in found] == ["name", "age"]


@pytest.mark.parametrize("question", KNOWN_QUESTIONS, ids=lambda question: question.name)
@pytest.mark.parametrize("name", personas.list_names(Settings().personas))
def test_every_persona_of_ours_answers_each_of_them_and_asks_back(name, question):
    persona = personas.load(name, Settings().personas)
    answer = persona.answers[question.name]
    spoken = answer_and_ask_back([question], Conversation(persona), question.model)
    assert spoken == f"{answer} {question.back}"
    assert spoken.endswith("?")


def test_the_names_are_those_that_a_persona_may_answer():
    assert {question.name for question in KNOWN_QUESTIONS} == set(AnswerName.__args__)


@pytest.mark.parametrize(
    ("said", "back"),
    [
        ("My name is Tom. What is your name?", "What is your name?"),
        ("I am 9 years old. How old are you?", "How old are you?"),
        ("I'm fine, thank you. How are you?", "How are you today?"),
        ("I am from China. Where are you from?", "Where are you from?"),
    ],
)
def test_nobody_is_asked_back_what_they_have_just_told(said, back):
    spoken = answer_and_ask_back(find_known_questions(said), Conversation(WILLIAM), said)
    assert spoken.endswith("?")
    assert not spoken.endswith(back)


def test_the_question_back_is_not_repeated():
    questions = find_known_questions("What is your name?")
    again = Conversation(WILLIAM, ["My name is William. What is your name?"])
    assert answer_and_ask_back(questions, again, "What is your name?").count("What is your name?") == 0


def test_a_persona_without_answers_says_only_what_is_true_of_all():
    conversation = Conversation(OWN)
    assert answer_and_ask_back(find_known_questions("What is your name?"), conversation, "").startswith(
        "My name is William."
    )
    assert "computer program" in answer_and_ask_back(find_known_questions("Are you a robot?"), conversation, "")
    assert answer_and_ask_back(find_known_questions("How old are you?"), conversation, "") == ""


def test_a_question_in_chinese_is_answered_and_shown_in_english():
    feedback = answer_other_language("你叫什么名字？", WILLIAM)
    assert feedback.verdict == "other_language"
    assert feedback.spoken == "My name is William. In English you can ask: What is your name?"
    assert feedback.explanation == "用英语可以这样问：What is your name?"


def test_other_chinese_gets_the_request_for_english():
    assert "say it in English" in answer_other_language("我喜欢狗", WILLIAM).spoken
