"""How each service of docker-compose.yml is confined, looked after and stopped."""

import re

import pytest

from tests.support.compose import find_last, find_queue, list_instructions, load_compose, load_services, read_settings
from waijiao.local.supervisor import RELEASE_S

QUEUES = {"asr", "llm", "tts", "segment", "maintenance"}

each_service = pytest.mark.parametrize("name", sorted(load_compose()["services"]))
each_worker = pytest.mark.parametrize("name", sorted(n for n in load_compose()["services"] if n.startswith("worker_")))


def seconds(duration):
    return float(re.fullmatch(r"(\d+)s", duration)[1])


@each_service
def test_every_running_service_has_a_health_check(name):
    service = load_compose()["services"][name]
    if name == "redis":
        assert "redis-cli ping" in service["healthcheck"]["test"][1]
    elif name in {"models", "models_gpu"}:
        assert find_last("models", "HEALTHCHECK") == "NONE"
        assert service["restart"].startswith("on-failure")
    else:
        assert "CMD [" in find_last(service["build"]["target"], "HEALTHCHECK")
        assert service["restart"] == "unless-stopped"


@each_service
def test_every_service_is_hardened(name):
    service = load_compose()["services"][name]

    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices", "gpus", "runtime"}


@each_service
def test_nothing_of_the_host_is_mounted(name):
    for volume in load_compose()["services"][name]["volumes"]:
        assert volume.split(":")[0] in load_compose()["volumes"]


def test_only_one_service_of_a_profile_writes_models_and_the_others_wait_for_it():
    for profile, writer in (("cpu", "models"), ("gpu", "models_gpu")):
        started = load_services(profile)
        readers = {name for name, each in started.items() if "models:/data/models:ro" in each["volumes"]}

        assert {name for name, each in started.items() if "models:/data/models" in each["volumes"]} == {writer}
        assert {find_queue(name) for name in readers} == QUEUES - {"segment", "maintenance"}
        for name in readers:
            assert started[name]["depends_on"][writer]["condition"] == "service_completed_successfully"


def test_only_the_api_is_published_and_only_on_the_host_itself():
    published = {name: service.get("ports") for name, service in load_compose()["services"].items()}

    assert published.pop("api") == ["127.0.0.1:8000:8000"]
    assert set(published.values()) == {None}


def test_workers_have_no_network_outside():
    out = {name for name, service in load_compose()["services"].items() if "outside" in service["networks"]}

    assert out == {"models", "models_gpu", "api", "worker_maintenance"}
    assert load_compose()["networks"]["inside"]["internal"] is True


@each_worker
def test_a_stopped_worker_has_time_to_hand_its_work_back(name):
    service = load_compose()["services"][name]

    assert seconds(service["stop_grace_period"]) > read_settings(service).shutdown_s + RELEASE_S
    environment = " ".join(rest for keyword, rest in list_instructions(service["build"]["target"]) if keyword == "ENV")
    assert "REMAP_SIGTERM" not in environment  # a worker takes SIGTERM itself


@each_worker
def test_a_worker_is_not_unhealthy_while_its_engine_may_still_load(name):
    service = load_compose()["services"][name]
    start = re.search(r"--start-period=(\d+s)", find_last(service["build"]["target"], "HEALTHCHECK"))[1]

    assert seconds(start) > read_settings(service).load_s
