"""Answers what every learner asks the teacher from the persona's file, whatever the language model is.

The model would invent an age, a home or children, and a small one the meaning of a word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.jobs.results import Feedback
from pipeline.personas import AnswerName, Persona
from worker_llm.tutor.feedback import join_texts
from worker_llm.tutor.known_questions import TOLD, KnownQuestion, find_known_questions
from worker_llm.tutor.language import request_taught_language
from worker_llm.tutor.model_reply import Conversation
from worker_llm.tutor.questions.choose import BANK_TURNS, was_asked

# For a persona whose file has no answer of its own: what is true of every one.
COMMON_ANSWERS: Mapping[AnswerName, str] = {
    "robot": "I am not a real person. I am a computer program that teaches English.",
    "help": "Yes, of course. Tell me something in English, and I will help you to say it well.",
    "time": "I cannot see a clock or a calendar, so I do not know.",
    "weather": "I cannot see the weather, so I do not know.",
    "tastes": "I am a computer program, so I cannot really say.",
    "abilities": "I am a computer program. I can only listen and talk with you in English.",
    "words": "I cannot explain words yet. A dictionary can, and then we practise the word together.",
    "advice": "Speak a little every day, listen to the better sentences, and say them again.",
    "thanks": "You are welcome.",
}


def answer_and_ask_back(questions: Sequence[KnownQuestion], conversation: Conversation, sentences: str) -> str:
    """The persona's answers, and a question back that was not asked lately; "" if it has no answers.

    `sentences`: all that the learner said, which may have answered the question back already.
    """
    answer = answer_known_questions(questions, conversation.persona)
    if not answer:
        return ""
    last = questions[-1]
    told_pattern = TOLD.get(last.name)
    if was_asked(last.back, conversation.earlier_replies[-BANK_TURNS:]) or (
        told_pattern and told_pattern.search(sentences.lower())
    ):
        return join_texts(answer, conversation.choose_question(sentences))
    return join_texts(answer, last.back)


def answer_other_language(utterance: str, persona: Persona) -> Feedback:
    """A kind request for the taught language; a known question in Chinese is answered, and shown in English."""
    feedback = request_taught_language(utterance, persona)
    questions = find_known_questions(utterance) if persona.languages[0] == "en" else []
    answer = answer_known_questions(questions, persona)
    if not answer:
        return feedback
    reply = f"{answer} In English you can ask: {questions[0].model}"
    return replace(feedback, reply=reply, spoken=reply, explanation=f"用英语可以这样问：{questions[0].model}")


def answer_known_questions(questions: Sequence[KnownQuestion], persona: Persona) -> str:
    """The persona's answers to those that it can answer; "" if to none."""
    return join_texts(*(find_answer(question.name, persona) for question in questions))


def find_answer(name: AnswerName, persona: Persona) -> str:
    if answer := persona.answers.get(name):
        return answer
    if name == "name" and "en" in persona.display:
        return f"My name is {persona.display['en']}."
    return COMMON_ANSWERS.get(name, "")
