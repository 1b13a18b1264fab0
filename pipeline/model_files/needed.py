"""Which models the settings need, so that all missing ones are named at once, before any worker starts."""

from pipeline.errors import ModelDamaged, ModelMissing
from pipeline.jobs.job import MODEL_STAGES
from pipeline.model_files.catalogue import catalogue, locate
from pipeline.settings import Settings
from pipeline.worker.engine_loader import REMOTE_ENGINES

CHECKER_MODELS = ("smollm2-135m-scorer", "en-core-web-sm")  # as worker_llm/grammar/model_loading.py loads them
CHINESE_MODELS = ("kokoro", "kokoro-chinese-voices", "pinyin")  # as worker_tts/kokoro/engine.py does


def list_needed(settings: Settings) -> list[str]:
    """The names or paths of the models that workers with these settings load, each once."""
    names = [
        getattr(settings, f"{stage}_model")
        for stage in MODEL_STAGES
        if getattr(settings, f"{stage}_engine") not in REMOTE_ENGINES
    ]
    if settings.checker == "grammar":
        names += CHECKER_MODELS
    if settings.tts_engine == "bark":
        names.append(settings.tts_voices)
    if settings.tts_chinese == "kokoro":
        names += CHINESE_MODELS
    return list(dict.fromkeys(names))


def check_models(settings: Settings) -> None:
    """Raises ModelMissing, which names every model that is missing or damaged, and the command that fetches them."""
    troubles, to_fetch = [], []
    for name in list_needed(settings):
        try:
            locate(name, settings.models_folder)
        except (ModelMissing, ModelDamaged) as error:
            troubles.append(error)
            if name in catalogue():
                to_fetch.append(name)
    if len(troubles) == 1:
        raise troubles[0]
    if troubles:
        details = "\n".join(f"  {str(trouble).partition('; run:')[0]}" for trouble in troubles)
        command = f"\nRun: waijiao models fetch {' '.join(to_fetch)}" if to_fetch else ""
        raise ModelMissing(f"{len(troubles)} models cannot be used:\n{details}{command}")
