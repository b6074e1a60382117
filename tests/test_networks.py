"""Sessions of a network, on whatever database: every mask, both families."""

import random
import re
from collections.abc import Iterable
from copy import copy
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.domain import row, start
from tokenauth import system
from tokenauth.models import AuthSession
from tokenauth.networks import Network, as_network, sessions_in


def add(first: AuthSession, *addresses: tuple[str | None, str | None]) -> None:
    """Add a session for each pair of first and last address."""
    rows = []
    for pair in addresses:
        other = copy(first)
        other.pk, (other.first_ip, other.last_ip) = system.new_id(), pair
        rows.append(other)
    AuthSession.objects.bulk_create(rows)


@pytest.fixture
def first(user: User) -> AuthSession:
    """A session without an address, which is in no network."""
    return row(start(user))


def found(network: str) -> list[tuple[str | None, str | None]]:
    """Return both addresses of the sessions in a network."""
    rows = sessions_in(AuthSession.objects.all(), asked(network))
    return [
        (_canonical(first), _canonical(last))
        for first, last in rows.values_list("first_ip", "last_ip")
    ]


def _canonical(text: str | None) -> str | None:
    """Return an address as Python writes it: databases have ways of their own."""
    return None if text is None else str(ip_address(text))


def asked(text: str) -> Network:
    """Return the network, which ``text`` must be."""
    network = as_network(text)
    assert network is not None
    return network


def expected(network: Network, texts: Iterable[str]) -> set[str]:
    """Return which of these addresses are in ``network``, by the standard library."""
    return {text for text in texts if ip_address(text) in network}


