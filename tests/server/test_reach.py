"""Which addresses join codes say."""

import ipaddress
import socket

import pytest

from marx.addresses import Address
from marx.server.reach import MOST, addresses_to_tell


def test_what_is_configured_is_told_with_the_port_that_is_listened_on() -> None:
    configured = [Address("lab.example.org", 0), Address("gate.example.org", 2000)]
    assert addresses_to_tell(configured, "", 1848) == (Address("lab.example.org", 1848), Address("gate.example.org", 2000))


@pytest.mark.parametrize("interface", ["192.0.2.7", "127.0.0.1", "2001:db8::1"])
def test_a_server_on_one_interface_tells_that_one(interface: str) -> None:
    assert addresses_to_tell([], interface, 7) == (Address(interface, 7),)


@pytest.mark.parametrize("interface", ["", "0.0.0.0", "::"])
def test_a_server_on_all_of_them_tells_its_name_and_its_own_addresses(interface: str) -> None:
    told = addresses_to_tell([], interface, 7)
    assert told and {address.port for address in told} == {7} and len(told) <= MOST + 1
    if told != (Address("127.0.0.1", 7),):
        assert told[0].host == socket.gethostname()
        assert not any(ipaddress.ip_address(address.host).is_loopback for address in told[1:])


def test_a_machine_without_a_network_tells_the_loopback_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.net_if_addrs", dict)
    assert addresses_to_tell([], "", 7) == (Address("127.0.0.1", 7),)
