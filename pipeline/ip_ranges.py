"""Which addresses strangers may make this server send to: public ones, and those of networks that are named."""

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNICAST = ipaddress.ip_network("2000::/3")  # all that was ever given out of IPv6
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 address that is meant
UNROUTABLE = [
    ipaddress.ip_network(text)
    for text in (
        "2001::/32",  # Teredo, 2002::/16 and 192.88.99.0/24 6to4: tunnels to an IPv4 address that nobody checks
        "2002::/16",
        "192.88.99.0/24",
        "3fff::/20",  # documentation
    )
]


def networks(text: str) -> tuple[Network, ...]:
    """The networks that `text` names: CIDRs with commas between them. ValueError when one is none."""
    return tuple(ipaddress.ip_network(each.strip()) for each in text.split(",") if each.strip())


def effective_address(address: Address) -> Address:
    """Where packets to `address` end: IPv6 can hold an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address
    return address


def within(address: Address, named: Sequence[Network]) -> bool:
    """Whether one of the networks has the address."""
    return any(effective_address(address) in network for network in named)


def is_public(address: Address) -> bool:
    """Whether the address is somebody's on the public internet."""
    end = effective_address(address)
    given_out = end in UNICAST if isinstance(end, ipaddress.IPv6Address) else True
    return given_out and end.is_global and not end.is_multicast and not within(end, UNROUTABLE)
