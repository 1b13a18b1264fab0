"""Which questions of a model are asked, and which the bank asks instead."""

import pytest

from pipeline import personas
from pipeline.levels import LEVELS, NO_LEVEL, Focus, find_focus
from pipeline.settings import Settings
from worker_llm.tutor.questions.bank import QUESTIONS, QUESTIONS_OF_TIME, TOPICS, find_fitting
from worker_llm.tutor.questions.choose import BANK_TURNS, MAX_RANKED, choose_question
from worker_llm.tutor.questions.form import MAX_WORDS, is_sound
from worker_llm.tutor.safety import is_unfit_to_say

WILLIAM = personas.load("william", Settings().personas)
BANK = {question.text for question in QUESTIONS}

SOUND = """
She has long hair. | Where does she live?
Yesterday I went to the library and I read two books. | Which books did you read?
Yesterday I went to the library. | What did you do there?
I like playing football. | Who do you play football with?
My sister likes swimming. | Where does she swim?
Last night he saw a film. | Which film did he see?
I have a dog. | How old is it?
I have a dog. | What does your dog like to eat?
We went to the beach. | Did you swim in the sea?
I went to the zoo. | What animals did you see?
I want to be a doctor. | Why do you want to be a doctor?
We are going to the beach tomorrow. | Who will you go with?
My grandmother has a small garden. | What does she grow in her garden?
My brother plays football. | How often does he play?
I ate two apples. | Were they good?
It is raining. | Do you like rain?
I like English. | Is it difficult for you?
They were very happy. | Why were they happy?
The cat is sleeping on the chair. | What is the cat doing now?
My friend Tom came to my house. | What did you play with Tom?
My mother cooks every day. | Who is cooking today?
I have 3 dogs. | Can the 3 dogs swim?
"""
UNSOUND = """
She has long hair. | What's her name?
She has long hair. | What is her hair color?
I ate two apples. | What did you eat?
My favorite subject is music. | What's your favorite subject?
I like cats. | Do you like cats?
I like cats. | What do you likes?
I like cats. | What did you went?
I like cats. | Did you wanted a cat?
I like cats. | Where does you live?
I like cats. | Why is he sad?
I like cats. | Where is she from?
It is cold. | What do they do?
I like cats. | What do I like?
I like cats. | What is my name?
I like cats. | What is it?
I like cats. | Do you know Elizabeth?
I like cats. | What do you think about the parliament?
I like cats. | Why do you like cats? Tell me.
I like cats. | "Why do you like cats?"
I like cats. | Why?
I like cats. | Why do you like
I like cats. | You like cats?
I like cats. | Are you go home?
I like cats. | What the cats do?
I like cats. | Why do you like your?
I like cats. | Can they swims?
She is happy. | What are she doing?
I like cats. | What are you going to do with the 15 cats?
He has two sisters. | What's the other brother's name?
They were very happy. | What's the most happy?
I like cats. | do you like dogs?
I like cats. | Why do you like the small cats and the big cats and all of the other animals?
I like cats. | Please tell me why you like cats?
I like cats. | Where do you kitchen?
I like cats. | How the cats are you?
"""


def read_pairs(lines):
    return [tuple(part.strip() for part in line.split("|")) for line in lines.strip().splitlines()]


@pytest.mark.parametrize(("sentences", "question"), read_pairs(SOUND))
def test_a_sound_question_is_asked(sentences, question):
    assert is_sound(question, sentences)
    assert choose_question(question, sentences, [], "And?") == question


@pytest.mark.parametrize(("sentences", "question"), read_pairs(UNSOUND))
def test_instead_of_an_unsound_question_the_bank_asks(sentences, question):
    assert not is_sound(question, sentences)
    assert choose_question(question, sentences, [], "And?") in BANK


@pytest.mark.parametrize("question", sorted(BANK))
def test_the_questions_of_the_bank_are_short_and_fit_to_be_said(question):
    assert question.endswith("?")
    assert 3 <= len(question.split()) <= MAX_WORDS
    assert not is_unfit_to_say(question)


def test_the_bank_has_at_least_sixty_questions_and_some_for_each_topic():
    assert len(BANK) == len(QUESTIONS) >= 60
    assert {topic for question in QUESTIONS for topic in question.topics} == set(TOPICS)


@pytest.mark.parametrize(
    ("sentences", "allowed"),
    [
        ("My brother is tall.", "he"),
        ("My grandmother is old.", "she"),
        ("My friends are kind.", "they"),
    ],
)
def test_the_bank_speaks_only_of_whom_the_learner_spoke(sentences, allowed):
    pronouns = {"he": {"he", "him"}, "she": {"she", "her"}, "they": {"they", "them"}}
    used = {word for text in find_fitting(sentences, None, 12) for word in text.lower().rstrip("?").split()}
    assert used & pronouns[allowed]
    assert not used & set().union(*(words for name, words in pronouns.items() if name != allowed))


