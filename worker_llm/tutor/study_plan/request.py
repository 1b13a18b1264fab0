"""A request for a study plan, in English with learners' mistakes and in Chinese: by its words alone.

A sentence, or its last clause, must be a request as a whole; so what a learner tells of plans is none.
"""

import re
from collections.abc import Iterator

from pipeline.jobs.plans import PlanLanguage
from worker_llm.tutor.questions.vocabulary import straighten
from worker_llm.tutor.study_plan.chinese import has_chinese, simplify
from worker_llm.tutor.study_plan.chinese_requests import POLITE, ZH_AFTER, asks_in_chinese
from worker_llm.tutor.study_plan.english_requests import AFTER, BEFORE, asks_in_english

SENTENCE_END = re.compile(r"[.!?。！？;；\n]+")
CLAUSE_END = re.compile(r"[,，:：]+")
NO_LETTERS = re.compile(r"[^\w\s']")
MAX_CLAUSES = 8  # at the end of a sentence, that are looked at
REPORTING = re.compile(  # a clause after which somebody else's words follow
    r"(?:\b(?:say|says|said|ask|asks|asked|tell|tells|told|write|writes|wrote)(?: \w+){0,2}|[说问道讲写]|告诉\w{0,3})$"
)


def find_plan_request(text: str) -> PlanLanguage | None:
    """In which language the text asks for a study plan; None if it does not."""
    return next(filter(None, map(_language_of_request, _sentences(text))), None)


def is_nothing_but_request(text: str) -> bool:
    """Whether the text asks for a study plan and says nothing else of its own."""
    sentences = [each for each in _sentences(text) if len(NO_LETTERS.sub("", each).strip()) > 0]
    return bool(sentences) and all(_language_of_request(each) or _is_courtesy(each) for each in sentences)


def _sentences(text: str) -> Iterator[str]:
    return (each for each in SENTENCE_END.split(straighten(text)) if each.strip())


def _is_courtesy(sentence: str) -> bool:
    normalized = " ".join(NO_LETTERS.sub(" ", sentence.lower()).split())
    polite_english = re.fullmatch(BEFORE, f"{normalized} ") or re.fullmatch(AFTER, f" {normalized}")
    return bool(polite_english or re.fullmatch(rf"{POLITE}*{ZH_AFTER}", CLAUSE_END.sub("", simplify(sentence))))


def _language_of_request(sentence: str) -> PlanLanguage | None:
    """Of one sentence: the whole of it, or its last clause where that is not another one's words."""
    clauses = [each for each in CLAUSE_END.split(sentence) if each.strip()][-MAX_CLAUSES:]
    for start in range(len(clauses)):
        if start and REPORTING.search(clauses[start - 1].strip().lower()):
            return None
        if language := _language_of_clause(" ".join(clauses[start:])):
            return language
    return None


def _language_of_clause(clause: str) -> PlanLanguage | None:
    if has_chinese(clause):
        return "zh" if asks_in_chinese(simplify(clause)) else None
    return "en" if asks_in_english(" ".join(NO_LETTERS.sub(" ", clause.lower()).split())) else None
