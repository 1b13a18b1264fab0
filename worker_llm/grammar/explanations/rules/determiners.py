"""Reasons for articles and for other words before a noun: this and these, much and many, some and any."""

from worker_llm.grammar.explanations.rules.word_lists import UNCOUNTABLE
from worker_llm.grammar.explanations.token_edit import TokenEdit, display_text, negation_before, noun_of, word
from worker_llm.grammar.explanations.topics import Reason, because
from worker_llm.grammar.libraries import Token
from worker_llm.grammar.word_sets import word_set

ARTICLES = frozenset({"a", "an", "the"})
NOT_COUNTED = UNCOUNTABLE | word_set(
    "lot few little bit hurry cold headache fever rest while time day life pity shame dozen couple moment"
)
ONLY_ONE = frozenset({"sun", "moon", "sky", "earth", "world"})
ORDERS = frozenset({"first", "second", "third", "fourth", "fifth", "last"})
INSTRUMENTS = word_set("piano guitar violin drum drums flute cello trumpet erhu")
MEALS = frozenset({"breakfast", "lunch", "dinner", "supper"})
GAMES = word_set("football soccer basketball tennis volleyball badminton chess baseball golf hockey")
LANGUAGES = word_set("chinese english french japanese german spanish russian korean italian")
WITHOUT_ARTICLE = {  # a preposition -> what follows it without an article
    "to": word_set("school bed work church class"),
    "at": word_set("home school night work"),
    "by": word_set("bus car train plane bike taxi"),
    "in": word_set("bed class"),
}
VOWEL_SOUNDS = ("hour", "honest", "honour", "honor", "heir")
CONSONANT_SOUNDS = ("uni", "use", "usu", "eu", "one", "once")


def noun_after(edit: TokenEdit) -> Token | None:
    """The noun that the edited word stands before."""
    if edit.new_tokens:
        return noun_of(edit.new_tokens[-1])
    token = edit.next
    while token is not None and token.tag_ in {"JJ", "JJR", "JJS", "RB", "NN", "NNP", "CD", "VBG", "PRP$"}:
        following = token.doc[token.i + 1] if token.i + 1 < len(token.doc) else None
        if following is None or not following.tag_.startswith(("JJ", "NN")):
            break
        token = following
    return token if token is not None and token.tag_.startswith("NN") else None


def missing_a(edit: TokenEdit) -> Reason | None:
    """I have cat."""
    if not edit.is_insertion or edit.new not in {"a", "an"}:
        return None
    noun = noun_after(edit)
    if noun is None or noun.tag_ != "NN" or noun.lower_ in NOT_COUNTED or noun.i - edit.start > 3:
        return None
    if edit.previous is not None and edit.previous.lower_ in {"what", "such", "half", "quite"}:
        return None
    return because("missing_a", noun=word(noun), phrase=display_text(edit.after, edit.start, noun.i + 1))


def sound_of_next(edit: TokenEdit) -> Reason | None:
    """a apple, an book."""
    if edit.next is None or {edit.old, edit.new} != {"a", "an"}:
        return None
    text = edit.next.lower_
    begins_with_vowel = text.startswith(VOWEL_SOUNDS) or (text[0] in "aeiou" and not text.startswith(CONSONANT_SOUNDS))
    if begins_with_vowel != (edit.new == "an") or not text.isalpha():
        return None
    return because("an_vowel" if begins_with_vowel else "a_consonant", word=word(edit.next))


def the_only_one(edit: TokenEdit) -> Reason | None:
    """best student, sun, play piano."""
    if edit.new != "the" or edit.old not in {"", "a", "an"} or edit.next is None:
        return None
    following, noun = edit.next, noun_after(edit)
    if following.tag_ in {"JJS", "RBS"}:
        end = following.i + 2 if following.tag_ == "RBS" else following.i + 1
        return because("the_superlative", word=display_text(edit.after, following.i, end))
    if following.lower_ in ORDERS and following.tag_ == "JJ":
        return because("the_order", word=word(following))
    if following.lower_ == "same":
        return because("the_same")
    if noun is not None and noun.lower_ in ONLY_ONE and noun == following:
        return because("the_only_one", noun=word(noun))
    if noun is not None and noun.lower_ in INSTRUMENTS and noun.head.lemma_ == "play":
        return because("the_instrument", noun=word(noun))
    return None


