"""https and http on one port: what is encrypted, who may do without it, and that silent clients keep nobody waiting."""

import socket
import ssl
from contextlib import ExitStack

import httpx
import pytest

from api import create_app
from api.openai.run_job import has_left
from api.slow_clients import stop_reading
from pipeline.api_keys import Keys, Limits
from tests.support.tls import connect_pair, trusting, write_certificate
from tests.support.wait import wait_for

SILENT_CLIENTS = 40
HALF_A_HANDSHAKE = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
BEGINNINGS = {
    "nothing": b"",
    "half a handshake": HALF_A_HANDSHAKE,
    "a handshake that is none": b"\x16" + b"x" * 200,
    "half a request": b"GET /healthz HTT",
    "a request that is none": b"x" * 200 + b"\r\n\r\n",
}


@pytest.fixture
def certificate(tmp_path):
    return write_certificate(tmp_path / "server.pem")


@pytest.fixture
def plain(serve, certificate) -> httpx.Client:
    """A client of a server with https and keys, which speaks http with it."""
    return serve(keys=True, tls_certificate=certificate)


@pytest.fixture
def encrypted(plain, certificate):
    url = f"https://127.0.0.1:{plain.base_url.port}"
    with httpx.Client(base_url=url, verify=trusting(certificate), timeout=30, trust_env=False) as client:
        yield client


def log_in(client: httpx.Client, key: str) -> httpx.Response:
    return client.post("/v1/login", json={"key": key}, headers={"Origin": str(client.base_url).rstrip("/")})


def test_a_login_by_https_stays_on_https_and_this_machine_may_use_http(plain, encrypted, redis):
    key = Keys(redis).create("default", "learner", "Anna", Limits())[1]
    by_https, by_http = log_in(encrypted, key), log_in(plain, key)
    assert (by_https.status_code, by_http.status_code) == (200, 200)
    assert "Secure" in by_https.headers["Set-Cookie"]
    assert "Secure" not in by_http.headers["Set-Cookie"]
    assert encrypted.get("/v1/jobs").status_code == plain.get("/v1/jobs").status_code == 200
    assert "Strict-Transport-Security" not in by_https.headers


def test_an_upload_and_a_download_pass_by_https_unchanged(encrypted, redis):
    key = Keys(redis).create("default", "learner", "Anna", Limits())[1]
    who = {"Authorization": f"Bearer {key}"}
    text = "hello " * 200
    accepted = encrypted.post("/v1/jobs", data={"text": text}, headers=who)
    assert accepted.status_code == 202, accepted.text
    assert accepted.headers["Location"].startswith("/v1/jobs/")
    style = encrypted.get("/static/css/base.css")  # which gunicorn would send from the file itself without TLS
    assert style.content == encrypted.get("/static/css/base.css", headers={"Accept-Encoding": "identity"}).content
    assert len(style.content) > 5_000
    large = encrypted.post("/v1/jobs", files={"audio": b"x" * 27_000_000}, headers=who)
    assert large.json()["code"] == "too_large"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_page_over_http_leads_another_machine_to_https(settings, redis, certificate, method):
    app = create_app(settings.model_copy(update={"tls_certificate": certificate, "keys": True}))
    answer = app.test_client().open(
        "/homework?x=1", method=method, base_url="http://192.168.1.20:8000", environ_base={"REMOTE_ADDR": "192.168.1.7"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (308, "https://192.168.1.20:8000/homework?x=1")


@pytest.mark.parametrize("peer", ["192.168.1.7", "10.0.0.2", "fd00::7"])
def test_a_request_with_a_key_over_http_is_refused_to_other_machines_alone(settings, redis, certificate, peer):
    app = create_app(settings.model_copy(update={"tls_certificate": certificate, "keys": True}))
    key = Keys(redis).create("default", "learner", "Anna", Limits())[1]
    ask = {"data": {"text": "hi"}, "headers": {"Authorization": f"Bearer {key}"}}
    refused = app.test_client().post("/v1/jobs", **ask, environ_base={"REMOTE_ADDR": peer})
    assert (refused.status_code, refused.json["code"]) == (403, "https_needed")
    for allowed in ({"REMOTE_ADDR": "127.0.0.1"}, {"REMOTE_ADDR": peer, "wsgi.url_scheme": "https"}):
        assert app.test_client().post("/v1/jobs", **ask, environ_overrides=allowed).status_code == 202


def test_without_a_certificate_nobody_is_led_to_https(settings, redis):
    client = create_app(settings.model_copy(update={"keys": True})).test_client()
    assert client.get("/", environ_base={"REMOTE_ADDR": "192.168.1.7"}).status_code == 200


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_clients_that_begin_and_say_no_more_keep_nobody_waiting(plain, encrypted, beginning):
    with ExitStack() as stack:
        for _ in range(SILENT_CLIENTS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", plain.base_url.port)))
            client.sendall(beginning)
        for client in (encrypted, plain):
            assert client.get("/healthz").status_code == 200  # within the client's timeout


def test_a_renewed_certificate_is_used_from_the_next_connection_on_and_a_damaged_one_is_not(encrypted, certificate):
    before = trusting(certificate)
    address = ("127.0.0.1", encrypted.base_url.port)

    def shake_hands(context: ssl.SSLContext) -> bool:
        try:
            with (
                socket.create_connection(address) as connection,
                context.wrap_socket(connection, server_hostname="127.0.0.1"),
            ):
                return True
        except ssl.SSLCertVerificationError:
            return False

    assert shake_hands(before)
    write_certificate(certificate)
    after = trusting(certificate)
    assert (shake_hands(before), shake_hands(after)) == (False, True)
    certificate.write_text("damaged")
    assert shake_hands(after)


@pytest.mark.parametrize("content", ["damaged", ""])
def test_with_a_certificate_that_cannot_be_used_the_server_does_not_start(cluster, tmp_path, content):
    (tmp_path / "server.pem").write_text(content)
    process = cluster.add_api("api1", keys=True, tls_certificate=tmp_path / "server.pem")
    process.start()
    wait_for(lambda: not process.alive, seconds=60)
    assert "SSLError" in process.output()


def test_after_reading_has_stopped_nothing_is_sent_unencrypted(certificate):
    server, client = connect_pair(certificate)
    with server, client:
        stop_reading(server)
        server.sendall(b"the answer")
        assert client.recv(100) == b"the answer"  # it could not be decrypted if it were plain


def test_it_is_noticed_that_a_client_has_left_by_https(certificate):
    server, client = connect_pair(certificate)
    with server:
        assert not has_left(server)
        client.sendall(b"more of a request")
        assert not has_left(server)
        client.close()
        assert has_left(server)
