"""The addresses of this machine at which others in the local network reach it. Nothing is sent to find them."""

import ipaddress
import re
import socket
from pathlib import Path

import psutil

from pipeline.ip_ranges import Address

ROUTES = Path("/proc/net/route")
INSIDE = re.compile(r"(docker|veth|br-|virbr|cni|flannel|podman|lxc|lxd)")  # networks within this machine
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def find_addresses(version: int = 4) -> list[Address]:
    """The addresses of the interfaces that are up, those first at which phones probably reach this machine.

    That is the interface with the default route, then others, last the addresses that a machine gives itself where no
    router does. Not among them: loopback, networks within this machine such as Docker's, IPv6 link-local addresses,
    which no browser can open.
    """
    states = psutil.net_if_stats()
    default = find_default_interface()
    candidates = []
    for name, entries in psutil.net_if_addrs().items():
        if INSIDE.match(name) or not (name in states and states[name].isup):
            continue
        for entry in entries:
            address = parse_address(entry.address) if entry.family in {socket.AF_INET, socket.AF_INET6} else None
            if address and address.version == version and is_reachable(address):
                candidates.append((address.is_link_local, name != default, int(address), address))
    return [address for *_, address in sorted(candidates)]


def parse_address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def is_reachable(address: Address) -> bool:
    """Whether a browser of another machine can open the address at all."""
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return False
    return address.version == 4 or not address.is_link_local


def find_default_interface(routes: Path = ROUTES) -> str:
    """The name of the interface behind which the router is; "" where there is none."""
    try:
        rows = [line.split() for line in routes.read_text(encoding="ascii").splitlines()[1:]]
    except OSError:
        return ""
    by_metric = sorted((int(row[6]), row[0]) for row in rows if len(row) > 7 and row[1] == row[7] == "00000000")
    return by_metric[0][1] if by_metric else ""


def find_names() -> list[str]:
    """localhost, and the name of this machine in the local network (mDNS) where its name has that form."""
    name = socket.gethostname().partition(".")[0].lower()
    return ["localhost", *([f"{name}.local"] if HOST_NAME.fullmatch(name) else [])]
