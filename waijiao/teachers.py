"""The large teachers for `waijiao demo`: tiny ones with random weights, or the real ones on a GPU."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from waijiao.plainly import out_console as out

NOISE = (
    "GLM and Bark ran as the real ones do, through their queues; but their weights are random. What GLM says is noise, "
    "which the teacher does not pass on: its persona's own words stand in. What Bark speaks is noise: do not expect to "
    "understand it. With a GPU and a model hub, `make demo-teachers MODELS=full` runs the real ones."
)


def tiny(settings: Settings, folder: Path) -> Settings:
    """The settings with a tiny GLM and a tiny Bark, made in `folder`; recognition is as it was, and real."""
    out.print("Making a tiny GLM and a tiny Bark with random weights …")
    chosen = {
        "llm_engine": "transformers",
        "llm_model": str(maker("glm")(folder / "tiny-glm")),
        "tts_engine": "bark",
        "tts_model": str(maker("bark")(folder / "tiny-bark")),
    }
    return settings.model_copy(update=chosen)


def maker(name: str) -> Callable[[Path], Path]:
    """What makes a tiny checkpoint. ConfigurationError when the extra that it needs is not installed."""
    try:
        module: Any = import_module(f"tiny.{name}")
        import_module("transformers.utils.logging").disable_progress_bar()  # it takes no time
    except ModuleNotFoundError as missing:
        raise ConfigurationError(f"{missing.name} is not installed: run `make teachers`") from missing
    make: Callable[[Path], Path] = module.make
    return make


TEACHERS: dict[str, Callable[[Settings, Path], Settings]] = {"tiny": tiny}
