"""`waijiao demo`: which type and which share of the GPU each of the full models gets; how a failure ends."""

import pytest
from click.testing import CliRunner

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from tests.support.recordings import EXAMPLES
from waijiao.cli import demo as demo_command
from waijiao.cli.demo import with_full_models

SHARES = ("asr_gpu_fraction", "llm_gpu_fraction", "tts_gpu_fraction")


@pytest.fixture
def card(tmp_path, monkeypatch):
    """Installs an imitation of nvidia-smi, which lists one card with so many MiB."""

    def install(mib):
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\necho '0, GPU-1, NVIDIA Imitation, {mib}, {mib}'\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # which is set by asking, and put back afterwards
    return install


@pytest.mark.parametrize(("mib", "kind"), [(81_559, "auto"), (24_564, "int8"), (16_376, "int4")])
def test_the_language_model_gets_as_many_bits_as_fit(card, tmp_path, mib, kind):
    card(mib)
    chosen = with_full_models(Settings(), tmp_path)
    assert chosen.llm_compute_type == kind
    assert sum(getattr(chosen, share) for share in SHARES) <= 1
    assert {chosen.asr_device, chosen.llm_device, chosen.tts_device} == {"cuda"}
    assert (chosen.llm_engine, chosen.tts_engine) == ("transformers", "bark")


def test_given_settings_are_not_changed(card, tmp_path):
    card(81_559)
    chosen = with_full_models(
        Settings(asr_model="whisper-large-v3-turbo", llm_compute_type="int4", tts_model="bark-small"), tmp_path
    )
    assert (chosen.asr_model, chosen.llm_compute_type, chosen.tts_model) == (
        "whisper-large-v3-turbo",
        "int4",
        "bark-small",
    )


def test_a_card_that_is_too_small_is_named_with_what_is_needed(card, tmp_path):
    card(8_188)
    with pytest.raises(ConfigurationError, match=r"NVIDIA Imitation has 8\.6 GB.*waijiao fit"):
        with_full_models(Settings(), tmp_path)


def test_without_a_driver_the_error_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="no NVIDIA driver"):
        with_full_models(Settings(), tmp_path)


class FailingSupervisor:
    """Starts nothing; it is never ready."""

    def __init__(self, *_: object) -> None: ...

    def __enter__(self) -> "FailingSupervisor":
        return self

    def __exit__(self, *_: object) -> None: ...

    def wait_until_ready(self) -> None:
        raise ConfigurationError("asr1 ended while starting")


@pytest.fixture
def run_demo(monkeypatch):
    """Runs the command with a supervisor that starts nothing; returns the exit code and what was printed."""
    monkeypatch.setattr(demo_command, "prepare", lambda *_: None)
    monkeypatch.setattr(demo_command, "Supervisor", FailingSupervisor)

    def run(*words: object) -> tuple[int, str]:
        result = CliRunner().invoke(demo_command.demo, list(map(str, words)))
        return result.exit_code, result.output

    return run


def test_a_file_that_is_no_audio_is_refused_before_anything_is_started(run_demo):
    code, shown = run_demo(EXAMPLES / "README.md")
    assert code == 1
    assert "no known audio format" in shown
    assert "Starting" not in shown


def test_after_a_failure_it_says_that_everything_is_stopped(run_demo):
    code, shown = run_demo()
    assert code == 1
    assert "Starting" in shown
    assert "Stopped everything that was started." in shown
    assert "asr1 ended while starting" in shown