@pytest.mark.parametrize(
    ("sentences", "time", "other"),
    [
        ("Yesterday we went to the beach.", "past", "future"),
        ("I visited a museum.", "past", "future"),
        ("We will go to the beach tomorrow.", "future", "past"),
        ("I like the beach.", "present", "past"),
    ],
)
def test_the_bank_asks_about_the_time_of_the_sentence(sentences, time, other):
    times = {text: question.time for question in QUESTIONS for text in [question.text]}
    fitting = {times[text] for text in find_fitting(sentences, None, 12)}
    assert time in fitting
    assert other not in fitting


def test_the_bank_prefers_the_topic_of_the_sentence():
    first = find_fitting("I have a rabbit and a fish.", None, 12)[0]
    assert next(question.topics for question in QUESTIONS if question.text == first) == {"animals"}


@pytest.mark.parametrize(("name", "level"), LEVELS.items())
def test_a_question_has_no_more_words_than_the_level_allows(name, level):
    long = "What do you like to do with your dog every day after school?"
    chosen = choose_question(long, "I have a dog and every day I play with it after school.", [], "And?", level=level)
    assert len(chosen.split()) <= level.max_question_words


def test_no_question_is_asked_twice_in_ten_turns():
    first, asked = "Why do you like dogs?", []
    for _ in range(BANK_TURNS + 1):
        asked.append(choose_question("" if asked else first, "I like dogs.", asked, "Can you tell me more?"))
    assert asked[0] == first
    repeated = {question for question in asked if asked.count(question) > 1}
    assert repeated <= {"Can you tell me more?"}
    assert len(set(asked)) >= 6


def test_a_question_of_the_model_may_come_back_after_three_turns():
    question = "Why do you like dogs?"
    assert choose_question(question, "I like dogs.", ["a", question, "b", "c"], "And?") != question
    assert choose_question(question, "I like dogs.", [question, "a", "b", "c"], "And?") == question


def test_what_is_unfit_to_say_is_not_asked():
    assert choose_question("Do you want to kill your dog?", "I have a dog.", [], "And?") in BANK


def test_a_ranker_chooses_among_the_questions_that_fit():
    seen = []

    def rank(sentences, questions):
        seen.extend(questions)
        return [-len(question) for question in questions]

    chosen = choose_question("", "I have a dog.", [], "And?", rank=rank)
    assert chosen == min(seen, key=len)
    assert len(seen) <= MAX_RANKED


@pytest.mark.parametrize("sentences", ["", "Mm.", "hello", "苹果"])
def test_any_words_get_a_question(sentences):
    assert choose_question("", sentences, [], "And?").endswith("?")


def test_homework_about_the_past_brings_questions_about_the_past():
    first = choose_question("", "Yesterday I had a dog.", [], "And?", focus=Focus(time="past"), level=NO_LEVEL)
    assert next(each.time for each in QUESTIONS if each.text == first) == "past"


@pytest.mark.parametrize(
    ("instructions", "topic"),
    [
        ("Ask about their family", "family"),
        ("Please ask questions about animals.", "animals"),
        ("问问他们的家人", "family"),
        ("和他们聊聊天气", "weather"),
    ],
)
def test_homework_chooses_what_is_asked_about_before_the_models_own_question(instructions, topic):
    focus = find_focus(instructions)
    asked = choose_question("What colour is your bike?", "I have a new bike.", [], "And?", focus=focus)
    assert topic in next(question.topics for question in QUESTIONS if question.text == asked)


def test_homework_about_a_time_asks_about_it_where_the_learner_spoke_of_another():
    past, future = find_focus("Use the past tense."), find_focus("请用将来时")
    assert choose_question("", "I like dogs.", [], "And?", focus=past) in QUESTIONS_OF_TIME["past"]
    assert choose_question("", "I like dogs.", [], "And?", focus=future) in QUESTIONS_OF_TIME["future"]
    assert choose_question("", "I saw a dog yesterday.", [], "And?", focus=past) not in QUESTIONS_OF_TIME["past"]


def test_what_homework_asks_about_is_not_asked_twice():
    focus, replies = find_focus("Ask about sport"), []
    for _ in range(5):
        replies.append(choose_question("", "I have a new bike.", replies, "And?", focus=focus))
    assert len(set(replies)) == len(replies)


@pytest.mark.parametrize("question", [text for texts in QUESTIONS_OF_TIME.values() for text in texts])
def test_the_questions_about_a_time_may_be_said(question):
    assert not is_unfit_to_say(question)
    assert len(question.split()) <= MAX_WORDS
