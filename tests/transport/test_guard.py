"""Nothing but the public internet is connected to, and no link is read in two ways."""

import copy
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_network
from urllib.parse import SplitResult

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reelway.transport.guard import (
    CARRIERS,
    CLOSED,
    NOT_AN_ADDRESS,
    PRIVATE,
    AddressRefused,
    LinkRefused,
    check_address,
    split_link,
)

# One row for each block: where it lies, its name, and the addresses before and after it if they are public.
BLOCKS = [
    ("0.0.0.0/8", "this network", None, "1.0.0.0"),
    ("10.0.0.0/8", "private network", "9.255.255.255", "11.0.0.0"),
    ("100.64.0.0/10", "shared address space", "100.63.255.255", "100.128.0.0"),
    ("127.0.0.0/8", "loopback", "126.255.255.255", "128.0.0.0"),
    ("168.63.129.16/32", "Azure platform", "168.63.129.15", "168.63.129.17"),
    ("169.254.0.0/16", "link-local", "169.253.255.255", "169.255.0.0"),
    ("172.16.0.0/12", "private network", "172.15.255.255", "172.32.0.0"),
    ("192.0.0.0/24", "IETF protocol assignments", "191.255.255.255", "192.0.1.0"),
    ("192.0.2.0/24", "documentation", "192.0.1.255", "192.0.3.0"),
    ("192.31.196.0/24", "AS112", "192.31.195.255", "192.31.197.0"),
    ("192.52.193.0/24", "automatic multicast tunneling", "192.52.192.255", "192.52.194.0"),
    ("192.88.99.0/24", "6to4 relay", "192.88.98.255", "192.88.100.0"),
    ("192.168.0.0/16", "private network", "192.167.255.255", "192.169.0.0"),
    ("192.175.48.0/24", "AS112", "192.175.47.255", "192.175.49.0"),
    ("198.18.0.0/15", "benchmarking", "198.17.255.255", "198.20.0.0"),
    ("198.51.100.0/24", "documentation", "198.51.99.255", "198.51.101.0"),
    ("203.0.113.0/24", "documentation", "203.0.112.255", "203.0.114.0"),
    ("224.0.0.0/4", "multicast", "223.255.255.255", None),
    ("240.0.0.0/4", "reserved", None, None),
    ("255.255.255.255/32", "broadcast", None, None),
    ("::/3", "not global unicast", None, "2000::"),
    ("::/96", "IPv4-compatible", None, None),
    ("::/128", "unspecified", None, None),
    ("::1/128", "loopback", None, None),
    ("::ffff:0:0:0/96", "IPv4-translated", None, None),
    ("64:ff9b:1::/48", "local-use NAT64", None, None),
    ("100::/64", "discard-only", None, None),
    ("100:0:0:1::/64", "dummy prefix", None, None),
    ("2001::/23", "IETF protocol assignments", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"),
    ("2001::/32", "Teredo", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
    ("2001:db8::/32", "documentation", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"),
    ("2002::/16", "6to4", "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"),
    ("2620:4f:8000::/48", "AS112", "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::"),
    ("3fff::/20", "documentation", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"),
    ("4000::/2", "not global unicast", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
    ("5f00::/16", "segment routing", None, None),
    ("8000::/1", "not global unicast", None, None),
    ("fc00::/7", "unique local", None, None),
    ("fd00:42::42/128", "Scaleway metadata", None, None),
    ("fd00:100::100:200/128", "Alibaba Cloud metadata", None, None),
    ("fd00:a9fe:a9fe::1/128", "Akamai metadata", None, None),
    ("fd00:c1::a9fe:a9fe/128", "Oracle Cloud metadata", None, None),
    ("fd00:ec2::/32", "Amazon EC2 services", None, None),
    ("fd20:ce::254/128", "Google Cloud metadata", None, None),
    ("fe80::/10", "link-local", None, None),
    ("fec0::/10", "site-local", None, None),
    ("ff00::/8", "multicast", None, None),
]
NETWORKS = [ip_network(network) for network, *_ in BLOCKS]
NAMES = {name for _, name, _, _ in BLOCKS}

# The ends of a wide block that a narrower one takes away.
TAKEN = {
    ("::/3", "::"): "unspecified",
    ("::/96", "::"): "unspecified",
    ("240.0.0.0/4", "255.255.255.255"): "broadcast",
    ("2001::/23", "2001::"): "Teredo",
    ("8000::/1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"): "multicast",
}

METADATA = [
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "192.0.0.192",
    "fd00:100::100:200",
    "fd00:42::42",
    "fd00:a9fe:a9fe::1",
    "fd00:c1::a9fe:a9fe",
    "fd00:ec2::23",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::a9fe:a9fe",
]

SECRET = "k3y-0f-the-link"


def refusal(address: object, *, allow_private: bool = False) -> str | None:
    """Return the reason why an address is refused, or None."""
    try:
        check_address(str(address), allow_private=allow_private)
    except AddressRefused as refused:
        return refused.reason
    return None


def public_neighbour(address: IPv4Address | IPv6Address, step: int) -> str | None:
    """Return the next address, or None if there is none or it is refused."""
    with suppress(AddressValueError):
        neighbour = address + step
        return str(neighbour) if refusal(neighbour) is None else None
    return None


def disguises(address: IPv4Address) -> Iterator[IPv6Address]:
    """Give every IPv6 form that says which IPv4 address it stands for."""
    low = int(address)
    for prefix in ("::ffff:0:0", "64:ff9b::", "64:ff9b:1::", "::", "::ffff:0:0:0"):
        yield IPv6Address(int(IPv6Address(prefix)) | low)
    yield IPv6Address(int(IPv6Address("2002::")) | low << 80)
    yield IPv6Address(int(IPv6Address("2001::")) | low ^ 0xFFFF_FFFF)


def is_carrier(address: IPv4Address | IPv6Address) -> bool:
    return any(address in carrier.network for carrier in CARRIERS)


def addresses_in(network: str) -> st.SearchStrategy[IPv4Address | IPv6Address]:
    return st.ip_addresses(network=network)


special_ipv4 = st.sampled_from([cidr for cidr, *_ in BLOCKS if "." in cidr]).flatmap(addresses_in)
special_ipv6 = st.sampled_from([cidr for cidr, *_ in BLOCKS if ":" in cidr]).flatmap(addresses_in)
global_unicast = addresses_in("2000::/3")
any_address = st.one_of(st.ip_addresses(), special_ipv4, special_ipv6, global_unicast)


@pytest.mark.parametrize(("network", "name"), [(network, name) for network, name, _, _ in BLOCKS])
def test_both_ends_of_a_block_are_refused_with_its_name(network: str, name: str) -> None:
    block = ip_network(network)
    for end in (block.network_address, block.broadcast_address):
        assert refusal(end) == TAKEN.get((network, str(end)), name)


@pytest.mark.parametrize(
    ("network", "before", "after"), [(network, before, after) for network, _, before, after in BLOCKS]
)
def test_a_block_closes_no_public_neighbour(network: str, before: str | None, after: str | None) -> None:
    block = ip_network(network)
    assert public_neighbour(block.network_address, -1) == before
    assert public_neighbour(block.broadcast_address, +1) == after


def test_every_row_of_the_tables_is_tested() -> None:
    rows = {(str(block.network), block.name) for block in PRIVATE + CLOSED}
    assert rows == {(network, name) for network, name, _, _ in BLOCKS}
    assert len(BLOCKS) == len(PRIVATE + CLOSED)


def test_every_row_names_its_source() -> None:
    assert all(block.source for block in PRIVATE + CLOSED + CARRIERS)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "2a00:1450:4001:80b::200e"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert refusal(address) is None


@given(any_address)
def test_an_address_is_refused_with_a_reason_or_global_by_the_table(
    address: IPv4Address | IPv6Address,
) -> None:
    reason = refusal(address)
    assert reason is None or reason in NAMES
    assert is_carrier(address) or (reason is not None) == any(address in block for block in NETWORKS)


@given(st.one_of(st.ip_addresses(v=4), special_ipv4, global_unicast))
def test_nothing_is_allowed_that_the_standard_library_calls_private(
    address: IPv4Address | IPv6Address,
) -> None:
    assert refusal(address) is not None or not address.is_private


@given(st.ip_addresses(v=6))
def test_outside_of_global_unicast_only_carriers_are_allowed(address: IPv6Address) -> None:
    assert address in ip_network("2000::/3") or is_carrier(address) or refusal(address) is not None


@given(special_ipv4)
def test_a_refused_ipv4_address_is_refused_in_every_disguise(address: IPv4Address) -> None:
    assert all(refusal(disguise) is not None for disguise in disguises(address))


@given(st.ip_addresses(v=4))
def test_mapped_and_nat64_addresses_are_judged_as_what_they_carry(address: IPv4Address) -> None:
    mapped, translated, *_ = disguises(address)
    for allow_private in (False, True):
        expected = refusal(address, allow_private=allow_private)
        assert refusal(mapped, allow_private=allow_private) == expected
        assert refusal(translated, allow_private=allow_private) == expected


@given(st.ip_addresses(v=4))
def test_6to4_and_local_nat64_are_refused_whatever_they_carry(address: IPv4Address) -> None:
    _, _, local_nat64, _, _, relayed, _ = disguises(address)
    assert refusal(local_nat64, allow_private=True) == "local-use NAT64"
    assert refusal(relayed, allow_private=True) == "6to4"


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "fd12:3456::1", "::ffff:127.0.0.1"],
)
def test_private_addresses_are_allowed_on_request(address: str) -> None:
    assert refusal(address) is not None
    assert refusal(address, allow_private=True) is None


@pytest.mark.parametrize("address", METADATA)
def test_metadata_addresses_are_refused_also_on_request(address: str) -> None:
    assert refusal(address, allow_private=True) is not None


@given(st.sampled_from(["169.254.0.0/16", "fe80::/10", "fd00:ec2::/32"]).flatmap(addresses_in))
@example(IPv4Address("169.254.169.254"))
def test_blocks_of_metadata_services_never_open(address: IPv4Address | IPv6Address) -> None:
    forms = [address, *(disguises(address) if isinstance(address, IPv4Address) else ())]
    assert all(refusal(form, allow_private=True) is not None for form in forms)


@given(any_address)
def test_on_request_only_loopback_private_and_unique_local_are_added(
    address: IPv4Address | IPv6Address,
) -> None:
    before = refusal(address)
    after = refusal(address, allow_private=True)
    assert after == before or (after is None and before in {"loopback", "private network", "unique local"})


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("fe80::1%eth0", "link-local"),
        ("fe80::a9fe:a9fe%1", "link-local"),
        ("::1%lo", "loopback"),
        ("::ffff:10.0.0.1%eth0", "private network"),
        ("2606:4700::1111%eth0", None),
    ],
)
def test_a_zone_does_not_change_what_an_address_is(address: str, reason: str | None) -> None:
    assert refusal(address) == reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "0x7f.1",
        "017700000001",
        "2130706433",
        "127.1",
        "010.0.0.1",
        " 127.0.0.1",
        "127.0.0.1%lo",
        "fe80::1%",
        "[::1]",
        "1.1.1.1/32",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert refusal(text, allow_private=True) == NOT_AN_ADDRESS


@given(st.text())
def test_any_text_is_allowed_or_refused(text: str) -> None:
    assert refusal(text) is None or refusal(text) in NAMES | {NOT_AN_ADDRESS}


def test_a_refusal_of_what_is_no_address_quotes_it() -> None:
    with pytest.raises(AddressRefused, match=r"'localhost': not an IP address$") as caught:
        check_address("localhost")
    assert caught.value.address == "localhost"


def test_a_refusal_says_which_address_and_why() -> None:
    with pytest.raises(AddressRefused, match=r"'::ffff:10\.0\.0\.1': private network") as caught:
        check_address("::ffff:10.0.0.1")
    assert caught.value.address == "::ffff:10.0.0.1"
    assert caught.value.reason == "private network"


def test_a_copied_refusal_says_the_same() -> None:
    refused = AddressRefused("10.0.0.1", "private network")
    assert vars(copy.copy(refused)) == vars(refused)
    assert str(copy.copy(refused)) == str(refused)
    assert repr(copy.copy(refused)) == "AddressRefused('10.0.0.1', 'private network')"


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://cdn.example.com/v.mp4", "cdn.example.com", None),
        ("HTTPS://CDN.example.com/v.mp4", "cdn.example.com", None),
        ("http://cdn.example.com:8080/v.mp4?sig=a%2Fb&x=1#t", "cdn.example.com", 8080),
        ("https://cdn.example.com", "cdn.example.com", None),
        ("https://cdn.example.com:/v.mp4", "cdn.example.com", None),
        ("https://cdn.example.com.:65535/", "cdn.example.com.", 65535),
        ("https://[2606:4700::1111]:443/v.mp4", "2606:4700::1111", 443),
        ("https://[fe80::1%25eth0]/v.mp4", "fe80::1%25eth0", None),
        ("https://b\u00fccher.example/f\u00fcr.mp4", "b\u00fccher.example", None),
        ("http://0x7f.1/v.mp4", "0x7f.1", None),
        ("http://2130706433/v.mp4", "2130706433", None),
        ("https://cdn.example.com/a@b:c", "cdn.example.com", None),
    ],
)
def test_absolute_web_links_are_taken_apart(url: str, host: str, port: int | None) -> None:
    link = split_link(url)
    assert (link.hostname, link.port) == (host, port)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", "http://"),
        ("v.mp4", "http://"),
        ("/v.mp4", "http://"),
        ("//cdn.example.com/v.mp4", "http://"),
        ("ftp://cdn.example.com/v.mp4", "http://"),
        ("file:///etc/passwd", "http://"),
        ("data:video/mp4;base64,AAAA", "http://"),
        ("javascript:alert(1)", "http://"),
        ("https:", "host"),
        ("https:cdn.example.com/v.mp4", "host"),
        ("https:///v.mp4", "host"),
        ("https://:443/v.mp4", "host"),
        ("https://?host", "host"),
        ("https://a%2eb/", "host"),
        ("https://a|b/", "host"),
        ("https://[]/", "host|URL"),
        ("https://[::1]evil.example/", "host|URL"),
        ("https://evil[::1]/", "host|URL"),
        ("https://[::1/", "not a URL"),
        ("https://evil\u2100.example/", "not a URL"),
        ("https://user@cdn.example.com/", "user name"),
        ("https://user:word@cdn.example.com/", "user name"),
        ("https://@cdn.example.com/", "user name"),
        ("https://cdn.example.com:443@evil.example/", "user name"),
        ("https://cdn.example.com:0/", "port"),
        ("https://cdn.example.com:65536/", "port"),
        ("https://cdn.example.com:-1/", "port"),
        ("https://cdn.example.com:+80/", "port"),
        ("https://cdn.example.com:80:80/", "port"),
        ("https://cdn.example.com:http/", "port"),
        ("https://cdn.example.com:\uff18\uff10/", "port|URL"),
        (" https://cdn.example.com/", "blank"),
        ("https://cdn.example.com/a b", "blank"),
        ("https://cdn.example.com/\n", "blank"),
        ("ht\ttps://cdn.example.com/", "blank"),
        ("https://cdn.example.com\\@evil.example/", "blank"),
        ("https:\\\\cdn.example.com/", "blank"),
        ("https://cdn.example.com/\x00", "blank"),
        ("https://cdn.example.com/\x7f", "blank"),
        ("https://cdn.example.com/\x85", "blank"),
        ("https://cdn.example.com/\u2028", "blank"),
        ("https://cdn.example.com/\ud800", "blank"),
    ],
)
def test_other_links_are_refused(url: str, fault: str) -> None:
    with pytest.raises(LinkRefused, match=f"^the .*({fault})"):
        split_link(url)


@pytest.mark.parametrize(
    "url",
    [
        f"https://[{SECRET}]/",
        f"https://{SECRET}\u2100/",
        f"https://host:{SECRET}/",
        f"https://{SECRET}@host/",
        f"https://host/{SECRET} ",
        f"ftp://host/{SECRET}",
        f"https:///{SECRET}",
    ],
)
def test_a_refusal_never_quotes_the_link(url: str) -> None:
    with pytest.raises(LinkRefused) as caught:
        split_link(url)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@given(st.one_of(st.text(), st.text(alphabet="htps:/@[]\\?#%.:0189afx \n").map("http://".__add__)))
def test_any_text_is_a_link_or_refused(text: str) -> None:
    try:
        link = split_link(text)
    except LinkRefused:
        return
    assert isinstance(link, SplitResult)
    assert link.hostname
    assert link.username is None
    assert link.port is None or 0 < link.port < 65536
