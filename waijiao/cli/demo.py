"""The `waijiao demo` command: starts everything, asks the teacher a recording and a sentence, stops everything.

--teachers replaces the models of the settings by large ones: tiny with random weights, or the real ones on a GPU.
"""

import math
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from pipeline.audio.formats import sniff
from pipeline.errors import ConfigurationError, NotAudio
from pipeline.gpu.devices import gpus
from pipeline.gpu.fractions import estimate_need, format_gb
from pipeline.jobs.job import MODEL_STAGES
from pipeline.settings import Settings
from waijiao.cli.console import EXIT_INTERRUPTED, handle_errors, stdout
from waijiao.cli.job_report import AnswerFiles, JobReport
from waijiao.client import Client
from waijiao.local.supervisor import Supervisor
from waijiao.local.up import ONE_WORKER_EACH, free_port, prepare

EXAMPLE_RECORDING = Path(__file__).resolve().parents[2] / "examples" / "recordings" / "ruoxi-wu.wav"
EXAMPLE_SENTENCE = "Yesterday I go to the library and I read two book."
TINY_MODELS_NOTE = (
    "The language model and Bark ran as the real ones do, through their queues; but their weights are random. What the "
    "model generates is noise, which is not used: the persona's default reply replaces it. What Bark speaks is noise: "
    "do not expect to understand it. `make demo-teachers MODELS=full` runs the real ones; it needs a model hub and a "
    "GPU."
)
TINY_LANGUAGE_MODELS = {"tiny": ("glm", "GLM"), "tiny-chatglm-6b": ("chatglm6b", "ChatGLM-6B")}  # module, name
FULL_SETTINGS: dict[str, str | int] = {
    "asr_model": "whisper-large-v3",
    "asr_device": "cuda",
    "asr_windows": 1,  # the demo asks one question at a time
    "llm_batch": 1,
    "llm_engine": "transformers",
    "llm_model": "glm-4-9b-chat",
    "llm_device": "cuda",
    "tts_engine": "bark",
    "tts_model": "bark",
    "tts_device": "cuda",
}
LLM_COMPUTE_TYPES = ("auto", "int8", "int4")  # from the best to the smallest


def with_tiny_models(language_model: str, settings: Settings, folder: Path) -> Settings:
    """The settings with tiny models, which are created in `folder`, for llm and tts; asr is left as it is.

    Raises ConfigurationError if a package that they need is not installed.
    """
    module, name = TINY_LANGUAGE_MODELS[language_model]
    stdout.print(f"Creating a tiny {name} and a tiny Bark with random weights …")
    overrides = {
        "llm_engine": "transformers",
        "llm_model": str(checkpoint_maker(module)(folder / language_model)),
        "tts_engine": "bark",
        "tts_model": str(checkpoint_maker("bark")(folder / "tiny-bark")),
    }
    return settings.model_copy(update=overrides)


def checkpoint_maker(module_name: str) -> Callable[[Path], Path]:
    """The function of waijiao.tiny_models that writes a checkpoint into a folder. It is imported only when it is used,
    because it needs torch. Raises ConfigurationError if torch, or another package that it needs, is not installed.
    """
    try:
        module: Any = import_module(f"waijiao.tiny_models.{module_name}")
        import_module("transformers.utils.logging").disable_progress_bar()  # saving takes no time
    except ModuleNotFoundError as missing:
        raise ConfigurationError(f"{missing.name} is not installed: run `make teachers`") from missing
    make: Callable[[Path], Path] = module.make
    return make


