"""Loads the models that check sentences. They are the same whichever model writes the teacher's questions."""

from collections.abc import Callable
from pathlib import Path

from pipeline.model_files.catalogue import find_model, locate_files, verify
from pipeline.settings import Settings
from worker_llm.grammar.judge.scorer import Scorer
from worker_llm.grammar.libraries import Doc
from worker_llm.grammar.parser import load_parser

SCORER_MODEL, PARSER_MODEL = "smollm2-135m-scorer", "en-core-web-sm"  # in the catalogue


def load_scorer(settings: Settings) -> Scorer:
    """The scorer. Raises ModelMissing or ModelDamaged, with the command that helps."""
    return Scorer(find_verified(SCORER_MODEL, settings), settings.checker_threads)


def load_parser_model(settings: Settings) -> Callable[[str], Doc]:
    """The parser. Raises ModelMissing or ModelDamaged, with the command that helps."""
    return load_parser(find_verified(PARSER_MODEL, settings))


def find_verified(name: str, settings: Settings) -> Path:
    """The folder of a model of the catalogue, whose files have been compared with their sha256."""
    model = find_model(name)
    verify(model, settings.models_folder)
    return locate_files(model, settings.models_folder)
