"""A study plan: what a learner can practise on each of up to seven days, and the questions that may come before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# What is done on a day.
PlanActivity = Literal[
    "mistake",  # a kind of mistake
    "words",  # words that were not clear
    "skill",  # what the learner called hard, such as listening
    "revision",  # what an earlier day of the plan was about
    "free_talk",
]
PlanBasis = Literal["ledger", "answers"]  # what a plan is made of: the ledger alone, or the learner's answers as well
PlanLanguage = Literal["en", "zh"]
# What is asked before a plan where the ledger says too little, in this order; "" in all other turns.
PlanQuestion = Literal["", "minutes", "hard", "topic"]


@dataclass(frozen=True)
class PlanDay:
    """The task of a day, in "en" and "zh"; `number` counts from 1, since nobody knows what day it is for the learner.

    `kind` is ERRANT's name of the mistake to practise, `words` are those to listen to again; `heard` and `better` are a
    sentence of the learner with that mistake and put right, "" where there is none. `prompt`: the teacher's question
    with which the task begins, in English. `revised`: the number of the earlier day, 0 of a day that revises none.
    """

    number: int
    activity: PlanActivity
    minutes: int
    task: Mapping[str, str] = field(hash=False)
    kind: str = ""
    words: tuple[str, ...] = ()
    heard: str = ""
    better: str = ""
    prompt: str = ""
    revised: int = 0


@dataclass(frozen=True)
class StudyPlan:
    """`minutes`: how long the learner wants to practise a day; `asked_in`: the language of the request.

    `summary` is what is said of it, in "en" and "zh".
    """

    days: tuple[PlanDay, ...]
    minutes: int
    asked_in: PlanLanguage
    basis: PlanBasis
    summary: Mapping[str, str] = field(hash=False)
