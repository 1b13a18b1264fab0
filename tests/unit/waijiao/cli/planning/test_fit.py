"""`waijiao fit`: what fits which GPU, what would instead, and settings that the server itself accepts."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from pipeline.gpu import fractions
from pipeline.gpu.devices import Gpu
from pipeline.settings import Settings
from tests.unit.pipeline.gpu.test_memory import FIELDS, gguf
from waijiao.cli.planning.fit import fit
from waijiao.cli.planning.gpu_placement import GpuPlan, Placement, find_fitting_options, percent_of, reduced_plans

GB = 1_000_000_000
ALL = ["--asr", "large-v3", "--llm", "glm-4-9b-chat", "--tts", "bark"]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path):
    """Neither this machine's settings nor its nvidia-smi."""
    for name in list(os.environ):
        if name.startswith("WAIJIAO_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path))


def run_fit(*options: str) -> tuple[int, str]:
    """The exit code, and all output."""
    result = CliRunner().invoke(fit, options)
    return result.exit_code, result.output


def make_plan(sizes: tuple[int, ...], workers: dict[str, int], **settings: object) -> GpuPlan:
    options = {
        "asr_model": "whisper-large-v3",
        "asr_device": "cuda",
        "llm_engine": "transformers",
        "llm_model": "glm-4-9b-chat",
        "llm_device": "cuda",
        "llm_batch": 1,
        "tts_engine": "bark",
        "tts_model": "bark",
        "tts_device": "cuda",
    }
    return GpuPlan(Settings(**{**options, **settings}), workers, sizes)


# --- placement


def test_models_share_one_gpu_where_they_can():
    placements = make_plan((24 * GB, 24 * GB), {"asr": 1, "tts": 1}).find_placements()
    assert {place.gpu for place in placements.values()} == {0}


def test_models_go_to_several_gpus_where_they_must():
    placements = make_plan((24 * GB, 12 * GB), {"asr": 1, "llm": 1}).find_placements()
    assert (placements["llm"].gpu, placements["asr"].gpu) == (0, 1)


def test_workers_of_one_stage_stay_on_one_gpu_and_count_each():
    assert make_plan((18 * GB,), {"asr": 2}).find_placements()["asr"].percent <= 50
    assert make_plan((17 * GB, 17 * GB), {"asr": 2}).find_placements() is None


@pytest.mark.parametrize(("need", "percent"), [(1, 1), (10 * GB, 42), (24 * GB, 100), (24 * GB + 1, 101)])
def test_a_percentage_is_rounded_up(need, percent):
    assert percent_of(need, 24 * GB) == percent


def test_plans_that_fit_are_those_that_the_server_accepts():
    small = make_plan((48 * GB,), {"asr": 2, "llm": 1, "tts": 1})
    placements = small.find_placements()
    shares = {f"{stage}_gpu_fraction": place.percent / 100 for stage, place in placements.items()}
    chosen = small.settings.model_copy(update=shares)
    fractions.check_fraction_sums(chosen, small.workers)
    for stage, need in small.needs().items():
        fractions.check_fits(stage, need, Gpu("card", "GPU-1", 48 * GB, 48 * GB), shares[f"{stage}_gpu_fraction"])


def test_smaller_plans_change_only_what_is_on_a_gpu():
    for options, other in reduced_plans(make_plan((8 * GB,), {"tts": 1})):
        assert options == ["--tts bark-small"]
        assert other.settings.tts_model == "bark-small"


def test_the_advised_plan_fits_and_changes_least():
    assert find_fitting_options(make_plan((20 * GB,), {"llm": 1})) == ["--llm-type int8"]
    assert find_fitting_options(make_plan((10 * GB,), {"llm": 1})) == ["--llm-type int4"]
    assert find_fitting_options(make_plan((1 * GB,), {"llm": 1})) is None


def test_only_the_last_of_two_values_of_an_option_is_advised():
    for options, _ in reduced_plans(make_plan((8 * GB,), {"asr": 1, "llm": 1, "tts": 1})):
        names = [option.partition(" ")[0] for option in options]
        assert len(names) == len(set(names))


def test_a_placement_cannot_be_changed():
    with pytest.raises(AttributeError):
        Placement(0, 1).gpu = 1


# --- the command


def test_a_plan_that_fits_is_printed_with_settings_to_copy():
    status, text = run_fit("--gpu", "24GB", *ALL, "--llm-type", "int4", "--batch", "1")
    assert status == 0
    for line in (
        "They fit.",
        "export WAIJIAO_ASR_DEVICE=cuda",
        "export WAIJIAO_LLM_COMPUTE_TYPE=int4",
        "export WAIJIAO_TTS_ENGINE=bark",
        "export WAIJIAO_LLM_GPU=0",
        "waijiao up --asr 1 --llm 1 --tts 1",
        "Every figure is computed",
    ):
        assert line in text


def test_the_printed_settings_are_settings():
    _, text = run_fit("--gpu", "48GB", *ALL, "--workers", "asr=2,tts=3", "--context", "8192", "--windows", "4")
    lines = [line.removeprefix("export ") for line in text.splitlines() if line.startswith("export ")]
    values = dict(line.split("=") for line in lines)
    names = {name.removeprefix("WAIJIAO_").lower() for name in values}
    assert names <= set(Settings.model_fields)
    program = (
        "from pipeline.settings import Settings; s = Settings(); print(s.llm_context, s.asr_windows, s.tts_engine)"
    )
    read = subprocess.run([sys.executable, "-c", program], env=values, capture_output=True, text=True, check=True)
    assert read.stdout == "8192 4 bark\n"
    assert "waijiao up --asr 2 --llm 1 --tts 3" in text


def test_a_plan_that_does_not_fit_ends_with_status_1_and_advice():
    status, text = run_fit("--gpu", "16GB", *ALL)
    assert status == 1
    assert "They do not fit:" in text
    assert "16.0 GB are there." in text
    advised = text.partition("They would with: ")[2].splitlines()[0].split()
    others = [option for option in ALL if option not in advised]
    assert run_fit("--gpu", "16GB", *others, *advised)[0] == 0


def test_models_that_no_option_makes_fit_ask_for_a_larger_card():
    status, text = run_fit("--gpu", "2GB", *ALL)
    assert status == 1
    assert "use a larger GPU" in text


def test_a_gguf_file_is_for_llama_cpp(tmp_path):
    path = tmp_path / "my.gguf"
    path.write_bytes(gguf(FIELDS) + bytes(1000))
    status, text = run_fit("--gpu", "8GB", "--llm", str(path))
    assert status == 0
    assert "export WAIJIAO_LLM_ENGINE=llama.cpp" in text
    assert "export WAIJIAO_LLM_GPU_LAYERS=999" in text
    assert "LLM_DEVICE" not in text


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ([], "Name at least one model"),
        (["--asr", "large-v3"], "Name a GPU, such as --gpu 24GB: nvidia-smi is missing"),
        (["--gpu", "8 apples", "--asr", "large-v3"], "is not a size"),
        (["--gpu", "8GB", "--asr", "large-v9"], "expected one of whisper-base"),
        (["--gpu", "8GB", "--tts", "hibari-heart"], "expected one of bark, bark-small"),
        (["--gpu", "8GB", "--asr", "large-v3", "--workers", "asr=0"], "expected something such as asr=2,llm=1"),
    ],
)
def test_wrong_usage_ends_with_status_2_and_advice(options, word):
    status, text = run_fit(*options)
    assert status == 2
    assert word in " ".join(text.split())


@pytest.mark.parametrize(("text", "size"), [("24GB", "24.0 GB"), ("24gib", "25.8 GB"), ("7.5", "7.5 GB")])
def test_a_card_s_size_is_read_as_sold(text, size):
    assert f"{size} are there" in run_fit("--gpu", text, *ALL, "--workers", "llm=9")[1]


def test_a_folder_without_a_model_is_a_clear_error(tmp_path):
    (tmp_path / "empty").mkdir()
    status, text = run_fit("--gpu", "8GB", "--llm", str(tmp_path / "empty"))
    assert status == 1
    assert "is not a model's folder" in text
