"""nginx with the configuration that docs/operations.md shows, in front of a server on loopback."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.process import Process
from tests.support.wait import wait_for
from waijiao.local.up import free_port

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```nginx\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")  # folders that nginx makes, else below /var
MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
{temporary_folders}
{server}
}}
"""


@contextmanager
def run_nginx(folder: Path, upstream: str) -> Iterator[tuple[str, Path]]:
    """The proxy's address and certificate. `folder` is for its files; `upstream` is the server's host:port."""
    certificate, port = make_certificate(folder), free_port()
    server = BLOCK.search((ROOT / "docs" / "operations.md").read_text(encoding="utf-8"))[1]
    server = server.replace("listen 443", f"listen 127.0.0.1:{port}").replace("127.0.0.1:8000", upstream)
    server = server.replace("/etc/ssl/waijiao", str(folder)).replace("waijiao.example", "localhost")
    temporary_folders = "\n".join(f"{name}_temp_path {folder}/{name};" for name in FILES)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, temporary_folders=temporary_folders, server=server))
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert program, "nginx is needed: apt-get install nginx-light"
    nginx = Process("nginx", [program, "-p", str(folder), "-c", f"{folder}/nginx.conf"], {}, folder / "nginx.log")
    nginx.start()
    try:
        wait_for(lambda: nginx.alive and is_listening(folder), seconds=30)
        yield f"https://localhost:{port}", certificate
    finally:
        nginx.stop()
        nginx.wait_for_exit(15)


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
