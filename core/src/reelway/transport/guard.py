"""Which addresses may be connected to, and which links may be followed.

A provider names the place of a result, so a provider could name a place of ours: the router, a database, the
service that hands out the credentials of a cloud machine. Two questions are answered here, with no I/O:

* `split_link` judges the text of a link before it is requested.
* `check_address` judges the address that a host name led to, at the moment of connecting. A name may lead
  elsewhere a moment later, so an earlier answer is worth nothing.

The tables are our own: the predicates of `ipaddress` differ between Python releases and do not look into all
forms that carry an IPv4 address.

Rules for whoever edits the tables:

* An address belongs to the narrowest block that holds it; the order of the rows means nothing.
* What answers with credentials stands in `CLOSED`, never in `PRIVATE`.
* IPv6 is open in 2000::/3 only. The three widest rows of `CLOSED` are all the rest.

Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries, the IANA IPv6 Address Space registry, and
the documents named in the rows.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

import msgspec

NOT_AN_ADDRESS: Final = "not an IP address"


class AddressRefused(Exception):
    """The address is not one that we connect to; nothing was sent to it.

    Attributes:
        address: The address as it was given to `check_address`.
        reason: The name of the block that the address belongs to, or `NOT_AN_ADDRESS`.
    """

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address, reason)
        self.address = address
        self.reason = reason

    def __str__(self) -> str:
        return f"no connection is made to {self.address!r}: {self.reason}"


class LinkRefused(ValueError):
    """The link is not one that we request. The message says what is wrong and never quotes the link."""


class Block(msgspec.Struct, frozen=True):
    """A range of addresses with a meaning of its own."""

    network: IPv4Network | IPv6Network
    name: str
    source: str


def _block(network: str, name: str, source: str) -> Block:
    return Block(ip_network(network), name, source)


PRIVATE: Final = (
    _block("10.0.0.0/8", "private network", "RFC 1918"),
    _block("127.0.0.0/8", "loopback", "RFC 1122, 3.2.1.3"),
    _block("172.16.0.0/12", "private network", "RFC 1918"),
    _block("192.168.0.0/16", "private network", "RFC 1918"),
    _block("::1/128", "loopback", "RFC 4291, 2.5.3"),
    _block("fc00::/7", "unique local", "RFC 4193"),
)
"""Blocks that are open to a caller who asks for them with `allow_private`."""

CLOSED: Final = (
    _block("0.0.0.0/8", "this network", "RFC 791, 3.2"),
    _block("100.64.0.0/10", "shared address space", "RFC 6598"),
    _block("168.63.129.16/32", "Azure platform", "Microsoft Learn: What is IP address 168.63.129.16"),
    _block("169.254.0.0/16", "link-local", "RFC 3927"),
    _block("192.0.0.0/24", "IETF protocol assignments", "RFC 6890, 2.1"),
    _block("192.0.2.0/24", "documentation", "RFC 5737"),
    _block("192.31.196.0/24", "AS112", "RFC 7535"),
    _block("192.52.193.0/24", "automatic multicast tunneling", "RFC 7450"),
    _block("192.88.99.0/24", "6to4 relay", "RFC 7526"),
    _block("192.175.48.0/24", "AS112", "RFC 7534"),
    _block("198.18.0.0/15", "benchmarking", "RFC 2544"),
    _block("198.51.100.0/24", "documentation", "RFC 5737"),
    _block("203.0.113.0/24", "documentation", "RFC 5737"),
    _block("224.0.0.0/4", "multicast", "RFC 5771"),
    _block("240.0.0.0/4", "reserved", "RFC 1112, 4"),
    _block("255.255.255.255/32", "broadcast", "RFC 8190"),
    _block("::/3", "not global unicast", "IANA IPv6 Address Space"),
    _block("::/96", "IPv4-compatible", "RFC 4291, 2.5.5.1"),
    _block("::/128", "unspecified", "RFC 4291, 2.5.2"),
    _block("::ffff:0:0:0/96", "IPv4-translated", "RFC 2765, 2.1"),
    _block("64:ff9b:1::/48", "local-use NAT64", "RFC 8215"),
    _block("100::/64", "discard-only", "RFC 6666"),
    _block("100:0:0:1::/64", "dummy prefix", "RFC 9780"),
    _block("2001::/23", "IETF protocol assignments", "RFC 2928"),
    _block("2001::/32", "Teredo", "RFC 4380"),
    _block("2001:db8::/32", "documentation", "RFC 3849"),
    _block("2002::/16", "6to4", "RFC 3056"),
    _block("2620:4f:8000::/48", "AS112", "RFC 7534"),
    _block("3fff::/20", "documentation", "RFC 9637"),
    _block("4000::/2", "not global unicast", "IANA IPv6 Address Space"),
    _block("5f00::/16", "segment routing", "RFC 9602"),
    _block("8000::/1", "not global unicast", "IANA IPv6 Address Space"),
    _block("fd00:42::42/128", "Scaleway metadata", "cloud-init: Scaleway"),
    _block("fd00:100::100:200/128", "Alibaba Cloud metadata", "cloud-init: Alibaba Cloud"),
    _block("fd00:a9fe:a9fe::1/128", "Akamai metadata", "cloud-init: Akamai"),
    _block("fd00:c1::a9fe:a9fe/128", "Oracle Cloud metadata", "OCI SDK for Python"),
    _block("fd00:ec2::/32", "Amazon EC2 services", "EC2 User Guide: Access instance metadata"),
    _block("fd20:ce::254/128", "Google Cloud metadata", "Compute Engine: Query VM metadata"),
    _block("fe80::/10", "link-local", "RFC 4291, 2.5.6"),
    _block("fec0::/10", "site-local", "RFC 3879"),
    _block("ff00::/8", "multicast", "RFC 4291, 2.7"),
)
"""Blocks that nobody opens. Some of them are globally reachable, but no file is served there."""

CARRIERS: Final = (
    _block("::ffff:0:0/96", "IPv4-mapped", "RFC 4291, 2.5.5.2"),
    _block("64:ff9b::/96", "NAT64", "RFC 6052"),
)
"""Blocks whose addresses lead to the IPv4 address in their last 32 bits, and are judged by it.

