"""Which addresses webhooks may be sent to: public ones, and those of networks that the settings name."""

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # all allocated global unicast addresses of IPv6
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are the IPv4 destination
UNROUTABLE = [
    ipaddress.ip_network(text)
    for text in (
        "2001::/32",  # Teredo, 2002::/16 and 192.88.99.0/24 6to4: tunnels to IPv4 addresses that are not checked
        "2002::/16",
        "192.88.99.0/24",
        "3fff::/20",  # documentation
    )
]


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks that `text` names: CIDRs separated by commas. Raises ValueError."""
    return tuple(ipaddress.ip_network(each.strip()) for each in text.split(",") if each.strip())


def effective_address(address: Address) -> Address:
    """The address that packets to `address` reach: an IPv6 address can contain an IPv4 address."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address
    return address


def is_in_networks(address: Address, networks: Sequence[Network]) -> bool:
    """Whether one of the networks has the address."""
    return any(effective_address(address) in network for network in networks)


def is_public(address: Address) -> bool:
    """Whether the address is on the public internet."""
    destination = effective_address(address)
    if isinstance(destination, ipaddress.IPv6Address) and destination not in GLOBAL_UNICAST:
        return False
    return destination.is_global and not destination.is_multicast and not is_in_networks(destination, UNROUTABLE)
