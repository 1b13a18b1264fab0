"""spaCy and lemminflect, imported without torch. Other modules import them from here."""

from worker_llm.grammar.without_torch import without_torch

with without_torch():
    import lemminflect
    import spacy
    from spacy.tokens import Doc, Span, Token

__all__ = ["Doc", "Span", "Token", "lemminflect", "spacy"]