Other carriers are in `CLOSED`: 6to4 and Teredo are out of use, and in the local-use NAT64 block the place of
the IPv4 address depends on the network.
"""

_NARROWEST_FIRST: Final = sorted(PRIVATE + CLOSED, key=lambda block: block.network.prefixlen, reverse=True)


def check_address(address: str, *, allow_private: bool = False) -> None:
    """Refuse an address that leads anywhere but the public internet.

    This is for addresses that a resolver returned. Spellings that only a resolver understands (``0x7f.1``,
    ``017700000001``, ``2130706433``) are not interpreted but refused like any other text. A zone
    (``fe80::1%eth0``) does not change what an address is.

    Args:
        address: An IPv4 or IPv6 address as text.
        allow_private: Let loopback, private and unique local addresses pass, for a sandbox or a closed
            network. Link-local addresses and those of cloud metadata services stay refused.

    Raises:
        AddressRefused: The address is in one of the blocks, or is no address.
    """
    block = _block_of(_destination(_parse(address)))
    if block is None or (allow_private and block in PRIVATE):
        return
    raise AddressRefused(address, block.name)


def _parse(address: str) -> IPv4Address | IPv6Address:
    with suppress(ValueError):
        return ip_address(address)
    raise AddressRefused(address, NOT_AN_ADDRESS)


def _destination(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if any(address in carrier.network for carrier in CARRIERS):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _block_of(address: IPv4Address | IPv6Address) -> Block | None:
    return next((block for block in _NARROWEST_FIRST if address in block.network), None)


# Backslashes, and what urlsplit silently removes, make two readers of one link see two hosts. Lone surrogates
# cannot be sent.
_FORBIDDEN_CHARACTERS: Final = re.compile(r"[\s\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")

# The host excludes the forbidden domain code points of the WHATWG URL Standard.
_HOST_AND_PORT: Final = re.compile(r"(?:\[[0-9A-Za-z:.%_~-]+\]|[^\[\]:<>^|%]+)(?::.*)?")


def _has_bad_port(link: SplitResult) -> bool:
    try:
        return link.port == 0
    except ValueError:
        return True


_FAULTS: Final[tuple[tuple[Callable[[SplitResult], bool], str], ...]] = (
    (lambda link: link.scheme not in {"http", "https"}, "the link does not begin with http:// or https://"),
    (lambda link: "@" in link.netloc, "the link carries a user name or a password"),
    (lambda link: not _HOST_AND_PORT.fullmatch(link.netloc), "the link has no readable host"),
    (_has_bad_port, "the port of the link is not a number from 1 to 65535"),
)


def split_link(url: str) -> SplitResult:
    """Take a link apart if we would request it: absolute, http or https, and the same to every reader.

    The host is not judged, whatever it spells: ``http://0x7f.1/`` passes here, and `check_address` refuses
    what it resolves to.

    Args:
        url: The link as the provider wrote it. It is a secret, and so is the result.

    Raises:
        LinkRefused: The link has a fault, which the message names.
    """
    if _FORBIDDEN_CHARACTERS.search(url):
        raise LinkRefused("the link contains a blank, a backslash or a control character")
    link = _split(url)
    for is_present, fault in _FAULTS:
        if is_present(link):
            raise LinkRefused(fault)
    return link


def _split(url: str) -> SplitResult:
    # Raised outside of a handler: the ValueError quotes the link, and would go along as the context.
    with suppress(ValueError):
        return urlsplit(url)
    raise LinkRefused("the link is not a URL")
