"""The kind of an edit, named as ERRANT names it: R:VERB:TENSE, M:DET, U:PREP and so on.

R: is a replacement, M: something was missing, U: something was unnecessary. The rest says which sort of word it is, or
what is wrong with its form. spaCy's tags, lemmas and relations decide; a word is spelt wrong if no dictionary has it.
"""

from collections.abc import Iterable, Sequence

from worker_llm.grammar.explanations.token_edit import AUXILIARIES, TokenEdit
from worker_llm.grammar.libraries import Token, lemminflect

SORTS = {  # a tag of the Penn Treebank, or its first two letters -> the sort of word
    "PRP$": "DET", "WP$": "DET", "WDT": "DET", "PDT": "DET", "POS": "PART", "WRB": "ADV",
    "VB": "VERB", "MD": "VERB", "NN": "NOUN", "JJ": "ADJ", "AF": "ADJ", "RB": "ADV", "RP": "PART", "TO": "PART",
    "DT": "DET", "PR": "PRON", "WP": "PRON", "EX": "PRON", "IN": "PREP", "CC": "CONJ", "CD": "NUM", "UH": "INTJ",
    "HY": "PUNCT", "FW": "X", "SY": "X", "$": "X", "#": "X", "LS": "X", "_S": "X", "AD": "X", "XX": "X",
}  # fmt: skip
WITHOUT_A_KIND = frozenset({"INTJ", "NUM", "X"})  # sorts that make no useful kind
INFLECTED = frozenset({"ADJ", "ADV", "NOUN", "VERB"})
RELATIONS = {"acomp": "ADJ", "amod": "ADJ", "advmod": "ADV", "det": "DET", "prep": "PREP", "prt": "PART"}
CONTRACTIONS = frozenset({"'d", "'ll", "'m", "n't", "'re", "'s", "'ve"})
SHORT_AUXILIARIES = {"ca": "can", "sha": "shall", "wo": "will"}
OF_PAIRS = {  # what a pair of words is, where the tags alone mislead
    frozenset({"other", "another"}): "DET",
    frozenset({"that", "what"}): "PRON",
    frozenset({"the", "that"}): "PRON",
    frozenset({"your", "yours"}): "PRON",
    frozenset({"no", "not"}): "OTHER",
}
OBJECTS_AND_SUBJECTS = frozenset({"nsubj", "nsubjpass", "dobj", "pobj"})
SUFFIXES = (
    *("ations", "ation", "fulness", "ibility", "ability", "ements", "ement", "ingly", "fully", "ously", "ness", "ment"),
    *("ions", "ings", "ies", "ily", "ful", "ous", "ive", "ion", "ity", "ing", "ity", "ly", "al", "ed", "er", "or"),
    *("en", "es", "ic", "ty", "th", "st", "y", "e", "s", "t"),
)


def kind_of(edit: TokenEdit) -> str:
    old_tokens, new_tokens = edit.old_tokens, edit.new_tokens
    if edit.is_replacement and len(old_tokens) + len(new_tokens) > 2 and old_tokens[-1].lower == new_tokens[-1].lower:
        old_tokens, new_tokens = old_tokens[:-1], new_tokens[:-1]  # the same word stands at the end of both
    if not old_tokens:
        return f"M:{sort_of_one_side(new_tokens)}"
    if not new_tokens:
        return f"U:{sort_of_one_side(old_tokens)}"
    return f"R:{sort_of_replacement(old_tokens, new_tokens)}"


def sort_of(token: Token) -> str:
    tag = token.tag_
    return SORTS.get(tag) or SORTS.get(tag[:2]) or "PUNCT"


def sorts_of(tokens: Iterable[Token]) -> set[str]:
    return {sort_of(token) for token in tokens}


def sort_of_one_side(tokens: list[Token]) -> str:
    """What is missing or unnecessary."""
    first, sorts, relations = tokens[0], sorts_of(tokens), {token.dep_ for token in tokens}
    if len(tokens) == 1 and first.tag_ == "POS":
        return "NOUN:POSS"
    if len(tokens) == 1 and first.lower_ in CONTRACTIONS:
        return "CONTR"
    if len(tokens) == 1 and first.tag_ == "TO" and first.pos_ == "PART" and first.dep_ != "prep":
        return "VERB:FORM"
    if relations <= AUXILIARIES:
        return "VERB:TENSE"
    if len(sorts) == 1 and not sorts & WITHOUT_A_KIND:
        return sorts.pop()
    if len(relations) == 1 and first.dep_ in RELATIONS:
        return RELATIONS[first.dep_]
    return "VERB" if sorts == {"PART", "VERB"} else "OTHER"


