"""Child safety: what learners say is looked at before it is answered, and what a model says before it is spoken."""

from worker_llm.tutor.safety.categories import CATEGORIES, Category
from worker_llm.tutor.safety.danger import Danger, find_danger
from worker_llm.tutor.safety.private_details import find_private_details, private_details_reply
from worker_llm.tutor.safety.school_words import NO_SCHOOL_WORDS, SchoolWords, load_school_words
from worker_llm.tutor.safety.swearing import contains_swearing, is_insult, replace_swearing, swearing_reply
from worker_llm.tutor.safety.unfit import is_unfit_to_say

__all__ = [
    "CATEGORIES",
    "NO_SCHOOL_WORDS",
    "Category",
    "Danger",
    "SchoolWords",
    "contains_swearing",
    "find_danger",
    "find_private_details",
    "is_insult",
    "is_unfit_to_say",
    "load_school_words",
    "private_details_reply",
    "replace_swearing",
    "swearing_reply",
]
