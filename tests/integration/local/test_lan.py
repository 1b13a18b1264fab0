"""`waijiao up --lan` with a real gunicorn and Redis, without models: what it serves, says, and never sends."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.tls import trusting
from tests.support.wait import wait_for
from waijiao.local.up import free_port

RUN = """
import sys
from ipaddress import ip_address
from pathlib import Path
import httpx
from waijiao.local import lan, supervisor, up

addresses = [ip_address("127.0.0.1")]
lan.find_addresses = lambda version: addresses
lan.CHECK_S = 0.2
supervisor.worker_services = lambda *_: []
supervisor.is_ready = lambda url: up_and_answering(url)
up.check_models = lambda settings: None

def up_and_answering(url):
    try:
        return httpx.get(f"{url}/healthz", trust_env=False).is_success
    except httpx.TransportError:
        return False

real_watch = lan.Lan.keep_current
def watch(self, stream):
    if Path(sys.argv[1], "moved").exists():
        addresses[:] = [ip_address("127.0.0.2")]
    real_watch(self, stream)
lan.Lan.keep_current = watch
home, port = sys.argv[1:]
server = lan.set_up({"home": Path(home), "port": int(port), "keys": True, "redis_url": "", "api_processes": 1})
up.run_until_stopped(server.settings, {}, server)
"""
NETWORK_CALLS = "connect,sendto,sendmsg,sendmmsg"
FIND_OUT = """
import io, sys
from pathlib import Path
from waijiao.local import lan
server = lan.set_up({"home": Path(sys.argv[1]), "keys": True})
server.find_addresses()
lan.find_names()
lan.write_private(Path(sys.argv[1]) / "x.pem", lan.make_certificate(lan.find_names(), [], lan.datetime.now(lan.UTC)))
lan.draw_code("https://192.168.1.20:8000/", sys.stdout)
"""


@pytest.fixture
def running(tmp_path):
    """The server's HOME, its port, and what it has printed."""
    port, output = free_port(), tmp_path / "output"
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-c", RUN, str(tmp_path), str(port)], stdout=file, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            wait_for(lambda: "There is no key yet" in output.read_text() or process.poll() is not None, seconds=120)
            assert process.poll() is None, output.read_text()
            yield tmp_path, port, output
        finally:
            process.terminate()


def is_served(url: str, certificate: Path) -> bool:
    try:
        return httpx.get(f"{url}/healthz", verify=trusting(certificate), trust_env=False, timeout=30).is_success
    except httpx.ConnectError:
        return False


def test_https_and_the_machine_s_own_http_are_served_and_a_new_address_gets_a_new_certificate(running):
    home, port, output = running
    certificate = home / "tls" / "server.pem"
    assert is_served(f"https://127.0.0.1:{port}", certificate)
    assert httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).is_success
    said = output.read_text()
    for part in (f"https://127.0.0.1:{port}/", "█", "麦克风", "microphone", "waijiao key create"):
        assert part in said
    (home / "moved").touch()
    wait_for(lambda: f"https://127.0.0.2:{port}/" in output.read_text(), seconds=60)
    assert is_served(f"https://127.0.0.2:{port}", certificate)
    private_lines = [line for line in certificate.read_text().splitlines()[1:4] if len(line) > 20]
    for log in (home / "logs").iterdir():
        assert not [line for line in private_lines if line in log.read_text()]


def test_finding_the_addresses_and_making_a_certificate_asks_no_network(tmp_path):
    trace = tmp_path / "calls"
    strace = ["strace", "-f", "-qq", "-e", f"trace={NETWORK_CALLS}", "-o", str(trace)]
    subprocess.run([*strace, sys.executable, "-c", FIND_OUT, str(tmp_path)], check=True, timeout=120)
    assert re.findall(r".*AF_INET.*", trace.read_text()) == []
