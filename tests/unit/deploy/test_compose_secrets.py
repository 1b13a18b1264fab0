"""Secrets of the compose file are files; each service sees those that it needs and no other."""

import re

from deploy.dockerfile import ROOT
from pipeline.settings import Settings
from tests.support.compose import load_compose

WORKERS = {
    "worker_maintenance",
    "worker_segment",
    *(f"worker_{stage}{kind}" for stage in ("asr", "llm", "tts") for kind in ("", "_gpu")),
}


def find_holders(secret):
    return {name for name, service in load_compose()["services"].items() if secret in service.get("secrets", ())}


def test_each_service_has_only_the_secrets_that_it_needs():
    assert find_holders("waijiao_redis_url") == {"redis", "api", *WORKERS}
    assert find_holders("waijiao_llm_key") == {"worker_llm"}
    assert {secret for service in load_compose()["services"].values() for secret in service.get("secrets", ())} == set(
        load_compose()["secrets"]
    )


def test_services_with_internet_access_have_no_secret():
    for name in ("models", "models_gpu"):
        assert not load_compose()["services"][name].get("secrets")


def test_every_secret_is_a_setting_and_a_file_that_git_and_the_builder_leave_out():
    for name, secret in load_compose()["secrets"].items():
        assert name.removeprefix("waijiao_") in Settings.model_fields
        assert secret == {"file": f"./secrets/{name}"}
    assert "/secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "!secrets" not in (ROOT / ".dockerignore").read_text(encoding="utf-8")


def test_no_variable_of_a_service_holds_a_secret():
    for service in load_compose()["services"].values():
        for name in service.get("environment", ()):
            assert not re.search(r"PASSWORD|SECRET|TOKEN|_URL$|_KEY$", name)
    assert "PASSWORD}" not in (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
