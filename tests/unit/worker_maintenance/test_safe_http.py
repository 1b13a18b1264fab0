"""Deliveries reach only public addresses and those of allowed networks, even if a name changes its address."""

import socket
import ssl
import subprocess
import time
from pathlib import Path

import httpcore
import pytest

from pipeline.ip_ranges import parse_networks
from tests.support.webhook_receiver import Receiver, run_receiver
from worker_maintenance.safe_http import MAX_RESPONSE_BYTES, AddressRefused, SafeClient

PUBLIC = "93.184.215.14"
LOOPBACK = parse_networks("127.0.0.0/8")
FORBIDDEN = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "192.88.99.1",
    "2130706433",
    "0177.0.0.1",
    "0x7f.1",
    "127.1",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[2001:db8::1]",
    "localhost",
]


def client(allowed_networks=(), timeout_s: float = 5, ssl_context: ssl.SSLContext | None = None) -> SafeClient:
    return SafeClient(allowed_networks, timeout_s, ssl_context or httpcore.default_ssl_context())


def post(url: str, of: SafeClient | None = None) -> int:
    return (of or client()).post(url, {}, b"{}").status


class Resolver:
    """Answers one list of addresses after the other, the last one for ever, for every name; a socket's own for none."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = [*answers], 0
        self.real = socket.getaddrinfo

    def __call__(self, host, port, *args, **kwargs):
        if host[0].isdigit():
            return self.real(host, port, *args, **kwargs)
        given = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in given]


@pytest.fixture
def connected_addresses(monkeypatch):
    """The addresses of attempted connections, none of which is really opened."""
    seen = []

    def refuse(address, *_, **__):
        seen.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    return seen


@pytest.mark.parametrize("host", FORBIDDEN)
def test_no_form_of_a_private_address_is_connected_to(host, connected_addresses):
    with pytest.raises(AddressRefused):
        post(f"https://{host}/")
    assert connected_addresses == []


def test_a_public_address_is_connected_to(connected_addresses):
    with pytest.raises(httpcore.ConnectError):
        post(f"https://{PUBLIC}/")
    assert connected_addresses == [PUBLIC]


def test_a_name_is_resolved_once_and_the_checked_address_used(monkeypatch, connected_addresses):
    rebinding = Resolver([PUBLIC], ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with pytest.raises(httpcore.ConnectError):
        post("https://rebinding.test/")
    assert (rebinding.asked, connected_addresses) == (1, [PUBLIC])
    with pytest.raises(AddressRefused):
        post("https://rebinding.test/")
    assert connected_addresses == [PUBLIC]


def test_one_forbidden_address_among_public_ones_is_enough_to_refuse(monkeypatch, connected_addresses):
    monkeypatch.setattr(socket, "getaddrinfo", Resolver([PUBLIC, "127.0.0.1"]))
    with pytest.raises(AddressRefused):
        post("https://both.test/")
    assert connected_addresses == []


def test_a_name_that_does_not_resolve_or_cannot_be_one_is_refused(monkeypatch):
    with pytest.raises(AddressRefused, match="does not resolve"):
        post(f"https://{'a' * 64}.test/")
    monkeypatch.setattr(socket, "getaddrinfo", Resolver([]))
    with pytest.raises(AddressRefused, match="does not resolve"):
        post("https://nobody.test/")


def test_only_an_allowed_network_may_be_used_without_tls(connected_addresses):
    school = parse_networks("10.20.0.0/16, fd00::/8")
    for allowed in ("http://10.20.0.1/", "https://10.20.0.1/", "http://[fd00::1]/", "http://[::ffff:10.20.0.1]/"):
        with pytest.raises(httpcore.ConnectError):
            post(allowed, client(school))
    assert len(connected_addresses) == 4
    for refused in ("http://10.21.0.1/", f"http://{PUBLIC}/", "http://127.0.0.1/"):
        with pytest.raises(AddressRefused):
            post(refused, client(school))


def test_no_redirect_is_followed():
    with run_receiver() as receiver, run_receiver() as other:
        receiver.answers = [(302, {"Location": other.url})]
        assert post(receiver.url, client(LOOPBACK)) == 302
        assert other.requests == []


def test_no_proxy_of_the_environment_is_used(monkeypatch):
    with run_receiver() as receiver, run_receiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert post(receiver.url, client(LOOPBACK)) == 204
        assert proxy.requests == []


def test_an_attempt_ends_in_time_whatever_the_receiver_does(monkeypatch):
    with run_receiver() as receiver:
        receiver.hangs.set()
        assert check_timeout(receiver.port)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connected to, and nothing more
        assert check_timeout(silent.getsockname()[1])


def test_a_receiver_that_answers_drop_by_drop_is_not_waited_for():
    with run_receiver(kind=DrippingReceiver) as dripping:
        assert check_timeout(dripping.port)


def check_timeout(port: int) -> bool:
    start_time = time.monotonic()
    with pytest.raises(httpcore.TimeoutException):
        post(f"http://127.0.0.1:{port}/", client(LOOPBACK, timeout_s=0.5))
    return time.monotonic() - start_time < 3


class DrippingReceiver(Receiver):
    """Sends its headers one after the other and never comes to an end."""

    def answer(self, to):
        to.send_response(200)
        to.flush_headers()
        while not self.closing.wait(0.05):
            try:
                to.wfile.write(b"x-drop: 1\r\n")
            except OSError:
                return


class EndlessReceiver(Receiver):
    """Sends status 200 and an endless body."""

    sent = 0

    def answer(self, to):
        to.send_response(200)
        to.end_headers()
        while not self.closing.is_set():
            try:
                self.sent += to.wfile.write(b"x" * 10_000)
            except OSError:
                return


def test_little_of_an_endless_answer_is_read():
    with run_receiver(kind=EndlessReceiver) as endless:
        assert post(f"http://127.0.0.1:{endless.port}/", client(LOOPBACK, timeout_s=20)) == 200
        assert endless.sent < 100 * MAX_RESPONSE_BYTES


def make_certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side and a client's, with a certificate of its own for `name`."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=test"]
    subprocess.run([*command, "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=str(certificate))


def test_the_certificate_must_match_the_name(tmp_path, monkeypatch):
    server, trusts = make_certificate(tmp_path, "school.test")
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["127.0.0.1"]))
    with run_receiver(server) as receiver:
        assert post(f"https://school.test:{receiver.port}/", client(LOOPBACK, ssl_context=trusts)) == 204
        with pytest.raises(httpcore.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            post(f"https://other.test:{receiver.port}/", client(LOOPBACK, ssl_context=trusts))
        with pytest.raises(httpcore.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            post(f"https://school.test:{receiver.port}/", client(LOOPBACK))
    assert [each.headers["host"] for each in receiver.requests] == [f"school.test:{receiver.port}"]
