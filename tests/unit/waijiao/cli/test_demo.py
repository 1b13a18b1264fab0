"""`waijiao demo --teachers full`: which type and which share each of the real teachers gets, by the size of the GPU."""

import pytest

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
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
