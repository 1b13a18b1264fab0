"""One edit of a sentence as the rules see it: which tokens changed, the words a learner reads, and what stands around.

A token is spaCy's ("don't" is two of them), a word is what stands between spaces, without its punctuation.
"""

from dataclasses import dataclass
from functools import cached_property

from worker_llm.grammar.libraries import Doc, Token

SUBJECTS = frozenset({"nsubj", "nsubjpass", "expl", "csubj"})
AUXILIARIES = frozenset({"aux", "auxpass"})
VERB_TAGS = frozenset({"VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "MD"})
FINITE_TAGS = frozenset({"VBD", "VBP", "VBZ", "MD"})


@dataclass(frozen=True)
class TokenEdit:
    """Tokens `start` to `end` of `before` became tokens `start` to `after_end` of `after`; one side may be empty."""

    before: Doc
    after: Doc
    start: int
    end: int
    after_end: int

    def __post_init__(self) -> None:
        is_within = 0 <= self.start <= self.end <= len(self.before) and self.start <= self.after_end <= len(self.after)
        if not is_within or self.start == self.end == self.after_end:
            raise ValueError(
                f"tokens {self.start} to {self.end} of {len(self.before)} cannot become tokens {self.start} to "
                f"{self.after_end} of {len(self.after)}"
            )

    def without_equal_ends(self) -> "TokenEdit":
        """The same edit without the tokens that stand at the same end of both sides."""
        start, end, after_end = self.start, self.end, self.after_end
        while min(end, after_end) > start and is_same(self.before[end - 1], self.after[after_end - 1]):
            end, after_end = end - 1, after_end - 1
        while min(end, after_end) > start and is_same(self.before[start], self.after[start]):
            start += 1
        return TokenEdit(self.before, self.after, start, end, after_end) if max(end, after_end) > start else self

    @cached_property
    def old_tokens(self) -> list[Token]:
        return list(self.before[self.start : self.end])

    @cached_property
    def new_tokens(self) -> list[Token]:
        return list(self.after[self.start : self.after_end])

    @cached_property
    def old(self) -> str:
        """The tokens that went, in small letters, with spaces between them."""
        return " ".join(token.lower_ for token in self.old_tokens)

    @cached_property
    def new(self) -> str:
        """The tokens that came, in small letters, with spaces between them."""
        return " ".join(token.lower_ for token in self.new_tokens)

    @property
    def is_replacement(self) -> bool:
        return bool(self.old_tokens and self.new_tokens)

    @property
    def is_one_for_one(self) -> bool:
        return len(self.old_tokens) == len(self.new_tokens) == 1

    @property
    def is_insertion(self) -> bool:
        return not self.old_tokens

    @property
    def is_deletion(self) -> bool:
        return not self.new_tokens

    @property
    def is_same_word(self) -> bool:
        """Whether only the form changed of the word at the edit's end."""
        return self.is_replacement and self.old_tokens[-1].lemma == self.new_tokens[-1].lemma

    @property
    def last_token(self) -> Token:
        """The last token that came, or went where none came: "eaten" of "has eaten"."""
        return (self.new_tokens or self.old_tokens)[-1]

    @property
    def previous(self) -> Token | None:
        return self.after[self.start - 1] if self.start else None

    @property
    def next(self) -> Token | None:
        """The token after the edit, if it is a word."""
        token = self.after[self.after_end] if self.after_end < len(self.after) else None
        return token if token is not None and not token.is_punct else None

    @property
    def is_question(self) -> bool:
        return self.after.text.rstrip().endswith("?")

    @cached_property
    def words(self) -> tuple[str, str]:
        """The whole words that went and that came: "don't" where only its "do" was edited."""
        start, end, after_end = self.start, self.end, self.after_end
        while start and self._is_glued_to_previous(start, end, after_end):
            start -= 1
        while self._is_glued_to_next(start, end, after_end):
            end, after_end = end + 1, after_end + 1
        return display_text(self.before, start, end), display_text(self.after, start, after_end)

    @property
    def texts(self) -> tuple[str, str]:
        """What went and what came, with all punctuation."""
        return self.before[self.start : self.end].text, self.after[self.start : self.after_end].text

    def _is_glued_to_previous(self, start: int, end: int, after_end: int) -> bool:
        return any(
            first < last and not doc[start - 1].whitespace_ and is_within_word(doc[start - 1], doc[first])
            for doc, first, last in ((self.before, start, end), (self.after, start, after_end))
        )

    def _is_glued_to_next(self, start: int, end: int, after_end: int) -> bool:
        if end >= len(self.before) or after_end >= len(self.after):
            return False
        return any(
            first < last and not doc[last - 1].whitespace_ and is_within_word(doc[last - 1], doc[last])
            for doc, first, last in ((self.before, start, end), (self.after, start, after_end))
        )


def is_same(old: Token, new: Token) -> bool:
    """Whether two tokens are equal; at the start of a sentence "Is" is "is"."""
    return old.text == new.text or (old.lower_ == new.lower_ and (old.i == 0) != (new.i == 0))


def is_within_word(left: Token, right: Token) -> bool:
    """Whether two tokens without a space between them belong to one word."""
    return is_part_of_word(left) and is_part_of_word(right)


def is_part_of_word(token: Token) -> bool:
    return not token.is_punct or token.text == "-"


def display_text(doc: Doc, start: int, end: int) -> str:
    """Tokens `start` to `end` as they stand inside a sentence: a small letter first, unless it is a name or "I"."""
    text = doc[start:end].text.strip(' ,.;:!?"') if start < end else ""
    is_first = start == 0 or doc[start - 1].text in {".", "!", "?"}
    if is_first and text and not keeps_capital(doc[start]):
        return text[0].lower() + text[1:]
    return text


def keeps_capital(token: Token) -> bool:
    is_name = token.ent_type_ != "" or token.tag_ in {"NNP", "NNPS"}
    return token.text == "I" or is_name or (len(token.text) > 1 and token.is_upper)


def word(token: Token) -> str:
    """A token as it stands inside a sentence."""
    return display_text(token.doc, token.i, token.i + 1)


def main_verb(token: Token) -> Token:
    """The verb whose clause a verb or an auxiliary belongs to."""
    return token.head if token.dep_ in AUXILIARIES else token


def subject_of(verb: Token) -> Token | None:
    """The subject of a verb or auxiliary; of the second of two verbs, what the first has before both."""
    verb = main_verb(verb)
    for _ in range(3):
        for child in verb.children:
            if child.dep_ in SUBJECTS:
                return child
        if verb.dep_ != "conj":
            return None
        verb = main_verb(verb.head)
    return None


def auxiliaries_of(verb: Token) -> list[Token]:
    return [child for child in main_verb(verb).children if child.dep_ in AUXILIARIES]


def noun_of(token: Token) -> Token | None:
    """The noun that an article, a number, a possessive or an adjective stands before."""
    head = token.head
    return head if head.i > token.i and head.tag_.startswith("NN") and token.dep_ != "compound" else None


def phrase(token: Token) -> str:
    """A noun with its article, possessive or number, at most three words: "my old friend"."""
    start = token.left_edge.i
    if token.i - start > 2 or any(each.tag_ not in PHRASE_TAGS for each in token.doc[start : token.i]):
        return word(token)
    return display_text(token.doc, start, token.i + 1)


PHRASE_TAGS = frozenset({"DT", "PRP$", "CD", "JJ", "NN", "NNP", "POS"})


def whole_word(token: Token) -> str:
    """The word that a token belongs to: "didn't" for its "did", "it's" for its "'s"."""
    doc, start, end = token.doc, token.i, token.i + 1
    while end < len(doc) and not doc[end - 1].whitespace_ and is_part_of_word(doc[end]):
        end += 1
    while start and not doc[start - 1].whitespace_ and is_part_of_word(doc[start - 1]):
        start -= 1
    return display_text(doc, start, end)


def clause_verb(token: Token) -> Token:
    """The verb of the clause that a token stands in, else its sentence's root; the first of verbs joined by "and"."""
    verb = main_verb(token)
    while verb.tag_ not in VERB_TAGS and verb.head != verb:
        verb = main_verb(verb.head)
    while verb.dep_ == "conj" and verb.head.tag_ in VERB_TAGS:
        verb = verb.head
    return verb


def negation_before(edit: TokenEdit) -> str:
    """The word before the edit that already says no, such as "don't" or "never"; "" if there is none in its clause."""
    if edit.start >= len(edit.after):
        return ""
    verb = clause_verb(edit.after[edit.start])
    for token in reversed(edit.after[: edit.start]):
        if token.lower_ in {"not", "n't", "never", "nobody", "nothing"} and clause_verb(token) == verb:
            is_ending = token.lower_ == "n't" and token.i > 0
            return whole_word(edit.after[token.i - 1]) if is_ending else word(token)
    return ""
