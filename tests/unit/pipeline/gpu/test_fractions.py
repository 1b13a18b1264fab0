"""Sharing a GPU: a model that does not fit its share is refused before it is loaded.

There is no GPU here: an executable named nvidia-smi, an imitation that prints what the real one prints, stands on PATH.
"""

import os
from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError, ModelMissing
from pipeline.gpu import devices, fractions
from pipeline.gpu.devices import Gpu, MemoryUnknown, parse_gpus, select_visible
from pipeline.gpu.memory import Need
from pipeline.model_files.catalogue import find_model
from pipeline.settings import Settings
from pipeline.worker.engine_loader import load_engine
from waijiao.local import up

L4 = "0, GPU-5b1e0f66-1d2a-3c55-8a67-000000000001, NVIDIA L4, 23034, 22500\n"
TWO = L4 + "1, GPU-9c2f1077-2e3b-4d66-9b78-000000000002, Quadro RTX 8000, 49152, 1024\n"
GB = 1_000_000_000


@pytest.fixture
def smi(monkeypatch, tmp_path):
    """Puts an imitation of nvidia-smi on PATH that prints this text; without a text, there is none on PATH."""
    monkeypatch.delenv(devices.VISIBLE_VARIABLE, raising=False)
    monkeypatch.setenv(devices.ORDER_VARIABLE, "PCI_BUS_ID")
    monkeypatch.setenv("PATH", str(tmp_path))

    def prints(text: str, status: int = 0) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n/bin/cat <<'END'\n{text}END\nexit {status}\n")
        program.chmod(0o755)

    return prints


# --- GPUs of the machine


def test_the_memory_of_every_gpu_is_read(smi):
    smi(TWO)
    first, second = devices.gpus()
    assert first == Gpu("NVIDIA L4", "GPU-5b1e0f66-1d2a-3c55-8a67-000000000001", 23034 << 20, 22500 << 20)
    assert second.name == "Quadro RTX 8000"


def test_without_nvidia_s_driver_the_error_says_so(smi):
    with pytest.raises(ConfigurationError, match="nvidia-smi is missing, so there is no NVIDIA driver"):
        devices.gpus()


def test_the_error_of_nvidia_smi_is_passed_on(smi):
    smi("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", status=9)
    with pytest.raises(ConfigurationError, match="couldn't communicate with the NVIDIA driver"):
        devices.gpus()


def test_an_nvidia_smi_that_hangs_is_given_up(smi, monkeypatch, tmp_path):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setattr(devices, "NVIDIA_SMI_TIMEOUT_S", 0.1)
    with pytest.raises(ConfigurationError, match="the driver may hang"):
        devices.gpus()


@pytest.mark.parametrize("text", ["0, GPU-1, NVIDIA A100, [N/A], [N/A]\n", "no devices\n"])
def test_output_without_memory_is_an_error(text):
    with pytest.raises(MemoryUnknown, match="does not report the memory"):
        parse_gpus(text)


def test_output_without_a_gpu_is_an_error():
    with pytest.raises(ConfigurationError, match="lists no GPU"):
        parse_gpus("")


def test_gpus_are_counted_as_nvidia_smi_counts_them(smi, monkeypatch):
    monkeypatch.delenv(devices.ORDER_VARIABLE)
    smi(L4)
    devices.gpus()
    assert os.environ[devices.ORDER_VARIABLE] == "PCI_BUS_ID"


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (None, ["NVIDIA L4", "Quadro RTX 8000"]),
        ("1", ["Quadro RTX 8000"]),
        ("1,0", ["Quadro RTX 8000", "NVIDIA L4"]),
        ("GPU-9c2f", ["Quadro RTX 8000"]),
        ("0,7,1", ["NVIDIA L4"]),
    ],
)
def test_cuda_visible_devices_says_which_gpus_there_are_and_in_which_order(wanted, names):
    assert [gpu.name for gpu in select_visible(parse_gpus(TWO), wanted)] == names


@pytest.mark.parametrize("wanted", ["", "-1", "9", "GPU-"])
def test_cuda_visible_devices_may_hide_all(wanted):
    with pytest.raises(ConfigurationError, match="hides every GPU"):
        select_visible(parse_gpus(TWO), wanted)


# --- whether a model fits


def test_on_a_cpu_nvidia_smi_is_not_called(smi):
    for stage in ("asr", "llm", "tts"):
        fractions.check(stage, Path("/nowhere"), Settings())


@pytest.mark.parametrize(
    ("stage", "settings"),
    [
        ("asr", {"asr_device": "cuda"}),
        ("llm", {"llm_engine": "transformers", "llm_device": "cuda"}),
        ("llm", {"llm_gpu_layers": 40}),
        ("llm", {"llm_gpu_layers": -1}),
        ("tts", {"tts_engine": "bark", "tts_device": "cuda"}),
    ],
)
def test_these_settings_put_a_model_on_a_gpu(stage, settings):
    assert fractions.on_gpu(stage, Settings(**settings))


@pytest.mark.parametrize(
    ("stage", "settings"),
    [
        ("llm", {"llm_device": "cuda"}),
        ("llm", {"llm_engine": "openai", "llm_device": "cuda"}),
        ("tts", {"tts_device": "cuda"}),
    ],
)
def test_engines_without_gpu_support_are_never_on_a_gpu(stage, settings):
    assert not fractions.on_gpu(stage, Settings(**settings))


def test_a_model_that_fits_its_share_is_accepted(smi):
    smi(L4)
    settings = Settings(asr_device="cuda", asr_model="whisper-large-v3", asr_gpu_fraction=0.5)
    fractions.check("asr", Path("unused"), settings)


