"""What test_behind_proxies.py, which runs deploy/traefik, cannot see: our ports, long times, and what is not logged."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from deploy.dockerfile import ROOT
from pipeline.settings import Settings

FOLDER = ROOT / "deploy" / "traefik"
DYNAMIC = ("waijiao.yaml", "waijiao-below-path.yaml")  # one of them is given to Traefik
TRAEFIK_DEFAULT_S = 60  # for reading a whole request


def load(name: str) -> dict:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def to_seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text[:-1])


@pytest.fixture
def static():
    return load("traefik.yaml")


@pytest.fixture(params=DYNAMIC)
def dynamic(request):
    return load(request.param)


@pytest.fixture
def router(dynamic):
    (router,) = dynamic["http"]["routers"].values()
    return router


def test_the_server_is_the_one_that_waijiao_starts(dynamic, router):
    (server,) = dynamic["http"]["services"][router["service"]]["loadBalancer"]["servers"]
    address = urlsplit(server["url"])
    port = Settings.model_fields["port"].default
    assert (address.scheme, address.hostname, address.port, address.path) == ("http", "127.0.0.1", port, "")


@pytest.mark.parametrize("name", DYNAMIC)
def test_the_folder_that_traefik_reads_is_the_one_that_the_file_says_it_lies_in(static, name):
    folder = Path(static["providers"]["file"]["directory"])
    assert f"{folder}/waijiao.yaml" in (FOLDER / name).read_text(encoding="utf-8")


def test_what_comes_over_the_internet_is_encrypted(static, dynamic, router):
    assert router["tls"] == {}
    assert [static["entryPoints"][name]["address"] for name in router["entryPoints"]] == [":443"]
    (certificate,) = dynamic["tls"]["certificates"]
    assert {Path(path).suffix for path in certificate.values()} == {".pem"}


def test_an_upload_and_a_stream_may_take_as_long_as_they_need(static, router):
    for name in router["entryPoints"]:
        timeouts = static["entryPoints"][name]["transport"]["respondingTimeouts"]
        assert {to_seconds(timeouts[each]) for each in ("readTimeout", "writeTimeout")} == {0}


def test_an_answer_may_take_as_long_as_the_server_allows(dynamic, router):
    settings = Settings.model_fields
    name = dynamic["http"]["services"][router["service"]]["loadBalancer"]["serversTransport"]
    timeouts = dynamic["http"]["serversTransports"][name]["forwardingTimeouts"]
    longest_s = max(settings[name].default for name in ("wait_s", "alone_s"))
    assert to_seconds(timeouts["responseHeaderTimeout"]) > longest_s > TRAEFIK_DEFAULT_S


def test_uploads_are_neither_stored_nor_limited_on_the_way(dynamic):
    assert not any("buffering" in middleware for middleware in dynamic["http"]["middlewares"].values())


def test_addresses_with_the_names_of_sessions_are_not_logged(static):
    assert "accessLog" not in static


def test_traefik_tells_nobody_that_it_runs(static):
    assert static["global"] == {"checkNewVersion": False, "sendAnonymousUsage": False}


def test_the_documentation_names_every_file():
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert all(f"deploy/traefik/{path.name}" in text for path in FOLDER.iterdir())
