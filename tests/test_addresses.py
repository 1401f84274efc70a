"""Host and port, as people write them."""

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from marx.addresses import DEFAULT_PORT, Address, in_words, place_of


@pytest.mark.parametrize(
    ("written", "host", "port"),
    [
        ("lab.example.org", "lab.example.org", DEFAULT_PORT),
        ("lab:1", "lab", 1),
        ("10.0.0.5:65535", "10.0.0.5", 65535),
        ("[2001:db8::1]:1849", "2001:db8::1", 1849),
        ("[::1]", "::1", DEFAULT_PORT),
        ("fe80::1%eth0", "fe80::1%eth0", DEFAULT_PORT),
    ],
)
def test_an_address_is_read_and_written_back(written: str, host: str, port: int) -> None:
    address = Address.parse(written)
    assert (address.host, address.port) == (host, port)
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize("written", ["", ":1848", "lab:", "lab:0", "lab:65536", "lab:http", "a b", "lab/x", "[::1]x", "[::1]:²"])
def test_what_is_no_address_is_refused_by_name(written: str) -> None:
    with pytest.raises(ValueError, match="is not HOST|has no port"):
        Address.parse(written)


def test_a_peer_is_shown_as_host_and_port_whatever_kind_it_is_of() -> None:
    assert place_of(IPv4Address("TCP", "10.0.0.5", 4711)) == "10.0.0.5:4711"
    assert place_of(IPv6Address("TCP", "2001:db8::1", 4711)) == "[2001:db8::1]:4711"
    assert "UNIX" in place_of(UNIXAddress(None))


def test_several_are_listed_for_people() -> None:
    assert in_words([Address("lab", 1), Address("::1", 2)]) == "lab:1, [::1]:2"