def sort_of_replacement(old_tokens: list[Token], new_tokens: list[Token]) -> str:
    old, new = [token.lower_ for token in old_tokens], [token.lower_ for token in new_tokens]
    if "".join(old) == "".join(new):
        return "ORTH"
    if sorted(old) == sorted(new):
        return "WO"
    if len(old) == len(new) == 1:
        return sort_of_pair(old_tokens[0], new_tokens[0])
    return sort_of_several(old_tokens, new_tokens)


def sort_of_pair(old: Token, new: Token) -> str:
    """What is wrong with one token that another one replaces."""
    rules = (contraction, misspelling, inflection, derivation, sort_in_common, looks_alike)
    return next((kind for rule in rules if (kind := rule(old, new))), "OTHER")


def contraction(old: Token, new: Token) -> str:
    pair = {old.lower_, new.lower_}
    if "POS" in {old.tag_, new.tag_}:
        return "NOUN:POSS"
    if pair & CONTRACTIONS and sort_of(old) == sort_of(new):
        return "CONTR"
    for short, whole in SHORT_AUXILIARIES.items():
        if short in pair:
            return "CONTR" if whole in pair else "VERB:TENSE"
    return "VERB:SVA" if pair == {"was", "were"} else ""


def misspelling(old: Token, new: Token) -> str:
    if not old.text.isalpha() or is_known(old):
        return ""
    if old.lemma == new.lemma:
        is_inflected = sort_of(old) == sort_of(new) and sort_of(old) in {"NOUN", "VERB"}
        return f"{sort_of(old)}:INFL" if is_inflected else "MORPH"
    likeness = similarity(old.lower_, new.lower_)
    is_short = len(old) <= 4 and len(new) <= 4
    if likeness > 0.55 or (is_short and likeness >= 0.33):
        return "SPELL"
    return sort_of(new) if sort_of(new) not in WITHOUT_A_KIND else "OTHER"


def is_known(token: Token) -> bool:
    """Whether a dictionary has the word. It has no function words: those are known by their tags."""
    if sort_of(token) not in INFLECTED or token.tag_ == "MD" or token.is_stop or token.tag_.startswith("NNP"):
        return True
    return bool(lemminflect.getAllLemmas(token.text) or lemminflect.getAllLemmas(token.lower_))


def inflection(old: Token, new: Token) -> str:
    """Two forms of one word."""
    if old.lemma != new.lemma or not {sort_of(old), sort_of(new)} <= INFLECTED:
        return ""
    if sort_of(old) == sort_of(new):
        kind = {"ADJ": "ADJ:FORM", "NOUN": "NOUN:NUM", "VERB": form_of_verb(old, new)}.get(sort_of(old), "")
        if kind:
            return kind
    if {old.dep_, new.dep_} <= {"acomp", "amod"}:
        return "ADJ:FORM"
    if sort_of(old) == "ADJ" and new.tag_ == "NNS":
        return "NOUN:NUM"
    by_tag = {"VBG": "VERB:FORM", "VBN": "VERB:FORM", "VBD": "VERB:TENSE", "VBZ": "VERB:SVA"}
    return by_tag.get(new.tag_, "MORPH")


def form_of_verb(old: Token, new: Token) -> str:
    tags = {old.tag_, new.tag_}
    if follows_auxiliary(old) and follows_auxiliary(new):
        return "VERB:FORM"
    for kind, own in (("VERB:FORM", {"VBG", "VBN"}), ("VERB:TENSE", {"VBD"}), ("VERB:SVA", {"VBZ"})):
        if tags & own:
            return kind
    return "VERB:TENSE" if {old.dep_, new.dep_} <= AUXILIARIES else ""


def follows_auxiliary(verb: Token) -> bool:
    if verb.dep_ in AUXILIARIES:
        first = next(child for child in verb.head.children if child.dep_ in AUXILIARIES)
        return first.text != verb.text
    return any(child.dep_ in AUXILIARIES for child in verb.children)


def derivation(old: Token, new: Token) -> str:
    """Two words of one family, as quick and quickly."""
    is_family = {sort_of(old), sort_of(new)} <= INFLECTED and stem(old.lower_) == stem(new.lower_)
    return "MORPH" if is_family else ""