def no_article(edit: TokenEdit) -> Reason | None:
    """the breakfast, the Tom, a cats, the my book."""
    noun = noun_after(edit) if edit.is_deletion and edit.old in ARTICLES else None
    if noun is None:
        return None
    others = [child for child in noun.children if child.dep_ in {"det", "poss"} and child.i < noun.i]
    if others and others[0].i == edit.start:
        return because("two_determiners", word=word(others[0]))
    if edit.old != "the":
        return because("no_a_plural", noun=word(noun)) if noun.tag_ == "NNS" else None
    return without_the(edit, noun) if edit.next == noun else None


def without_the(edit: TokenEdit, noun: Token) -> Reason | None:
    text = noun.lower_
    if text in MEALS:
        return because("no_article_meal")
    if text in GAMES and noun.head.lemma_ == "play":
        return because("no_article_game")
    if text in LANGUAGES and noun.dep_ in {"dobj", "pobj", "nsubj"}:
        return because("no_article_language")
    preposition = edit.previous.lower_ if edit.previous is not None else ""
    if text in WITHOUT_ARTICLE.get(preposition, ()):
        return because("no_article_phrase", phrase=f"{preposition} {text}")
    is_name = noun.tag_ == "NNP" and noun.dep_ in {"dobj", "pobj", "nsubj"}
    return because("no_article_name", noun=word(noun)) if is_name else None


def two_articles(edit: TokenEdit) -> Reason | None:
    """a my friend, where "my" stays."""
    if not edit.is_deletion or edit.old not in ARTICLES | {"this", "that"} or edit.next is None:
        return None
    return because("two_determiners", word=word(edit.next)) if edit.next.tag_ == "PRP$" else None


def this_or_these(edit: TokenEdit) -> Reason | None:
    if edit.new not in {"this", "that", "these", "those"} or edit.old not in {"this", "that", "these", "those"}:
        return None
    pronoun = edit.new_tokens[0]
    noun = noun_of(pronoun)
    if noun is None and pronoun.dep_ == "nsubj":
        noun = next((child for child in pronoun.head.children if child.dep_ == "attr" and child.i > pronoun.i), None)
    is_plural = edit.new in {"these", "those"}
    if noun is None or noun.tag_ not in ({"NNS"} if is_plural else {"NN"}) or {edit.old, edit.new} in SAME_NUMBER:
        return None
    return because("these_many" if is_plural else "this_one", noun=word(noun))


SAME_NUMBER = ({"this", "that"}, {"these", "those"})


def much_or_many(edit: TokenEdit) -> Reason | None:
    pair = (edit.old, edit.new)
    noun = noun_of(edit.new_tokens[-1]) if edit.new_tokens else None
    if noun is None:
        return None
    if pair in {("much", "many"), ("little", "few"), ("a little", "a few"), ("less", "fewer")} and noun.tag_ == "NNS":
        return because("many_count", noun=word(noun))
    if pair in {("many", "much"), ("few", "little"), ("a few", "a little")} and noun.lower_ in UNCOUNTABLE:
        return because("much_uncountable", noun=word(noun))
    return None


def any_after_no(edit: TokenEdit) -> Reason | None:
    pairs = {("some", "any"), ("something", "anything"), ("someone", "anyone"), ("somebody", "anybody")}
    negation = negation_before(edit)
    return because("any_negative", word=negation) if negation and (edit.old, edit.new) in pairs else None


RULES = (
    *(sound_of_next, missing_a, the_only_one, two_articles, no_article, this_or_these),
    *(much_or_many, any_after_no),
)
