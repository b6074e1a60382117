from typing import Any

import pytest
from django.test import RequestFactory, override_settings

from tokenauth.addresses import client_ip, origin_of

PROXY, SECOND_PROXY, VISITOR = "10.0.0.7", "10.0.0.8", "203.0.113.9"
PROXIES = ["10.0.0.0/8", "fd00::/8"]

pytestmark = pytest.mark.req("REQ-131")


def ip(
    *, sender: str | None = PROXY, forwarded: str | None = None, proxies: Any = ()
) -> str | None:
    """Return the address of a request from ``sender``, with or without X-Forwarded-For."""
    request = RequestFactory().get("/")
    request.META.pop("REMOTE_ADDR")
    if sender is not None:
        request.META["REMOTE_ADDR"] = sender
    if forwarded is not None:
        request.META["HTTP_X_FORWARDED_FOR"] = forwarded
    with override_settings(TOKENAUTH_TRUSTED_PROXIES=proxies):
        return client_ip(request)


class TestWithoutProxies:
    def test_is_the_sender(self) -> None:
        """Nobody else can be known."""
        assert ip(sender=VISITOR) == VISITOR

    @pytest.mark.parametrize("forwarded", ["1.1.1.1", PROXY, "", "junk"])
    def test_ignores_what_was_forwarded(self, forwarded: str) -> None:
        """Whoever connects directly writes the header as he likes."""
        assert ip(sender=VISITOR, forwarded=forwarded) == VISITOR

    @pytest.mark.parametrize("sender", ["", None, "unix:", "localhost", "1.2.3", "\x00"])
    def test_is_unknown_where_it_cannot_be_read(self, sender: str | None) -> None:
        """What is no address is stored as none."""
        assert ip(sender=sender) is None

    def test_is_not_taken_from_a_unix_sockets_client(self) -> None:
        """Without trusted proxies a Unix socket does not make the header true."""
        assert ip(sender="", forwarded="1.1.1.1") is None


class TestWithOneProxy:
    def test_is_what_the_proxy_wrote(self) -> None:
        """The proxy is the sender, the visitor is in the header."""
        assert ip(forwarded=VISITOR, proxies=PROXIES) == VISITOR

    def test_is_not_what_the_visitor_wrote(self) -> None:
        """A proxy appends: what stands before its entry is the visitor's word."""
        assert ip(forwarded=f"1.1.1.1, {VISITOR}", proxies=PROXIES) == VISITOR

    def test_is_not_a_proxy_that_the_visitor_claims_to_be(self) -> None:
        """Naming the address of a trusted proxy does not move the border."""
        assert ip(forwarded=f"1.1.1.1, {PROXY}, {VISITOR}", proxies=PROXIES) == VISITOR

    def test_is_the_sender_if_that_is_no_proxy(self) -> None:
        """A visitor who reaches the server past the proxy is not believed."""
        assert ip(sender=VISITOR, forwarded="1.1.1.1", proxies=PROXIES) == VISITOR

    @pytest.mark.parametrize("forwarded", [None, ""])
    def test_is_the_proxys_own_where_nothing_was_forwarded(self, forwarded: str | None) -> None:
        """A health check comes from the proxy itself."""
        assert ip(forwarded=forwarded, proxies=PROXIES) == PROXY

    @pytest.mark.parametrize(
        "entry", ["unknown", "_hidden", "1.2.3.4.5", "a" * 5000, " ", "[", "::g"]
    )
    def test_is_unknown_where_the_proxy_wrote_no_address(self, entry: str) -> None:
        """Nothing further left is read instead."""
        assert ip(forwarded=f"1.1.1.1, {entry}", proxies=PROXIES) is None

    @pytest.mark.parametrize("proxies", [[PROXY], [f"{PROXY}/32"], ["10.0.0.0/29"]])
    def test_may_be_named_in_each_way(self, proxies: list[str]) -> None:
        """An address, or a network around it."""
        assert ip(forwarded=VISITOR, proxies=proxies) == VISITOR

    def test_is_trusted_on_a_unix_socket(self) -> None:
        """A Unix socket has no address, and only the proxy of this machine can write to it."""
        assert ip(sender="", forwarded=f"1.1.1.1, {VISITOR}", proxies=PROXIES) == VISITOR

    def test_is_not_trusted_with_an_address_that_cannot_be_read(self) -> None:
        """Only an empty address is a Unix socket's."""
        assert ip(sender="junk", forwarded=VISITOR, proxies=PROXIES) is None


class TestWithTwoProxies:
    def test_is_what_the_outer_one_wrote(self) -> None:
        """Each of ours is passed over, from the right."""
        assert ip(forwarded=f"{VISITOR}, {SECOND_PROXY}", proxies=PROXIES) == VISITOR

    def test_is_not_what_the_visitor_wrote(self) -> None:
        """The first address that is not ours is the visitor's, whatever stands before it."""
        forwarded = f"1.1.1.1, {VISITOR}, {SECOND_PROXY}"
        assert ip(forwarded=forwarded, proxies=PROXIES) == VISITOR

    def test_is_the_outer_one_if_that_is_not_trusted(self) -> None:
        """Where only the inner proxy is named, the outer one is the visitor as far as we know."""
        assert ip(forwarded=f"{VISITOR}, 198.51.100.1", proxies=[PROXY]) == "198.51.100.1"

    def test_is_the_first_where_all_are_trusted(self) -> None:
        """A request from inside of the network ends at the left."""
        assert ip(forwarded=f"10.1.1.1, {SECOND_PROXY}", proxies=PROXIES) == "10.1.1.1"


class TestForms:
    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("2001:DB8::0:1", "2001:db8::1"),
            ("::ffff:203.0.113.9", VISITOR),
            ("203.0.113.9:4711", VISITOR),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[::ffff:203.0.113.9]:1", VISITOR),
            ("  203.0.113.9\t", VISITOR),
        ],
    )
    def test_have_one_spelling(self, written: str, read: str) -> None:
        """IPv6 is shortened, mapped IPv4 is IPv4, and the port of some gateways is left out."""
        assert ip(sender=written) == read
        assert ip(forwarded=written, proxies=PROXIES) == read

    @pytest.mark.parametrize(
        "written",
        [
            *("fe80::1%eth0", "203.0.113.9:", "203.0.113.9:123456", "203.0.113.9:x", "[]", "[]:1"),
            *("[203.0.113.9", "1.2.3.4:٣", "0x7f.0.0.1", "127.1", "010.0.0.1", "203.0.113.9/32"),
        ],
    )
    def test_are_refused_otherwise(self, written: str) -> None:
        """A zone, which no database column takes, and everything that is almost an address."""
        assert ip(sender=written) is None

    @pytest.mark.parametrize(
        "sender", ["fd00::7", f"::ffff:{PROXY}", f"{PROXY}:80", "[fd00::7]:80"]
    )
    def test_of_a_proxy_do_not_matter(self, sender: str) -> None:
        """A proxy is recognised in every spelling of its address."""
        assert ip(sender=sender, forwarded=VISITOR, proxies=PROXIES) == VISITOR


class TestOrigin:
    def test_has_address_and_browser(self) -> None:
        """Both come from the request."""
        origin = origin_of(RequestFactory().get("/", REMOTE_ADDR=VISITOR, HTTP_USER_AGENT="curl"))
        assert (origin.ip, origin.user_agent) == (VISITOR, "curl")

    def test_may_have_neither(self) -> None:
        """A request that says nothing of itself is no error."""
        request = RequestFactory().get("/")
        request.META.pop("REMOTE_ADDR")
        origin = origin_of(request)
        assert (origin.ip, origin.user_agent) == (None, "")
