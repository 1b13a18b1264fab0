"""Compares a text with its transcript."""

import re

SPELT = {
    "dont": "do not",
    "im": "i am",
    "its": "it is",
    "whats": "what is",
    "thats": "that is",
    "youre": "you are",
}


def words(text: str) -> list[str]:
    """Lower case, without punctuation; contractions spelt out, since a recogniser writes either."""
    plain = re.sub(r"[^\w\s]", "", text.lower().replace("-", " "))
    return " ".join(SPELT.get(word, word) for word in plain.split()).split()


def word_errors(said: str, heard: str) -> int:
    """Substitutions, insertions and deletions from `said` to its transcript `heard` (Levenshtein distance)."""
    wanted, found = words(said), words(heard)
    row = list(range(len(found) + 1))
    for i, word in enumerate(wanted, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(found, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1]


def word_error_rate(pairs: list[tuple[str, str]]) -> float:
    """Errors over all pairs (said, heard), divided by the words that were said."""
    return sum(word_errors(said, heard) for said, heard in pairs) / sum(len(words(said)) for said, _ in pairs)