class TestAsNetwork:
    @pytest.mark.parametrize(
        ("text", "network"),
        [
            ("10.1.2.3", "10.1.2.3/32"),
            (" 10.1.0.0/16 ", "10.1.0.0/16"),
            ("10.1.2.3/16", "10.1.0.0/16"),
            ("10.1.0.0/255.255.0.0", "10.1.0.0/16"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("::ffff:10.1.2.3", "10.1.2.3/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::/0", "::/0"),
        ],
    )
    def test_reads(self, text: str, network: str) -> None:
        """Addresses and networks as people write them."""
        assert as_network(text) == ip_network(network)

    @pytest.mark.parametrize(
        "text", ["", "ada", "10.1", "10.1.2.3/33", "::1/129", "fe80::1%eth0", "7", "10.0.0.0/8/8"]
    )
    def test_is_none_for_what_is_none(self, text: str) -> None:
        """Anything else."""
        assert as_network(text) is None


class TestSessionsIn:
    def test_by_first_or_last_address(self, first: AuthSession) -> None:
        """One of them is enough, and none is in no network."""
        inside = [("10.1.0.1", "192.0.2.1"), ("192.0.2.1", "10.1.0.1"), ("10.1.0.1", None)]
        add(first, *inside, ("192.0.2.1", "192.0.2.2"), (None, None))
        assert sorted(found("10.1.0.0/16"), key=repr) == sorted(inside, key=repr)

    @pytest.mark.parametrize("bits", range(33))
    def test_ipv4_by_every_mask(self, first: AuthSession, bits: int) -> None:
        """Exactly those of the network: its ends, and what is beside them."""
        network = ip_network(f"93.184.217.{34}/{bits}", strict=False)
        ends = [int(network[0]) - 1, int(network[0]), int(network[-1]), int(network[-1]) + 1]
        numbers = [number for number in dict.fromkeys(ends) if 0 <= number < 2**32]
        # What begins with the same text is not always in the network.
        texts = [str(IPv4Address(number)) for number in numbers]
        texts += ["93.184.217.3", "93.184.217.34", "93.184.217.340"[:-1], "9.3.184.217"]
        texts = list(dict.fromkeys(texts))
        add(first, *((text, None) for text in texts), ("2001:db8::1", None))
        assert {pair[0] for pair in found(str(network))} == expected(network, texts)

    @pytest.mark.parametrize("bits", [0, 1, 16, 20, 29, 32, 33, 47, 48, 64, 65, 80, 111, 127, 128])
    @pytest.mark.parametrize("around", ["2001:db8:0:7::a", "2001:db8:1:2:3:4:5:6", "::1"])
    def test_ipv6(self, first: AuthSession, around: str, bits: int) -> None:
        """The same, with groups of zeros and without; no IPv4 address among them."""
        network = ip_network(f"{around}/{bits}", strict=False)
        ends = [int(network[0]) - 1, int(network[0]), int(network[-1]), int(network[-1]) + 1]
        texts = {str(IPv6Address(number)) for number in ends if 0 <= number < 2**128}
        texts |= {around, "2001:db80::1", "2001:d::1"}
        add(first, *((text, None) for text in sorted(texts)), ("32.1.13.184", None))
        got = {pair[0] for pair in found(str(network))}
        assert got == expected(network, texts)

    def test_random_networks(self, first: AuthSession) -> None:
        """A hundred networks among a hundred addresses that are near one another."""
        chance = random.Random(7)
        texts = {str(IPv4Address((10 << 24) + chance.getrandbits(18))) for _ in range(50)}
        prefix = int(IPv6Address("2001:db8::"))
        texts |= {str(IPv6Address(prefix + chance.getrandbits(70))) for _ in range(50)}
        add(first, *((text, None) for text in texts))
        for _ in range(100):
            around = ip_address(chance.choice(sorted(texts)))
            bits = chance.randint(8, 32) if around.version == 4 else chance.randint(48, 128)
            network = ip_network(f"{around}/{bits}", strict=False)
            assert {pair[0] for pair in found(str(network))} == expected(network, texts)

    def test_everything_of_one_family(self, first: AuthSession) -> None:
        """The whole of IPv4 is no IPv6, and the reverse."""
        add(first, ("0.0.0.0", None), ("255.255.255.255", None), ("::", None), ("ff::", None))  # noqa: S104 - an address
        assert {pair[0] for pair in found("0.0.0.0/0")} == {"0.0.0.0", "255.255.255.255"}  # noqa: S104 - as above
        assert {pair[0] for pair in found("::/0")} == {"::", "ff::"}

    @pytest.mark.parametrize("network", ["10.1.0.0/20", "::ffff:10.1.0.0/116"])
    def test_ipv4_mapped(self, first: AuthSession, network: str) -> None:
        """However it is stored, and however it is asked for, it is the same host."""
        add(first, ("10.1.15.255", None), ("::ffff:10.1.0.1", None), ("::ffff:10.1.16.0", None))
        assert len(found(network)) == 2

    @pytest.mark.vendor("mysql", "sqlite")
    def test_what_was_written_by_hand(self, first: AuthSession) -> None:
        """Text that is no address is in no network, and breaks nothing."""
        add(first, ("10.1.2.3", None), ("10.1.0.1", None))
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE tokenauth_authsession SET first_ip = '10.1.x' WHERE first_ip = '10.1.2.3'"
            )
        assert found("10.1.0.0/16") == [("10.1.0.1", None)]


@pytest.mark.django_db(transaction=True)  # ANALYZE commits on MariaDB
class TestIndex:
    def test_is_used(self, first: AuthSession) -> None:
        """Both indexes of addresses are asked, whatever the database."""
        add(first, *((f"10.{n // 250}.{n % 250}.7", f"10.9.{n % 250}.8") for n in range(2000)))
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("ANALYZE tokenauth_authsession")
            elif connection.vendor == "mysql":
                cursor.execute("ANALYZE TABLE tokenauth_authsession")
                cursor.fetchall()
        plan: Any = sessions_in(AuthSession.objects.only("pk"), asked("10.7.3.0/24")).explain()
        named = set(re.findall(r"tokenauth_session_(?:first|last)_ip", plan))
        assert named == {"tokenauth_session_first_ip", "tokenauth_session_last_ip"}
