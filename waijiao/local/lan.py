"""https for the phones of the local network, as `waijiao up --lan` has it: the certificate, and what to tell people."""

import io
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import segno

from pipeline.errors import ConfigurationError
from pipeline.ip_ranges import Address
from pipeline.private_files import make_private_folder
from pipeline.settings import Settings
from waijiao.local.certificate import (
    RENEWAL,
    Certificate,
    check_own,
    make_certificate,
    read_certificate,
    write_private,
)
from waijiao.local.console import report
from waijiao.local.network import find_addresses, find_names, is_reachable, parse_address

EVERY_IPV4, EVERY_ADDRESS = "0.0.0.0", "::"  # noqa: S104 - what WAIJIAO_HOST may be
CHECK_S = 60.0  # seconds between two checks of the addresses and the certificate
HTTPS_PORT = 443  # which addresses leave out
WHITE_ON_BLACK, RESET = "\033[97;40m", "\033[0m"  # a code in other colours is not read by every phone

NO_KEYS = (
    "--lan lets everybody in the network reach this server, so everybody needs a key. Start it with "
    "WAIJIAO_KEYS=true waijiao up --lan, then make keys with `waijiao key create`."
)
NO_NETWORK = (
    "This machine is in no network: it has no address that a phone could open. Connect it to the phones' network "
    "(the same Wi-Fi or router), or leave out --lan."
)
MICROPHONE = """\
Browsers give the microphone to a page only over https, or on the machine itself: phones need the https address.
手机浏览器只在 https 页面上允许使用麦克风，所以手机要打开 https 开头的地址。"""
WARNING = """\
The certificate was made on this machine, so each phone warns once before it opens the page, and again when the
address changes or after a year. Nothing has to be installed.
  iPhone, iPad: Show Details, visit this website. Android: Advanced, Proceed.
证书由本机生成，每部手机第一次打开时会警告一次（换了地址或一年后会再警告一次）；不需要安装任何东西。
  iPhone、iPad：显示详细信息 → 访问此网站。安卓：高级 → 继续前往。
Fingerprint of the certificate, to compare on a phone (证书指纹), SHA-256:
  {fingerprint}"""


class Lan:
    """The https of one server. `settings` have its certificate, which is one's own or made here when it is needed."""

    def __init__(self, settings: Settings, is_own: bool) -> None:
        self.settings = settings
        self.is_own = is_own
        self.checked_at = 0.0  # time.monotonic

    @property
    def file(self) -> Path:
        """The certificate's file; that of a certificate made here has its key too."""
        return self.settings.tls_certificate or generated_file(self.settings)

    def prepare(self) -> Certificate:
        """The certificate, which is usable now. Raises ConfigurationError."""
        addresses = self.find_addresses()
        if self.is_own:
            return check_own(self.file, self.settings.tls_key)
        if not addresses:
            raise ConfigurationError(NO_NETWORK)
        make_private_folder(self.settings.home)
        make_private_folder(self.file.parent)
        certificate = self.read_generated()
        return certificate if certificate and self.is_current(certificate, addresses) else self.make(addresses)

    def keep_current(self, stream: TextIO) -> None:
        """At most once in CHECK_S: make a new certificate before the old one ends, or for new addresses, and say so."""
        if time.monotonic() - self.checked_at < CHECK_S:
            return
        self.checked_at = time.monotonic()
        addresses = self.find_addresses()
        if self.is_own or not addresses:  # without a network there is nobody to serve
            return
        certificate = self.read_generated()
        if certificate is None or not self.is_current(certificate, addresses):
            try:
                certificate = self.make(addresses)
            except OSError as error:  # such as a full disk: the old one is used until this succeeds
                report(f"No new certificate can be written to {self.file} ({error.strerror}).", stream)
            else:
                report(f"There is a new certificate.\n{self.describe(certificate, stream)}", stream)

    def read_generated(self) -> Certificate | None:
        """The certificate that was made before; None if there is none that can be read."""
        try:
            return read_certificate(self.file.read_bytes())
        except (OSError, ValueError):
            return None

    def is_current(self, certificate: Certificate, addresses: Sequence[Address]) -> bool:
        return certificate.is_for(find_names(), addresses) and certificate.ends_at - datetime.now(UTC) > RENEWAL

    def make(self, addresses: Sequence[Address]) -> Certificate:
        data = make_certificate(find_names(), addresses, datetime.now(UTC))
        write_private(self.file, data)
        return read_certificate(data)

    def find_addresses(self) -> list[Address]:
        """The addresses at which phones reach the server, the likeliest first. Raises ConfigurationError."""
        host = self.settings.host
        if host in {EVERY_IPV4, EVERY_ADDRESS}:
            return find_addresses(4) + (find_addresses(6) if host == EVERY_ADDRESS else [])
        address = parse_address(host)
        if address is None or not is_reachable(address):
            raise ConfigurationError(
                f"--lan cannot listen on {host}: name an address of this machine in the local network with --host, or "
                f"all of them with --host {EVERY_IPV4}."
            )
        return [address]

    def find_urls(self, certificate: Certificate) -> list[str]:
        """The addresses to open: of one's own certificate those that it is for, else every one of this machine."""
        names = [name for name in certificate.names if "*" not in name] if self.is_own else []
        addresses = self.find_addresses()
        for address in addresses:
            if not self.is_own or address in certificate.addresses or not names:
                names.append(f"[{address}]" if address.version == 6 else str(address))
        port = "" if self.settings.port == HTTPS_PORT else f":{self.settings.port}"
        return [f"https://{name}{port}/" for name in names]

    def describe(self, certificate: Certificate, stream: TextIO) -> str:
        """What people have to know: the address with its QR code, why the microphone needs https, what phones ask."""
        url, *others = self.find_urls(certificate)
        lines = [f"Phones in the same network open (同一网络里的手机打开):  {url}", draw_code(url, stream)]
        lines += [f"Other addresses of this machine (其他地址):  {'  '.join(others)}"] if others else []
        lines += [MICROPHONE]
        if not self.is_own:
            lines += [WARNING.format(fingerprint=certificate.fingerprint)]
        elif certificate.ends_at - datetime.now(UTC) < RENEWAL:
            lines += [f"The certificate expires on {certificate.ends_at:%Y-%m-%d}: renew it in time."]
        return "\n".join(filter(None, lines))


def generated_file(settings: Settings) -> Path:
    """Where the certificate that is made here is kept, with its private key."""
    return settings.home / "tls" / "server.pem"


def set_up(options: Mapping[str, Any]) -> Lan:
    """The https of a server with these settings and those of the environment; where neither names a host, on every
    IPv4 address of this machine.

    Raises ConfigurationError when it needs no keys: everybody in the network could use it.
    """
    settings = Settings(**options)
    if not settings.keys:
        raise ConfigurationError(NO_KEYS)
    is_own = settings.tls_certificate is not None
    defaults: dict[str, Any] = {} if "host" in settings.model_fields_set else {"host": EVERY_IPV4}
    if not is_own:
        defaults["tls_certificate"] = generated_file(settings)
    return Lan(Settings(**options, **defaults), is_own)


def draw_code(text: str, stream: TextIO) -> str:
    """The text as a QR code of block characters; "" where the stream's encoding has none."""
    drawing = io.StringIO()
    segno.make(text, error="m", micro=False).terminal(drawing, border=2, compact=True)
    lines = drawing.getvalue().splitlines()
    try:
        drawing.getvalue().encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return ""
    return "\n".join(f"{WHITE_ON_BLACK}{line}{RESET}" if stream.isatty() else line for line in lines)
