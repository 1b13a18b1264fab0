"""What docker-compose.yml starts with which profile, from what, and with which settings."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from check_jsonschema.builtin_schemas import get_builtin_schema

from deploy.dockerfile import ROOT, stages
from pipeline.settings import Settings
from tests.support.compose import find_last, find_queue, load_compose, load_services, read_settings

QUEUES = {"asr", "llm", "tts", "segment", "maintenance"}
ALWAYS = {"redis", "api", "worker_maintenance", "worker_segment"}
CPU = {"models", "worker_asr", "worker_llm", "worker_tts"}
GPU = {"models_gpu", "worker_asr_gpu", "worker_llm_gpu", "worker_tts_gpu"}

each_worker = pytest.mark.parametrize(
    "name", sorted({"worker_maintenance", "worker_segment", *CPU, *GPU} - {"models", "models_gpu"})
)


def schema():
    """The Compose Specification's schema, as check-jsonschema carries it."""
    specification = get_builtin_schema("vendor.compose-spec")
    return jsonschema.validators.validator_for(specification)(specification)  # of the draft that the schema names


def test_the_file_is_what_the_compose_specification_says():
    schema().validate(load_compose())


def test_the_specification_refuses_a_misspelt_key():
    with pytest.raises(jsonschema.ValidationError):
        schema().validate({"services": {"api": {"imagee": "x"}}})


@pytest.mark.parametrize(("profile", "models"), [("cpu", CPU), ("gpu", GPU)])
def test_a_profile_starts_one_kind_of_worker_for_each_queue_and_all_that_it_waits_for(profile, models):
    started = load_services(profile)

    assert set(started) == ALWAYS | models
    assert sorted(find_queue(name) for name in started if name.startswith("worker_")) == sorted(QUEUES)
    for service in started.values():
        assert set(service.get("depends_on", ())) <= set(started)


def test_any_setting_may_stand_in_the_file_that_names_the_profile():
    for name, service in load_compose()["services"].items():
        assert service.get("env_file") == (None if name == "redis" else [".env"])


def test_every_variable_that_the_file_asks_for_is_explained():
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    told = (ROOT / "deploy/README.md").read_text(encoding="utf-8")

    assert asked
    assert not [name for name in asked if name not in told]


def test_every_service_of_ours_is_built_from_a_target_of_the_dockerfile():
    for name, service in load_compose()["services"].items():
        if name != "redis":
            assert (ROOT / service["build"]["dockerfile"]).is_file()
            assert service["build"]["target"] in stages()


def test_every_setting_that_is_used_exists():
    known = {f"WAIJIAO_{name.upper()}" for name in Settings.model_fields}
    used = {name for service in load_compose()["services"].values() for name in service.get("environment", ())}

    assert used <= known
    assert set(re.findall(r"WAIJIAO_\w+", (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8"))) <= known


def test_every_service_of_ours_reads_its_settings():
    for name, service in load_compose()["services"].items():
        if name != "redis":
            settings = read_settings(service)
            assert settings.models_folder == Path("/data/models")
            assert settings.keys == (settings.host != "127.0.0.1") == (name == "api")


@each_worker
def test_every_worker_serves_its_queue_one_job_at_a_time(name):
    words = json.loads(find_last(load_compose()["services"][name]["build"]["target"], "CMD"))

    assert words[:4] == ["celery", "-A", f"worker_{find_queue(name)}.tasks", "worker"]
    assert words[words.index("-Q") + 1] == find_queue(name)
    assert words[words.index("-c") + 1] == "1"
    assert "command" not in load_compose()["services"][name]


def test_the_other_commands_are_ours():
    assert json.loads(find_last("api", "CMD")) == ["gunicorn", "-c", "python:api.gunicorn", "api:create_app()"]
    assert json.loads(find_last("models", "CMD")) == ["waijiao", "models", "fetch"]
    assert load_compose()["services"]["models_gpu"]["command"] == ["waijiao", "models", "fetch", "large"]
