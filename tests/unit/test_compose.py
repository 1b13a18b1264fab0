import json
import re
from functools import cache
from pathlib import Path

import jsonschema
import pytest
import yaml

from pipeline.settings import Settings
from waijiao.house import HAND_BACK_S

ROOT = Path(__file__).resolve().parents[2]
QUEUES = {"worker_asr": "asr", "worker_llm": "llm", "worker_tts": "tts", "worker_chores": "chores"}
OURS = ["models", "api", *QUEUES]
GOES_ON = re.compile(r"\\\n\s*")


@cache
def compose():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


@cache
def stages():
    """For each target of the Dockerfile, its instructions as (keyword, rest)."""
    text = GOES_ON.sub("", (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8"))
    found = {}
    for line in text.splitlines():
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            found[rest.split(" AS ")[1]] = instructions = []
        elif keyword and keyword != "#":
            instructions.append((keyword, rest))
    return found


def instruction(target, keyword):
    (rest,) = [rest for each, rest in stages()[target] if each == keyword]
    return rest


def command(service):
    return json.loads(instruction(compose()["services"][service]["build"]["target"], "CMD"))


def seconds(duration):
    return float(re.fullmatch(r"(\d+)s", duration)[1])


def test_the_file_is_what_the_compose_specification_says():
    schema = json.loads((ROOT / "tests/data/compose-spec.json").read_text(encoding="utf-8"))

    jsonschema.Draft7Validator(schema).validate(compose())


def test_the_specification_refuses_a_misspelt_key():
    schema = json.loads((ROOT / "tests/data/compose-spec.json").read_text(encoding="utf-8"))

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate({"services": {"api": {"imagee": "x"}}})


def test_every_service_of_ours_has_its_target_in_the_dockerfile():
    assert set(compose()["services"]) == {"redis", *OURS}
    for service in OURS:
        build = compose()["services"][service]["build"]
        assert (ROOT / build["dockerfile"]).is_file()
        assert build["target"] == service
        assert service in stages()


def test_every_setting_that_is_used_exists():
    known = {f"WAIJIAO_{name.upper()}" for name in Settings.model_fields}
    used = {name for service in compose()["services"].values() for name in service["environment"]}
    named = set(re.findall(r"WAIJIAO_\w+", (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")))

    assert used | named <= known | {"REDIS_PASSWORD"}


def test_every_service_of_ours_reads_its_settings():
    for service in OURS:
        values = {
            name.removeprefix("WAIJIAO_").lower(): value
            for name, value in compose()["services"][service]["environment"].items()
        }
        chosen = Settings(**values)
        assert chosen.models_folder == Path("/data/models")
        assert chosen.keys == (chosen.host != "127.0.0.1") == (service == "api")


@pytest.mark.parametrize("service", QUEUES)
def test_every_worker_serves_its_queue_one_job_at_a_time(service):
    words = command(service)

    assert words[:4] == ["celery", "-A", f"{service}.tasks", "worker"]
    assert words[words.index("-Q") + 1] == QUEUES[service]
    assert words[words.index("-c") + 1] == "1"


def test_the_other_commands_are_ours():
    assert command("api") == ["gunicorn", "-c", "python:api.server", "api:create_app()"]
    assert command("models") == ["waijiao", "models", "fetch"]


def test_everything_that_keeps_running_is_looked_after():
    for service in set(OURS) - {"models"}:
        assert "CMD" in instruction(service, "HEALTHCHECK")
    assert instruction("models", "HEALTHCHECK") == "NONE"
    assert "redis-cli ping" in compose()["services"]["redis"]["healthcheck"]["test"][1]


def test_every_service_is_hardened():
    for service in compose()["services"].values():
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service["user"].startswith(("0", "root"))
        assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "devices"}
    assert instruction("base", "USER") == "waijiao"


def test_nothing_of_the_host_is_mounted_and_no_secret_is_written_down():
    for service in compose()["services"].values():
        for volume in service["volumes"]:
            assert volume.split(":")[0] in compose()["volumes"]
    for line in (ROOT / "docker-compose.yml").read_text(encoding="utf-8").splitlines():
        if "redis://" in line or "REDIS_PASSWORD:" in line:
            assert "${REDIS_PASSWORD:?" in line


def test_what_reaches_the_internet_without_serving_does_not_know_the_password():
    assert "WAIJIAO_REDIS_URL" not in compose()["services"]["models"]["environment"]


def test_workers_read_models_and_only_one_service_writes_them():
    writers = {name for name, service in compose()["services"].items() if "models:/data/models" in service["volumes"]}
    readers = {
        name
        for name, service in compose()["services"].items()
        if "models:/data/models:ro" in service["volumes"]
        and service["depends_on"]["models"]["condition"] == "service_completed_successfully"
    }

    assert writers == {"models"}
    assert readers == {"worker_asr", "worker_llm", "worker_tts"}


def test_only_the_api_is_published_and_only_on_the_host_itself():
    published = {name: service.get("ports") for name, service in compose()["services"].items()}

    assert published.pop("api") == ["127.0.0.1:8000:8000"]
    assert set(published.values()) == {None}
    assert compose()["networks"]["inside"]["internal"] is True


def test_a_stopped_worker_has_time_to_hand_its_work_back():
    for service in QUEUES:
        grace = seconds(compose()["services"][service]["stop_grace_period"])
        assert grace > Settings().shutdown_s + HAND_BACK_S
    environment = " ".join(rest for keyword, rest in stages()["base"] if keyword == "ENV")
    assert "REMAP_SIGTERM" not in environment  # a worker takes SIGTERM itself


def test_redis_forgets_nothing():
    script = compose()["services"]["redis"]["command"][-1]

    for option in ("--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"):
        assert option in script


def test_the_image_holds_every_package_and_nothing_else_is_sent_to_the_builder():
    packages = re.search(r"^packages = (\[.*\])$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    copied = {word.rstrip("/") for key, rest in stages()["base"] if key == "COPY" for word in rest.split()[:-1]}
    sent = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")
    }

    assert {package.partition(".")[0] for package in json.loads(packages[1])} <= copied
    assert copied == sent