def test_a_model_that_exceeds_its_share_is_refused_with_every_figure(smi):
    smi(L4)
    settings = Settings(asr_device="cuda", asr_model="whisper-large-v3", asr_gpu_fraction=0.25)
    with pytest.raises(ConfigurationError) as refused:
        fractions.check("asr", Path("unused"), settings)
    for word in (
        "needs about 8.7 GB of NVIDIA L4 (24.2 GB, of which 23.6 GB are free)",
        "its share WAIJIAO_ASR_GPU_FRACTION=0.25 is 6.0 GB",
        "It was not loaded",
        "WAIJIAO_ASR_WINDOWS",
        "waijiao fit",
    ):
        assert word in refused.value.detail


def test_a_model_without_enough_free_memory_is_refused(smi):
    smi(TWO)
    settings = Settings(asr_device="cuda", asr_model="whisper-large-v3", asr_gpu=1)
    with pytest.raises(ConfigurationError, match=r"1\.1 GB are free\), and other programs use the rest"):
        fractions.check("asr", Path("unused"), settings)


def test_a_gpu_that_is_not_there_is_refused_with_those_that_are(smi):
    smi(TWO)
    with pytest.raises(ConfigurationError, match="WAIJIAO_ASR_GPU=2: expected one of 0: NVIDIA L4, 1: Quadro RTX 8000"):
        fractions.check("asr", Path("unused"), Settings(asr_device="cuda", asr_gpu=2))


def test_a_model_of_unknown_size_is_accepted_with_a_warning(smi, tmp_path, caplog):
    smi(L4)
    settings = Settings(llm_engine="transformers", llm_device="cuda", llm_model=str(tmp_path))
    fractions.check("llm", tmp_path, settings)
    assert "is not known" in caplog.text


def test_a_gpu_of_unknown_memory_is_used_with_a_warning(smi, monkeypatch, caplog):
    smi("0, GPU-1, NVIDIA GB10, [N/A], [N/A]\n")
    settings = Settings(asr_device="cuda", asr_model="whisper-large-v3")
    fractions.check("asr", Path("unused"), settings)
    smi(L4)
    monkeypatch.setenv(devices.VISIBLE_VARIABLE, "MIG-5b1e0f66-1d2a-3c55-8a67-000000000003")
    fractions.check("asr", Path("unused"), settings)
    assert caplog.text.count("is not known") == 2


def test_an_unknown_type_of_numbers_is_refused_with_those_that_are_known(smi):
    smi(L4)
    settings = Settings(
        llm_engine="transformers", llm_device="cuda", llm_model="glm-4-9b-chat", llm_compute_type="int3"
    )
    with pytest.raises(ConfigurationError, match=r"WAIJIAO_LLM_COMPUTE_TYPE='int3': expected one of auto, .*int4"):
        fractions.check("llm", Path("unused"), settings)


@pytest.mark.parametrize(
    ("free", "fraction", "fits"), [(10, 1.0, True), (7, 1.0, False), (10, 0.7, False), (10, 0.8, True)]
)
def test_the_need_must_be_within_the_share_and_within_what_is_free(free, fraction, fits):
    gpu, need = Gpu("L4", "GPU-1", 10 * GB, free * GB), Need(4 * GB, 2 * GB, GB, context=GB)
    if fits:
        fractions.check_fits("tts", need, gpu, fraction)
    else:
        with pytest.raises(ConfigurationError):
            fractions.check_fits("tts", need, gpu, fraction)


def test_an_engine_that_does_not_fit_is_not_even_imported(smi, tmp_path):
    smi("0, GPU-1, NVIDIA T400, 1024, 1000\n")
    settings = Settings(asr_device="cuda", asr_model="whisper-base", models=tmp_path)
    home = tmp_path / "whisper-base"
    home.mkdir()
    for file in find_model("whisper-base").files:
        with (home / file.name).open("wb") as out:
            out.truncate(file.size)
    with pytest.raises(ConfigurationError, match="It was not loaded"):
        load_engine("asr", {"faster-whisper": "nowhere.at_all:Engine"}, settings)


# --- several workers on one GPU


def test_shares_that_add_up_to_one_are_accepted():
    settings = Settings(
        asr_device="cuda", asr_gpu_fraction=0.1, llm_engine="transformers", llm_device="cuda", llm_gpu_fraction=0.7
    )
    fractions.check_fraction_sums(settings, {"asr": 3, "llm": 1, "tts": 1})


def test_shares_beyond_one_are_refused_by_name():
    settings = Settings(
        asr_device="cuda", asr_gpu_fraction=0.3, llm_engine="transformers", llm_device="cuda", llm_gpu_fraction=0.7
    )
    with pytest.raises(ConfigurationError) as refused:
        fractions.check_fraction_sums(settings, {"asr": 2, "llm": 1, "tts": 1})
    assert "GPU 0 is used 1.30 times over" in refused.value.detail
    assert "2 × WAIJIAO_ASR_GPU_FRACTION=0.3, 1 × WAIJIAO_LLM_GPU_FRACTION=0.7" in refused.value.detail


def test_shares_of_different_gpus_are_not_added():
    settings = Settings(asr_device="cuda", llm_engine="transformers", llm_device="cuda", llm_gpu=1)
    fractions.check_fraction_sums(settings, {"asr": 1, "llm": 1, "tts": 1})


def test_waijiao_up_refuses_shares_beyond_one_before_it_looks_for_models(tmp_path):
    settings = Settings(asr_device="cuda", asr_gpu_fraction=0.6, models=tmp_path)
    with pytest.raises(ConfigurationError, match=r"2 × WAIJIAO_ASR_GPU_FRACTION=0\.6"):
        up.prepare(settings, {"asr": 2, "llm": 1, "tts": 1})
    with pytest.raises(ModelMissing):
        up.prepare(settings, up.ONE_WORKER_EACH)
