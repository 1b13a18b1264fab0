"""The parser: words, parts of speech, base forms and dependencies of English sentences, by spaCy's en_core_web_sm."""

from collections.abc import Callable
from pathlib import Path

from pipeline.errors import ModelDamaged
from worker_llm.grammar.libraries import Doc, spacy
from worker_llm.grammar.without_torch import without_torch

UNUSED = ("ner", "senter")  # components of the model that name people and places, or find sentences only


def load_parser(folder: Path) -> Callable[[str], Doc]:
    """The parser with the model in `folder`. Raises ModelDamaged."""
    try:
        with without_torch():
            parser: Callable[[str], Doc] = spacy.load(folder, exclude=UNUSED)
    except (OSError, ValueError, KeyError) as error:
        raise ModelDamaged(f"{folder} cannot be loaded by spaCy: {error}") from error
    return parser
