"""The forms of a word, from lemminflect's tables; a word that is not in them has none."""

from functools import lru_cache

from worker_llm.grammar.libraries import lemminflect

VERB_TAGS = ("VB", "VBZ", "VBD", "VBG", "VBN")
NOUN_TAGS = ("NN", "NNS")
ADJECTIVE_TAGS = ("JJ", "JJR", "JJS")
TAGS = {"VERB": VERB_TAGS, "NOUN": NOUN_TAGS, "ADJ": ADJECTIVE_TAGS, "ADV": ("RB", "RBR", "RBS")}


@lru_cache(maxsize=8192)
def list_lemmas(word: str, part: str) -> tuple[str, ...]:
    """The base forms of a word in lower case as a VERB, NOUN, ADJ or ADV."""
    return tuple(lemminflect.getAllLemmas(word).get(part, ()))


@lru_cache(maxsize=8192)
def list_forms(word: str, part: str) -> tuple[tuple[str, str], ...]:
    """All forms of a word as a part of speech, with their tags; the word's own is among them."""
    forms = []
    for lemma in list_lemmas(word, part):
        by_tag = lemminflect.getAllInflections(lemma, upos=part)
        if "VBD" in by_tag:
            by_tag = {**by_tag, "VBN": by_tag.get("VBN", by_tag["VBD"])}  # left out where it equals the past
        forms += [(form, tag) for tag, members in by_tag.items() if tag in TAGS[part] for form in members]
    return tuple(dict.fromkeys((form, tag) for form, tag in forms if form.replace("-", "").isalpha()))


def inflect(word: str, tag: str) -> str:
    """The verb's form with this tag, such as "goes" for "went" and VBZ; "" if it is no verb."""
    return next((form for form, form_tag in list_forms(word, "VERB") if form_tag == tag), "")


def is_verb(word: str) -> bool:
    return bool(list_lemmas(word, "VERB"))


def is_known(word: str) -> bool:
    """Whether the tables have the word; they have no names and not all small words."""
    return bool(lemminflect.getAllLemmas(word))


@lru_cache(maxsize=8192)
def list_related(word: str) -> tuple[tuple[str, str], ...]:
    """The adverb of an adjective, or the adjective of an adverb, with its tag."""
    related = []
    if list_lemmas(word, "ADJ") and len(word) > 2 and not word.endswith("ly"):
        stem = word[:-1] + "i" if word.endswith("y") else word
        adverb = word[:-1] + "y" if word.endswith("le") else stem + ("ally" if word.endswith("ic") else "ly")
        related.append((adverb, "RB"))
    if word.endswith("ly") and len(word) > 5:
        stem = word[:-2]
        related += [(stem[:-1] + "y" if stem.endswith("i") else stem, "JJ")]
    return tuple((form, tag) for form, tag in related if lemminflect.getAllLemmas(form))