def stem(text: str) -> str:
    """What is left of a word without its endings, of which it may have several."""
    for suffix in SUFFIXES:
        if text.endswith(suffix) and len(text) - len(suffix) >= 3:
            return stem(text.removesuffix(suffix))
    return text[:-1] if len(text) > 3 and text[-1] == text[-2] else text


def sort_in_common(old: Token, new: Token) -> str:
    """The sort of both words, by their tags or by their relations to the sentence."""
    sorts, relations = {sort_of(old), sort_of(new)}, {old.dep_, new.dep_}
    if relations <= AUXILIARIES:
        return "VERB:TENSE"
    if len(sorts) == 1 and not sorts & WITHOUT_A_KIND:
        return sort_of(new)
    if len(relations) == 1 and new.dep_ in RELATIONS:
        return RELATIONS[new.dep_]
    if sorts == {"PART", "PREP"} or relations == {"prt", "prep"}:
        return "PART"
    if sorts == {"DET", "PRON"} and new.dep_ in OBJECTS_AND_SUBJECTS | {"poss"}:
        return "DET" if new.dep_ == "poss" else "PRON"
    if sorts == {"NUM", "DET"}:
        return "DET"
    return OF_PAIRS.get(frozenset({old.lower_, new.lower_}), "")


def looks_alike(old: Token, new: Token) -> str:
    """Words of different sorts: one mistaken for the other if they look alike, else a word badly chosen."""
    if not (old.text.isalpha() and new.text.isalpha()):
        return "OTHER"
    likeness, sort = similarity(old.lower_, new.lower_), sort_of(new)
    length, difference = len(old), len(new) - len(old)
    if {old.lower_, new.lower_} in ({"good", "well"}, {"after", "later"}):
        return sort
    if length <= 5:
        if length == 5 and difference == -1 and likeness >= 0.8:
            return "SPELL"
        is_near = likeness >= 0.6 and not difference if length == 5 else likeness >= 0.5 and abs(difference) <= 1
        if is_near:
            return "SPELL"
        return sort if len(new) > 5 and sort not in WITHOUT_A_KIND and length >= 4 else "OTHER"
    if len(new) > 5:
        if old.lower_.startswith(new.lower_) or new.lower_.startswith(old.lower_):
            return "MORPH"
        if likeness > 0.8:
            return "SPELL"
        if likeness < 0.55 and sort not in WITHOUT_A_KIND:
            return sort
    return "OTHER"


def sort_of_several(old_tokens: list[Token], new_tokens: list[Token]) -> str:
    """What is wrong with several tokens that others replace."""
    tokens = [*old_tokens, *new_tokens]
    sorts, relations = sorts_of(tokens), {token.dep_ for token in tokens}
    is_same_word = old_tokens[-1].lemma == new_tokens[-1].lemma
    if relations <= AUXILIARIES:
        return "VERB:TENSE"
    if len(sorts) == 1 and not sorts & WITHOUT_A_KIND:
        return "VERB:TENSE" if sorts == {"VERB"} and is_same_word else sorts.pop()
    if len(relations) == 1 and tokens[0].dep_ in RELATIONS:
        return RELATIONS[tokens[0].dep_]
    if sorts == {"PART", "VERB"}:
        return "VERB:FORM" if is_same_word else "VERB"
    if is_possessive(old_tokens, new_tokens) or is_possessive(new_tokens, old_tokens):
        return "NOUN:POSS"
    is_short = max(len(old_tokens), len(new_tokens)) <= 2
    is_compared = is_short and {old_tokens[0].lower_, new_tokens[0].lower_} & {"more", "most"}
    return "ADJ:FORM" if is_compared and is_same_word else "OTHER"


def is_possessive(noun: list[Token], possessive: list[Token]) -> bool:
    has_ending = [sort_of(token) for token in possessive] == ["NOUN", "PART"]
    return has_ending and noun[0].lemma == possessive[0].lemma


def similarity(one: str, other: str) -> float:
    """1 for equal words, 0 for words with nothing in common: 1 - edit distance / length of the longer one."""
    return 1 - edit_distance(one, other) / max(len(one), len(other))


def edit_distance(one: Sequence[str], other: Sequence[str]) -> int:
    """How many letters, or words of a list, must be put in, left out or replaced to make one the other."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row[0] = row[0], i
        for j, other_letter in enumerate(other, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (letter != other_letter))
    return row[-1]
