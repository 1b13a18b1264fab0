"""deploy/traefik fits together and fits the server. Traefik itself is not run: its schema is not checked here."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from deploy.dockerfile import ROOT
from pipeline.settings import Settings

FOLDER = ROOT / "deploy" / "traefik"
TRAEFIK_DEFAULT_S = 60  # for reading a whole request


def load(name: str) -> dict:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def to_seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text[:-1])


@pytest.fixture
def static():
    return load("traefik.yaml")


@pytest.fixture
def http():
    return load("waijiao.yaml")["http"]


@pytest.fixture
def router(http):
    (router,) = http["routers"].values()
    return router


def test_the_server_is_the_one_that_waijiao_starts(http, router):
    (server,) = http["services"][router["service"]]["loadBalancer"]["servers"]
    address = urlsplit(server["url"])
    port = Settings.model_fields["port"].default
    assert (address.scheme, address.hostname, address.port, address.path) == ("http", "127.0.0.1", port, "")


def test_every_name_that_is_used_is_defined(static, http, router):
    assert set(router["entryPoints"]) <= set(static["entryPoints"])
    assert set(router["middlewares"]) == set(http["middlewares"])
    transport = http["services"][router["service"]]["loadBalancer"]["serversTransport"]
    assert transport in http["serversTransports"]
    redirection = static["entryPoints"]["web"]["http"]["redirections"]["entryPoint"]
    assert redirection == {"to": router["entryPoints"][0], "scheme": "https"}


def test_the_folder_that_traefik_reads_is_the_one_that_the_file_says_it_lies_in(static):
    folder = Path(static["providers"]["file"]["directory"])
    assert f"{folder}/waijiao.yaml" in (FOLDER / "waijiao.yaml").read_text(encoding="utf-8")


def test_what_comes_over_the_internet_is_encrypted(static, router):
    assert router["tls"] == {}
    assert [static["entryPoints"][name]["address"] for name in router["entryPoints"]] == [":443"]
    (certificate,) = load("waijiao.yaml")["tls"]["certificates"]
    assert {Path(path).suffix for path in certificate.values()} == {".pem"}


def test_an_upload_and_a_stream_may_take_as_long_as_they_need(static, router):
    for name in router["entryPoints"]:
        timeouts = static["entryPoints"][name]["transport"]["respondingTimeouts"]
        assert {to_seconds(timeouts[each]) for each in ("readTimeout", "writeTimeout")} == {0}


def test_an_answer_may_take_as_long_as_the_server_allows(http):
    settings = Settings.model_fields
    (transport,) = http["serversTransports"].values()
    longest_s = max(settings[name].default for name in ("wait_s", "alone_s"))
    assert to_seconds(transport["forwardingTimeouts"]["responseHeaderTimeout"]) > longest_s > TRAEFIK_DEFAULT_S


def test_uploads_are_neither_stored_nor_limited_on_the_way(http):
    assert not any("buffering" in middleware for middleware in http["middlewares"].values())


def test_a_login_works_and_no_client_names_its_own_prefix(http, router):
    assert http["services"][router["service"]]["loadBalancer"]["passHostHeader"] is True
    (middleware,) = http["middlewares"].values()
    assert middleware["headers"]["customRequestHeaders"] == {"X-Forwarded-Prefix": ""}
    assert middleware["headers"]["stsSeconds"] > 0


def test_addresses_with_the_names_of_sessions_are_not_logged(static):
    assert "accessLog" not in static


def test_the_documentation_says_that_it_was_not_run():
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert all(f"deploy/traefik/{path.name}" in text for path in FOLDER.iterdir())
    assert "**They were not run.**" in text
