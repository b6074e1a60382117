from ipaddress import ip_network
from typing import Any

import pytest

from tests.checks import problems, setting


class TestProxies:
    @pytest.mark.parametrize("value", [None, "10.0.0.0/8", {"10.0.0.0/8"}, {}, 1])
    def test_are_a_list(self, value: Any) -> None:
        """One network without its list is refused: its characters would be the entries."""
        assert problems(**setting("TRUSTED_PROXIES", value)) == ["E060"]

    @pytest.mark.parametrize(
        "entry",
        ["", "proxy", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", 167772160, b"\x0a\0\0\0", None],
    )
    def test_are_networks(self, entry: Any) -> None:
        """Names, and numbers that would be read as packed addresses, are refused."""
        assert problems(**setting("TRUSTED_PROXIES", ["10.0.0.0/8", entry])) == ["E061"]

    @pytest.mark.parametrize(
        "value",
        [[], (), ["10.0.0.7"], ("10.0.0.0/8", "fd00::/8", "::1"), [ip_network("10.0.0.0/8")]],
    )
    def test_may_be_addresses_or_networks(self, value: Any) -> None:
        """Addresses and networks of both families pass in production."""
        assert problems(deploy=True, **setting("TRUSTED_PROXIES", value)) == []

    @pytest.mark.req("REQ-131")
    @pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
    def test_are_not_everybody(self, network: str) -> None:
        """If every address is a proxy, callers choose the address that is stored."""
        found = problems(deploy=True, **setting("TRUSTED_PROXIES", ["10.0.0.0/8", network]))
        assert found == ["W060"]
