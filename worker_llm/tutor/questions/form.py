"""Whether a question that a language model wrote may be asked: its form, its words, and whether it asks anything new.

All of it is by rule, and in doubt the answer is no: the bank always has another question.
"""

import re

from worker_llm.tutor.questions.vocabulary import (
    AUXILIARIES,
    BASE_VERBS,
    DETERMINERS,
    EITHER_SEX,
    FEMALE,
    FIRST_PERSON,
    FORMS_OF_BE,
    MALE,
    NEVER_AFTER_BE,
    PRONOUNS,
    SEVERAL,
    SUBJECT_VERBS,
    WH_WORDS,
    is_common,
    is_content_word,
    looks_past,
    split_words,
    straighten,
    was_said,
    word_set,
)

MIN_WORDS, MAX_WORDS = 3, 12
MAX_NOUN_WORDS = 3  # between "which" or "how" and the auxiliary verb
PLAIN_QUESTION = re.compile(r"[A-Z][A-Za-z0-9' \-]*\?")  # one sentence, without any other mark
# "What is the …?" asks for a name of anything, and what a small model asks so is mostly senseless.
EMPTY_QUESTION = re.compile(
    r"(?:what|who|which)(?: is| are| was| were|'s|'re) (?:the|a|an|your|his|her|its|their|my|our)\b(?! \w+ \w+ing\b)"
)
LAST_WORDS_OF_NOTHING = DETERMINERS - {"this", "that", "these", "those", "her", "all", "both"} | word_set(
    "and or but because if of than very so my our"
)
NOT_WITH = {  # a pronoun -> forms of verbs that do not agree with it
    **dict.fromkeys(("you", "they", "these", "those"), word_set("is was am does has")),
    **dict.fromkeys(
        ("he", "she", "it", "this", "that", "someone", "anyone", "everyone", "everybody"),
        word_set("are were am do have"),
    ),
    "there": word_set("am do does did can has have had must"),
}
WITH_BASE_FORM = word_set("do does did can could will would shall should may might must")
ADVERBS = word_set("not usually always often ever really still also both all never sometimes first")
NO_VERBS = PRONOUNS | WH_WORDS | word_set("the a an your his her its their to of in on at and or him them")
ALWAYS_OPEN = word_set("why where when how which whose")  # a question with these asks for more than what was said


def is_sound(question: str, sentences: str, max_words: int = MAX_WORDS) -> bool:
    """Whether the question, after what the learner said in `sentences`, may be asked."""
    text = straighten(question).strip()
    words = split_words(text)
    if not MIN_WORDS <= len(words) <= min(max_words, MAX_WORDS) or not PLAIN_QUESTION.fullmatch(text):
        return False
    said_words = frozenset(split_words(sentences))
    return (
        not EMPTY_QUESTION.match(text.lower())
        and not FIRST_PERSON & set(words)
        and words[-1] not in LAST_WORDS_OF_NOTHING
        and is_grammatical(words, said_words)
        and has_known_words(text, words, said_words)
        and has_antecedents(words, said_words)
        and asks_something_new(words, said_words)
    )


def is_grammatical(words: list[str], said_words: frozenset[str]) -> bool:
    """Whether it is a question word, auxiliary verb and subject, or begins with the verb, as far as can be told."""
    if words[0] in AUXILIARIES:
        return _has_subject_and_verb(words, said_words)
    if words[0] not in WH_WORDS:
        return False
    if words[0] in ("what", "who", "which") and words[1] in FORMS_OF_BE and len(words) == MIN_WORDS:
        return False  # "What is it?"
    place = next((index for index, word in enumerate(words) if index and word in AUXILIARIES), 0)
    if words[0] in ("what", "who") and words[1] in SUBJECT_VERBS - AUXILIARIES:
        return not place  # "Who cooks dinner?"
    between = words[1:place]
    if not place or len(between) > MAX_NOUN_WORDS or set(between) & (PRONOUNS | WH_WORDS | DETERMINERS | BASE_VERBS):
        return False
    if between and words[0] not in ("what", "which", "whose", "how") and between != ["else"]:
        return False
    return _has_subject_and_verb(words[place:], said_words)


def _has_subject_and_verb(words: list[str], said_words: frozenset[str]) -> bool:
    """`words` begin with the auxiliary verb."""
    auxiliary, subject = words[0], words[1] if len(words) > 1 else ""
    if subject in PRONOUNS:
        return auxiliary not in NOT_WITH.get(subject, ()) and _has_fitting_verb(auxiliary, words[2:], said_words)
    if auxiliary in FORMS_OF_BE and subject.endswith("ing") and len(subject) > 4:
        return True  # "Who is coming?"
    if subject not in DETERMINERS and not was_said(subject, said_words):
        return False
    least = 4 if auxiliary in WITH_BASE_FORM else 3 if subject in DETERMINERS else 2
    rest = words[2:] if subject not in DETERMINERS else words[3:]
    if auxiliary in WITH_BASE_FORM:
        return len(words) >= least - (subject not in DETERMINERS) and any(word in BASE_VERBS for word in rest)
    return len(words) >= least and not (auxiliary in FORMS_OF_BE and set(rest[:1]) & NEVER_AFTER_BE)


def _has_fitting_verb(auxiliary: str, rest: list[str], said_words: frozenset[str]) -> bool:
    """Whether the verb after the subject has the form that goes with the auxiliary verb."""
    verb = next((word for word in rest if word not in ADVERBS), "")
    if auxiliary in WITH_BASE_FORM:
        has_other_form = looks_past(verb) or (verb.endswith("ing") and verb not in ("bring", "sing"))
        is_third_person = verb.endswith("s") and verb.removesuffix("s") in BASE_VERBS
        is_known = verb in BASE_VERBS or was_said(verb, said_words)
        return is_known and verb not in NO_VERBS and not has_other_form and not is_third_person
    if auxiliary in FORMS_OF_BE:
        return verb not in NEVER_AFTER_BE
    return bool(verb) and verb not in BASE_VERBS - {"become", "come", "read", "run"}


def has_known_words(text: str, words: list[str], said_words: frozenset[str]) -> bool:
    """Whether every name was said, and every other word was said or is common."""
    names = {word.lower() for word in re.findall(r"(?<=[a-z0-9] )[A-Z][a-z]+", text)} - {"english", "chinese"}
    if names - said_words or any(word.isdecimal() and word not in said_words for word in words):
        return False
    return all(is_common(word) or was_said(word, said_words) for word in words if is_content_word(word))


def has_antecedents(words: list[str], said_words: frozenset[str]) -> bool:
    """Whether everybody who is called he, she or they was spoken of."""
    pronouns = set(words)
    if pronouns & {"he", "him", "his"} and not said_words & (MALE | EITHER_SEX):
        return False
    if pronouns & {"she", "her", "hers"} and not said_words & (FEMALE | EITHER_SEX):
        return False
    has_several = said_words & SEVERAL or any(word.endswith("s") and len(word) > 3 for word in said_words)
    return not pronouns & {"they", "them", "their"} or bool(has_several)


def asks_something_new(words: list[str], said_words: frozenset[str]) -> bool:
    """Not what the learner has just said: "What did you eat?" after "I ate two apples."."""
    if words[0] in ALWAYS_OPEN or words[-1] in ("with", "for", "about"):
        return True
    content = [word for word in words if is_content_word(word)]
    return not content or not all(was_said(word, said_words) for word in content)