def with_full_models(settings: Settings, folder: Path) -> Settings:
    """The settings with the real large models on the first GPU, each with the share of its memory that it needs.

    Settings that the user has set are not changed. Raises ConfigurationError without a GPU, or if not all models fit.
    """
    defaults = {name: value for name, value in FULL_SETTINGS.items() if name not in settings.model_fields_set}
    full_settings = settings.model_copy(update=defaults)
    gpu = gpus()[0]
    is_type_set = "llm_compute_type" in settings.model_fields_set
    for compute_type in (settings.llm_compute_type,) if is_type_set else LLM_COMPUTE_TYPES:
        full_settings = full_settings.model_copy(update={"llm_compute_type": compute_type})
        needed_bytes = {
            stage: estimate_need(stage, Path(getattr(full_settings, f"{stage}_model")), full_settings).total
            for stage in MODEL_STAGES
        }
        fractions = {
            f"{stage}_gpu_fraction": math.ceil(100 * size / gpu.total) / 100 for stage, size in needed_bytes.items()
        }
        if sum(fractions.values()) <= 1:
            sizes = ", ".join(f"{stage} {format_gb(size)}" for stage, size in needed_bytes.items())
            stdout.print(f"{gpu.name}, {format_gb(gpu.total)}: {sizes}; the language model as {compute_type}.")
            return full_settings.model_copy(update=fractions)
    raise ConfigurationError(
        f"{gpu.name} has {format_gb(gpu.total)}, but the real models need "
        f"{format_gb(sum(needed_bytes.values()))}, with the language model as {compute_type}. "
        "`waijiao fit` shows which ones would fit."
    )


TEACHERS: dict[str, Callable[[Settings, Path], Settings]] = {
    **{name: partial(with_tiny_models, name) for name in TINY_LANGUAGE_MODELS},
    "full": with_full_models,
}


@click.command()
@click.argument("audio", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", default="answer.wav", show_default=True, type=click.Path(path_type=Path))
@click.option(
    "--teachers",
    type=click.Choice(sorted(TEACHERS)),
    help="GLM or ChatGLM-6B, and Bark, instead of what the settings name: tiny with random weights, or real on a GPU.",
)
@handle_errors
def demo(audio: Path | None, out: Path, teachers: str | None) -> None:
    """Start everything, ask the teacher a recording (AUDIO, or an example) and a typed sentence, stop everything."""
    recording = audio or EXAMPLE_RECORDING
    check_format(recording)
    folder = Path(tempfile.mkdtemp(prefix="waijiao-demo-"))
    try:
        settings = isolated_settings(folder)
        if teachers:
            settings = TEACHERS[teachers](settings, folder)
        run_demo(settings, recording, out)
        if teachers in TINY_LANGUAGE_MODELS:
            stdout.print(f"\n{TINY_MODELS_NOTE}")
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_format(recording: Path) -> None:
    """Raises NotAudio if the file is of no known audio format, before anything is started for it."""
    with recording.open("rb") as file:
        try:
            sniff(file)
        except NotAudio as error:
            raise NotAudio(f"{recording}: {error}") from None


def isolated_settings(folder: Path) -> Settings:
    """The user's settings with a folder, a Redis and a port of its own, so that a running server is not disturbed."""
    settings = Settings()
    overrides = {
        "home": folder,
        "models": settings.models_folder,
        "blobs": None,
        "redis_url": "",
        "host": "127.0.0.1",
        "keys": False,
        "port": free_port(),
    }
    return settings.model_copy(update=overrides)


def run_demo(settings: Settings, recording: Path, out: Path) -> None:
    prepare(settings, ONE_WORKER_EACH)
    started_at = time.monotonic()
    try:
        with Supervisor(settings, ONE_WORKER_EACH) as supervisor:
            stdout.print("Starting Redis, the API and one worker for each model …")
            supervisor.wait_until_ready()
            stdout.print(f"Ready after {time.monotonic() - started_at:.1f} s.")
            with Client(supervisor.url, "") as client:
                ask_once(client, "a learner's recording", recording, out)
                ask_once(client, "a typed sentence", None, out.with_stem(f"{out.stem}-to-text"))
    finally:
        stdout.print("\nStopped everything that was started.")


def ask_once(client: Client, title: str, recording: Path | None, out: Path) -> None:
    """Ask the recording, or the example sentence if there is none, and save the answer."""
    stdout.print(f"\nAsking: {title}")
    name, text = (recording.name, None) if recording else ("text", EXAMPLE_SENTENCE)
    report = JobReport([name], AnswerFiles([name], out), console=stdout, jobs_go_on=False)
    report.follow(lambda on_change: client.ask_all([recording], session="demo", text=text, on_change=on_change))
