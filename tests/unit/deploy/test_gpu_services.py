"""The gpu profile: which GPU a model gets, how much of it, and what the container sees of that."""

import pytest
from click.testing import CliRunner

from pipeline.model_files.catalogue import catalogue
from tests.support.compose import load_compose, load_services, read_settings
from waijiao.cli.main import main

STAGES = ["asr", "llm", "tts"]

each_stage = pytest.mark.parametrize("stage", STAGES)


def settings(stage, **variables):
    """What the stage's GPU worker reads when compose has these variables."""
    return read_settings(load_compose(**variables)["services"][f"worker_{stage}_gpu"])


def find_reserved_gpu(stage, **variables):
    service = load_compose(**variables)["services"][f"worker_{stage}_gpu"]
    (device,) = service["deploy"]["resources"]["reservations"]["devices"]
    return device


@each_stage
def test_a_model_has_the_one_gpu_of_the_host_that_is_named(stage):
    assert find_reserved_gpu(stage)["device_ids"] == ["0"]
    assert find_reserved_gpu(stage, **{f"WAIJIAO_{stage.upper()}_GPU": "3"})["device_ids"] == ["3"]
    for another in set(STAGES) - {stage}:
        assert find_reserved_gpu(another, **{f"WAIJIAO_{stage.upper()}_GPU": "3"})["device_ids"] == ["0"]


@each_stage
def test_a_gpu_may_be_named_by_its_uuid(stage):
    uuid = "GPU-3a23c669-1f69-c64e-cf85-44e9b07e7a2a"

    assert find_reserved_gpu(stage, **{f"WAIJIAO_{stage.upper()}_GPU": uuid})["device_ids"] == [uuid]


@each_stage
def test_inside_the_container_that_gpu_is_number_0_whichever_it_is_outside(stage):
    values = settings(stage, **{f"WAIJIAO_{stage.upper()}_GPU": "3"})

    assert getattr(values, f"{stage}_device") == "cuda"
    assert getattr(values, f"{stage}_gpu") == 0


def test_the_host_s_name_of_a_gpu_reaches_no_container():
    for service in load_compose(WAIJIAO_LLM_GPU="GPU-3a23c669")["services"].values():
        assert all(
            service["environment"][f"WAIJIAO_{stage.upper()}_GPU"] == "0" for stage in STAGES if "env_file" in service
        )


@each_stage
def test_the_driver_s_capabilities_are_those_for_computing_and_nvidia_smi(stage):
    assert find_reserved_gpu(stage)["driver"] == "nvidia"
    assert set(find_reserved_gpu(stage)["capabilities"]) == {"gpu", "compute", "utility"}


@each_stage
def test_a_model_takes_the_share_that_is_named(stage):
    values = settings(stage, **{f"WAIJIAO_{stage.upper()}_GPU_FRACTION": "0.9"})

    assert getattr(values, f"{stage}_gpu_fraction") == 0.9


def test_by_default_all_three_models_share_one_gpu():
    assert sum(getattr(settings(stage), f"{stage}_gpu_fraction") for stage in STAGES) <= 1


def test_each_has_its_large_model_and_the_engine_that_loads_it():
    assert (settings("llm").llm_engine, settings("tts").tts_engine) == ("transformers", "bark")
    for stage in STAGES:
        model = catalogue()[getattr(settings(stage), f"{stage}_model")]
        assert (model.stage, model.engine) == (stage, getattr(settings(stage), f"{stage}_engine"))
        assert not model.default


def test_no_other_service_has_a_gpu():
    assert not [name for name, service in load_services("cpu").items() if "deploy" in service]


def test_the_shares_are_those_that_fit_computes_for_one_card_of_24_gb():
    values = ["--gpu", "24GB", "--asr", "large-v3", "--llm", "glm-4-9b-chat", "--llm-type", "int4", "--tts", "bark"]
    output = CliRunner().invoke(main, ["fit", *values]).output

    for stage in STAGES:
        for name, value in load_compose()["services"][f"worker_{stage}_gpu"]["environment"].items():
            if name.startswith(f"WAIJIAO_{stage.upper()}"):
                assert f"export {name}={value}\n" in output
