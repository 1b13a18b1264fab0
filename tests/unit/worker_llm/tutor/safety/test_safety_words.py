"""Swearing, private details, what a model must not say, and a school's file."""

import pytest

from pipeline.errors import ConfigurationError
from worker_llm.tutor.safety import (
    contains_swearing,
    find_private_details,
    is_insult,
    is_unfit_to_say,
    load_school_words,
    replace_swearing,
)


@pytest.mark.parametrize(
    "text",
    [
        "f**k you",
        "What the fuck",
        "sh*t!",
        "a$$hole",
        "f u c k",
        "他妈的",
        "傻逼",
        "b!tch",
        "fcuk you",
        "He is a d1ck",
        "Go f yourself",
        "傻 逼",
        "你这个傻*",
        "cao ni ma",
        "尼 玛",
        "fuuuuck",
        "妈了个巴子",
    ],
)
def test_swear_words_are_found_and_replaced(text):
    assert contains_swearing(text)
    assert not contains_swearing(replace_swearing(text))


@pytest.mark.parametrize(
    "text",
    [
        "Scunthorpe",
        "cocktail",
        "an assistant in class",
        "Dick is my uncle.",
        "Hello",
        "bass",
        "他妈妈是老师",
        "我妈的手机",
        "今天是她妈的生日",
        "我想你去死海看看",
        "一傻一聪明",
        "我靠着墙",
    ],
)
def test_words_that_look_alike_are_ordinary(text):
    assert not contains_swearing(text)
    assert replace_swearing(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "My phone number is 13812345678.",
        "I live at 12 Green Street.",
        "tom.li@gmail.com",
        "我住在中山路25号",
        "我在实验小学三年级二班",
        "I go to Sunshine Primary School, Class 3.",
        "my phone number is one three eight zero zero one three eight zero zero zero",
        "you can call my mum 1 3 8 1 2 3 4 5 6 7 8",
        "I live at number twelve Green Street",
        "i live in room three hundred and two building five sunshine garden",
        "I live on Oak Street number five",
        "My house number is 12",
        "our door code is four five two one",
        "The code of our door is 4521",
        "My name is Li Ming from Sunshine Primary School Grade 4 Class 2",
        "电话一三八，零零一三，八零零零",
        "我的手机号是幺三八零零幺三八零零零",
    ],
)
def test_private_details_are_found(text):
    assert find_private_details(text)


@pytest.mark.parametrize(
    "text",
    [
        "Room 12",
        "I am 12.",
        "My birthday is 2010-05-03.",
        "It costs 1500 yuan.",
        "I live in Beijing.",
        "我今年十二岁",
        "I am in Class 3.",
        "One two three four five six seven eight.",
        "1 2 3 4 5 6 7 8 9",
        "I live in one small flat with two cats.",
        "I live at home, and at two we cross the street.",
        "I live on the twelfth floor.",
        "Our class has a code.",
        "I live near a park.",
    ],
)
def test_ordinary_numbers_and_places_are_not_private(text):
    assert not find_private_details(text)


@pytest.mark.parametrize(
    "text",
    [
        "What is your address?",
        "Where do you live?",
        "Well done! What did you eat?",
        "Can we meet?",
        "Send me a photo of you.",
        "My number is 555 123 4567.",
        "Call me at five five five one two three four.",
        "I live at 12 Green Street.",
        "我的电话是13800138000",
        "What the hell did you do?",
        "Do you like Trump?",
        "You should take two pills.",
        "你住在哪里?",
        "真棒!",
    ],
)
def test_unfit_words_of_a_model_are_found(text):
    assert is_unfit_to_say(text)


@pytest.mark.parametrize(
    "text",
    [
        "What did you eat?",
        "What colour is your cat?",
        "Where did you go on Sunday?",
        "Why do you like it?",
        "What is your favourite food?",
        "你喜欢吃什么?",
    ],
)
def test_a_teachers_question_is_fit(text):
    assert not is_unfit_to_say(text)


def test_a_school_file_is_read_and_its_swear_words_count(tmp_path):
    path = tmp_path / "school.toml"
    path.write_text('swearing = ["blorp"]', encoding="utf-8")
    assert contains_swearing("You blorp!", load_school_words(path))
    assert not contains_swearing("You blorp!", load_school_words(None))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = [", "is not TOML"),
        ('colour = "red"', "`colour` is unknown"),
        ('[phrases]\nfire = ["x y"]', "fire.* is unknown: expected one of self_harm"),
        ('[contact]\nen = "Ms Li"', "`contact` must have `en` and `zh`"),
        ("allowed = 3", "`allowed` must be a list"),
        ('allowed = ["!"]', "must be a text with letters"),
    ],
)
def test_a_school_file_with_a_mistake_is_refused(tmp_path, text, message):
    path = tmp_path / "school.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message):
        load_school_words(path)


def test_a_school_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_school_words(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "text",
    ["You are stupid.", "You are an idiot, teacher.", "you’re so dumb", "Shut up!", "Hello. I hate you!", "You idiot."],
)
def test_an_insult_to_the_teacher_is_found(text):
    assert is_insult(text)


@pytest.mark.parametrize(
    "text",
    [
        "You are not stupid.",
        "He said you are stupid.",
        "I am stupid.",
        "You are funny.",
        "I hate rain.",
        "Your big pig.",
    ],
)
def test_what_insults_nobody_who_is_spoken_to_is_no_insult(text):
    assert not is_insult(text)
