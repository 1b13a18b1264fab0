"""Answers a request for a study plan, and the turns in which the learner answers the questions before it.

No language model is asked, and nothing is corrected or praised: the request is not practice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.jobs.plans import PlanBasis, PlanLanguage, PlanQuestion
from pipeline.jobs.results import Feedback
from pipeline.learners.ledger import Ledger
from pipeline.levels import Focus, Level
from worker_llm.tutor.feedback import join_texts, strip_unspeakable
from worker_llm.tutor.language import is_noise
from worker_llm.tutor.questions.choose import choose_question
from worker_llm.tutor.safety import (
    SchoolWords,
    contains_swearing,
    find_private_details,
    private_details_reply,
    swearing_reply,
)
from worker_llm.tutor.study_plan.builder import (
    MIN_TOPICS,
    Wishes,
    add_wishes,
    build_plan,
    find_topics,
    sort_of,
    write_out,
)
from worker_llm.tutor.study_plan.interview import (
    INTRODUCTION,
    LEFT,
    NOT_HEARD,
    QUESTIONS,
    RETURN_ZH,
    THANKS,
    Interview,
    ends_interview,
    find_hard_kinds,
    find_hard_skills,
    find_interview,
    find_topic,
)
from worker_llm.tutor.study_plan.level import find_level_in_words
from worker_llm.tutor.study_plan.request import find_plan_request, is_nothing_but_request


@dataclass(frozen=True)
class PlanTurn:
    """A learner's turn, as far as a plan depends on it; `earlier` are the feedbacks of the session, oldest first.

    `read_ledger` gives the learner's ledger. `level` is that of the homework, None in a conversation, which names none.
    In homework no questions are asked. `reader`: the language of the page or persona; `can_speak_chinese`: a voice can.
    `own_answer`: the teacher's to an utterance that only asks about the teacher; else "".
    """

    utterance: str
    earlier: Sequence[Feedback]
    read_ledger: Callable[[], Ledger]
    school: SchoolWords
    is_homework: bool = False
    level: Level | None = None
    reader: PlanLanguage = "en"
    can_speak_chinese: bool = False
    own_answer: str = ""


def answer_about_plan(turn: PlanTurn) -> Feedback | None:
    """The plan, or the next question before it; None if the turn is about something else."""
    has_swearing = contains_swearing(turn.utterance, turn.school)
    if find_plan_request(turn.utterance) and not has_swearing:
        is_request = not turn.is_homework or is_nothing_but_request(turn.utterance)
        return _answer(turn, Interview("", turn.utterance)) if is_request else None
    interview = None if turn.is_homework else find_interview(turn.earlier, turn.school)
    if interview is None:
        return None
    if ends_interview(turn.utterance):
        return say(turn, interview.asked_in, LEFT)
    if aside := answer_aside(turn):
        return ask(turn, interview.asked_in, interview.question, aside)
    return _answer(turn, interview.with_answer(turn.utterance))


def answer_aside(turn: PlanTurn) -> Mapping[str, str] | None:
    """What is said to words that answer no question, before it is asked again; None to an answer."""
    if contains_swearing(turn.utterance, turn.school):
        english, chinese = swearing_reply()
        return {"en": english, "zh": chinese}
    if find_private_details(turn.utterance):
        english, chinese = private_details_reply()
        return {"en": english, "zh": chinese}
    if turn.own_answer:
        return {"en": turn.own_answer, "zh": RETURN_ZH}
    return NOT_HEARD if is_noise(turn.utterance) else None


def _answer(turn: PlanTurn, interview: Interview) -> Feedback:
    """The plan where enough is known for one, else the next question."""
    ledger = turn.read_ledger()
    is_enough = len(find_topics(ledger)) >= MIN_TOPICS and not interview.question
    question = interview.next_question
    if is_enough or turn.is_homework or not question:
        return give_plan(turn, interview, ledger, "ledger" if is_enough else "answers")
    return ask(turn, interview.asked_in, question, THANKS if interview.question else INTRODUCTION)


def give_plan(turn: PlanTurn, interview: Interview, ledger: Ledger, basis: PlanBasis) -> Feedback:
    level = turn.level or find_level_in_words(interview.request, *interview.answers.values())
    wishes, topics = find_wishes(interview, level, turn.school), find_topics(ledger)
    if basis == "answers":
        topics = add_wishes(topics, wishes, level, {sort_of(each.kind) for each in ledger.kinds if each.is_mastered})
    plan = build_plan(topics, wishes, level, interview.asked_in, basis)
    written_in, spoken_in = choose_languages(turn, interview.asked_in)
    return Feedback(
        turn.utterance,
        corrected=turn.utterance,
        reply=plan.summary["en"],
        spoken=strip_unspeakable(plan.summary[spoken_in]),
        explanation=write_out(plan, written_in),
        plan=plan,
    )


def find_wishes(interview: Interview, level: Level, school: SchoolWords) -> Wishes:
    hard, talk_about = interview.answers.get("hard", ""), find_topic(interview.answers.get("topic", ""), school)
    prompt = (
        choose_question("", talk_about, [], "", level=level, focus=Focus(ask_about=talk_about)) if talk_about else ""
    )
    return Wishes(interview.minutes, find_hard_kinds(hard), find_hard_skills(hard), talk_about, prompt)


def ask(turn: PlanTurn, asked_in: PlanLanguage, question: PlanQuestion, before: Mapping[str, str]) -> Feedback:
    """One of the questions, after the sentences `before`."""
    texts = {
        "en": join_texts(before["en"], QUESTIONS[question]["en"]),
        "zh": before["zh"] + QUESTIONS[question]["zh"],
    }
    return say(turn, asked_in, texts, question)


def say(turn: PlanTurn, asked_in: PlanLanguage, texts: Mapping[str, str], question: PlanQuestion = "") -> Feedback:
    written_in, spoken_in = choose_languages(turn, asked_in)
    return Feedback(
        turn.utterance,
        corrected=turn.utterance,
        reply=texts["en"],
        spoken=texts[spoken_in],
        explanation=texts["zh"] if written_in == "zh" else "",
        plan_question=question,
    )


def choose_languages(turn: PlanTurn, asked_in: PlanLanguage) -> tuple[PlanLanguage, PlanLanguage]:
    """In which language it is written besides the English reply, and in which it is said: Chinese if a voice can."""
    language: PlanLanguage = "zh" if "zh" in (asked_in, turn.reader) else "en"
    return language, language if turn.can_speak_chinese else "en"
