"""What docker-compose.yml starts, what each service may do, and who knows what."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from containers import compose, image, last, services
from dockerfile import ROOT, stages

from pipeline.settings import Settings
from waijiao.house import HAND_BACK_S

QUEUES = {"asr", "llm", "tts", "chores"}
ALWAYS = {"redis", "api", "worker_chores"}
CPU = {"models", "worker_asr", "worker_llm", "worker_tts"}
GPU = {"models_gpu", "worker_asr_gpu", "worker_llm_gpu", "worker_tts_gpu"}

each_service = pytest.mark.parametrize("name", sorted(ALWAYS | CPU | GPU))
each_worker = pytest.mark.parametrize("name", sorted({"worker_chores", *CPU, *GPU} - {"models", "models_gpu"}))


def schema():
    specification = json.loads((ROOT / "tests/data/compose-spec.json").read_text(encoding="utf-8"))
    return jsonschema.Draft7Validator(specification)


def seconds(duration):
    return float(re.fullmatch(r"(\d+)s", duration)[1])


def queue(name):
    return re.fullmatch(r"worker_(\w+?)(_gpu)?", name)[1]


def chosen(service):
    """The settings that a service reads."""
    values = {
        name.removeprefix("WAIJIAO_").lower(): value
        for name, value in service["environment"].items()
        if name.startswith("WAIJIAO_")
    }
    return Settings(**values)


def test_the_file_is_what_the_compose_specification_says():
    schema().validate(compose())


def test_the_specification_refuses_a_misspelt_key():
    with pytest.raises(jsonschema.ValidationError):
        schema().validate({"services": {"api": {"imagee": "x"}}})


@pytest.mark.parametrize(("profile", "models"), [("cpu", CPU), ("gpu", GPU)])
def test_a_profile_starts_one_kind_of_worker_for_each_queue_and_all_that_it_waits_for(profile, models):
    started = services(profile)

    assert set(started) == ALWAYS | models
    assert sorted(queue(name) for name in started if name.startswith("worker_")) == sorted(QUEUES)
    for service in started.values():
        assert set(service.get("depends_on", ())) <= set(started)


def test_any_setting_may_stand_in_the_file_that_names_the_profile():
    for name, service in compose()["services"].items():
        assert service.get("env_file") == (None if name == "redis" else [".env"])


def test_every_variable_that_the_file_asks_for_is_explained():
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    told = (ROOT / "deploy/README.md").read_text(encoding="utf-8")

    assert asked
    assert not [name for name in asked if name not in told]


def test_every_service_of_ours_is_built_from_a_target_of_the_dockerfile():
    for name, service in compose()["services"].items():
        if name != "redis":
            assert (ROOT / service["build"]["dockerfile"]).is_file()
            assert service["build"]["target"] in stages()


def test_every_setting_that_is_used_exists():
    known = {f"WAIJIAO_{name.upper()}" for name in Settings.model_fields}
    used = {name for service in compose()["services"].values() for name in service.get("environment", ())}

    assert used <= known
    assert set(re.findall(r"WAIJIAO_\w+", (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8"))) <= known


def test_every_service_of_ours_reads_its_settings():
    for name, service in compose()["services"].items():
        if name != "redis":
            settings = chosen(service)
            assert settings.models_folder == Path("/data/models")
            assert settings.keys == (settings.host != "127.0.0.1") == (name == "api")


@each_worker
def test_every_worker_serves_its_queue_one_job_at_a_time(name):
    words = json.loads(last(compose()["services"][name]["build"]["target"], "CMD"))

    assert words[:4] == ["celery", "-A", f"worker_{queue(name)}.tasks", "worker"]
    assert words[words.index("-Q") + 1] == queue(name)
    assert words[words.index("-c") + 1] == "1"
    assert "command" not in compose()["services"][name]


def test_the_other_commands_are_ours():
    assert json.loads(last("api", "CMD")) == ["gunicorn", "-c", "python:api.server", "api:create_app()"]
    assert json.loads(last("models", "CMD")) == ["waijiao", "models", "fetch"]
    assert compose()["services"]["models_gpu"]["command"] == ["waijiao", "models", "fetch", "large"]


@each_service
def test_everything_that_keeps_running_is_looked_after(name):
    service = compose()["services"][name]
    if name == "redis":
        assert "redis-cli ping" in service["healthcheck"]["test"][1]
    elif name in {"models", "models_gpu"}:
        assert last("models", "HEALTHCHECK") == "NONE"
        assert service["restart"].startswith("on-failure")
    else:
        assert "CMD [" in last(service["build"]["target"], "HEALTHCHECK")
        assert service["restart"] == "unless-stopped"


@each_service
def test_every_service_is_hardened(name):
    service = compose()["services"][name]

    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices", "gpus", "runtime"}


@each_service
def test_nothing_of_the_host_is_mounted(name):
    for volume in compose()["services"][name]["volumes"]:
        assert volume.split(":")[0] in compose()["volumes"]


def test_only_one_service_of_a_profile_writes_models_and_the_others_wait_for_it():
    for profile, writer in (("cpu", "models"), ("gpu", "models_gpu")):
        started = services(profile)
        readers = {name for name, each in started.items() if "models:/data/models:ro" in each["volumes"]}

        assert {name for name, each in started.items() if "models:/data/models" in each["volumes"]} == {writer}
        assert {queue(name) for name in readers} == QUEUES - {"chores"}
        for name in readers:
            assert started[name]["depends_on"][writer]["condition"] == "service_completed_successfully"


def test_only_the_api_is_published_and_only_on_the_host_itself():
    published = {name: service.get("ports") for name, service in compose()["services"].items()}

    assert published.pop("api") == ["127.0.0.1:8000:8000"]
    assert set(published.values()) == {None}


def test_what_computes_has_no_way_out():
    out = {name for name, service in compose()["services"].items() if "outside" in service["networks"]}

    assert out == {"models", "models_gpu", "api", "worker_chores"}
    assert compose()["networks"]["inside"]["internal"] is True


@each_worker
def test_a_stopped_worker_has_time_to_hand_its_work_back(name):
    service = compose()["services"][name]

    assert seconds(service["stop_grace_period"]) > chosen(service).shutdown_s + HAND_BACK_S
    environment = " ".join(rest for keyword, rest in image(service["build"]["target"]) if keyword == "ENV")
    assert "REMAP_SIGTERM" not in environment  # a worker takes SIGTERM itself


@each_worker
def test_a_worker_is_not_called_ill_while_its_engine_may_still_load(name):
    service = compose()["services"][name]
    start = re.search(r"--start-period=(\d+s)", last(service["build"]["target"], "HEALTHCHECK"))[1]

    assert seconds(start) > chosen(service).load_s
