"""Words that a question may use though the learner did not, and what can be told of a word by its form."""

import re

from pipeline.text.corrections import FUNCTION_WORDS, STRAIGHT_QUOTES, are_related


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


WH_WORDS = word_set("what which who whom whose where when why how")
FORMS_OF_BE = word_set("is are was were am")
AUXILIARIES = FORMS_OF_BE | word_set("do does did can could will would shall should may might must have has had")
PRONOUNS = word_set("you he she it they this that these those there someone anyone everyone everybody")
FIRST_PERSON = word_set("i me my mine myself we us our ours ourselves")
DETERMINERS = word_set("the a an your his her its their this that these those some any all both")

# What a child of level A1 or A2 knows, in the forms in which it stands in questions.
COMMON_WORD_LIST = """
able afraid again ago all alone already always animal animals another answer any anyone anything apple ask away baby
back bad bag ball banana beach beautiful because bed bedroom before begin best better big bike bird birds birthday
black blue boat body book books boring both box boy boys bread break breakfast bring brother brothers brown bus busy
buy cake call called can car cars cat cats catch change cheap child children chinese choose city class classmate
classmates classroom clean clever clock close clothes cloudy coat cold color colour colours come cook cool country
cousin cup dad dance dangerous dark day days dear did different difficult dinner dirty do doctor dog dogs doing door
down draw dream dress drink drive during each early easy eat eating eggs else english enjoy enough evening ever
every everyone everything exciting expensive eyes face fall family famous far farm fast father favorite favourite
feel feeling feelings find fine finish first fish floor flower flowers fly food foot football for forget free fresh
friend friends friendly from fruit full fun funny game games garden get give girl girls glad go going good
grandfather grandma grandmother grandpa grass great green group grow guess hair half hand hands happen happened
happy hard hat hate have head healthy hear help her here high hobby holiday holidays home homework hope horse
hospital hot hour hours house how hungry hurt ice idea ill important inside interesting job join juice jump just
keep kind kinds kitchen know lake language last late later laugh learn leave left lesson lessons let letter library
life light like likes listen little live long look lose lot loud love lovely low lucky lunch make man many market
maybe meal mean meat meet member milk minute minutes mom moment money month months more morning most mother mountain
mountains mouth move movie much mum music name near need never new next nice night noise nothing now number of off
often old only open orange other others outside own paint parents park part party pay pen pencil people person pet
pets phone photo photos picture piece place places plan plans plant play player playing please pretty problem proud
put question quick quickly quiet quite rabbit rain rainy read reading ready really red remember rest rice ride right
river room run sad safe same say school sea season see sell send share ship shoes shop shopping short show sing
sister sisters sit sky sleep slow slowly small smile snow soccer some someone something sometimes song songs soon
sorry sound space speak special spend sport sports spring stand start station stay still stop store story street
strong student students study subject summer sun sunny sure sweet swim swimming table take talk tall taste teach
teacher team tell thank thing things think thinking tired today together tomorrow tonight too town toy toys train
travel tree trees trip true try turn twice ugly uncle under understand until use useful usual usually vacation
vegetables very video village visit wait wake walk wall want warm wash watch water way ways wear weather week
weekend weekends weeks well wet white whole win wind window windy winter wish with without woman wonderful word
words work worker world worry write wrong year years yellow yesterday yet young yourself zoo out up over after about
"""
COMMON_WORDS = frozenset(COMMON_WORD_LIST.split())

BASE_VERB_LIST = """
be become begin bring buy catch choose clean come cook cry do draw drink drive eat enjoy fall feel find finish fly
forget get give go grow happen hate have hear help hold hope keep know learn leave like listen live look lose love
make mean meet need open paint pay play read remember ride run say see sell send sing sit sleep speak spend start
stay stop study swim take talk teach tell think travel try understand use visit wait wake walk want wash watch wear
win work worry write
"""
BASE_VERBS = frozenset(BASE_VERB_LIST.split())
# Verbs that never stand after a form of be and its subject: "Are you go?"
NEVER_AFTER_BE = word_set(
    """
    be buy come do eat feel find get give go have hear know learn like make meet need say see take tell think want
    """
) - {"like"}
PAST_FORM_LIST = """
was were went did had saw got took came made said ate bought brought thought taught caught told sold paid sat won
ran held flew knew grew drew drove wrote rode spoke broke woke began swam sang drank found felt fell left lost stood
fed wore kept slept met gave became heard understood spent sent built forgot chose
"""
PAST_FORMS = frozenset(PAST_FORM_LIST.split())
ENDINGS_LIKE_PAST = word_set("need feed bed red speed seed")
SUBJECT_VERBS = word_set(
    """
    happens happened makes made helps helped taught teaches likes lives cooks cooked plays played goes went said
    says gave gives won told came comes is was does did has had works worked took takes
    """
)

MALE = word_set(
    """
    he him his father dad daddy brother brothers boy boys man men uncle grandfather grandpa son husband king
    prince mr
    """
)
FEMALE = word_set(
    """
    she her hers mother mum mummy mom mommy sister sisters girl girls woman women aunt grandmother grandma
    daughter wife queen princess mrs miss ms
    """
)
EITHER_SEX = word_set(
    """
    friend teacher cousin doctor student classmate neighbour neighbor baby child cat dog driver nurse cook player
    singer boss worker deskmate
    """
)
SEVERAL = word_set("they them their theirs people children parents men women and friends students")


def split_words(text: str) -> list[str]:
    """The words in lower case, without punctuation; "what's" and the like are two words, "don't" stays one."""
    text = re.sub(r"\b(what|who|where|when|how|why|that|it|he|she|there)'s\b", r"\1 is", straighten(text).lower())
    text = re.sub(r"\b(what|who|where|when|how|why|you|they|we)'re\b", r"\1 are", text)
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text)


def straighten(text: str) -> str:
    return text.translate(STRAIGHT_QUOTES)


def is_content_word(word: str) -> bool:
    """Whether it says what a sentence is about."""
    return word not in FUNCTION_WORDS | AUXILIARIES | WH_WORDS | PRONOUNS | FIRST_PERSON | DETERMINERS | NAMELESS


NAMELESS = word_set(
    """
    him her his hers them their theirs your yours its yes no not never please well so just really too also
    """
)


def was_said(word: str, words: frozenset[str]) -> bool:
    """Whether this word, or another form of it, is among the words."""
    return word in words or any(are_related(word, other) for other in words if len(other) > 2 and len(word) > 2)


def looks_past(word: str) -> bool:
    return word in PAST_FORMS or (word.endswith("ed") and word not in ENDINGS_LIKE_PAST)


def is_common(word: str) -> bool:
    """Whether a beginner knows the word, or the one that it is a regular form of."""
    return bool(find_bases(word) & (COMMON_WORDS | BASE_VERBS))


def find_bases(word: str) -> set[str]:
    """The word, and what it may be a regular form of: "dishes" of dish, "studied" of study, "running" of run."""
    bases = {word}
    for ending in ("s", "es", "ed", "d", "ing"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            stem = word.removesuffix(ending)
            bases |= {stem, f"{stem}e", stem[:-1] if stem[-1:] == stem[-2:-1] else stem}
            bases |= {f"{stem[:-1]}y"} if stem.endswith("i") else set()
    return bases
