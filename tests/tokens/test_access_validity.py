"""For whom and for how long an access token is good."""

import uuid

import pytest

from tests.tokens.forging import ABSENT, NOBODY, SID, claims, numbered
from tests.tokens.test_access import AT, read, refuse
from tokenauth.exceptions import AccessInvalid
from tokenauth.tokens.access import LEEWAY


class TestIssuerAndAudience:
    @pytest.mark.req("REQ-61")
    @pytest.mark.parametrize(
        "iss",
        numbered(
            [
                *(
                    "https://id.example/",
                    "https://id.example.evil",
                    "https://id.exampl",
                    "id.example",
                ),
                *("https://ID.example", "http://id.example", " https://id.example", "", ABSENT),
                *(["https://id.example"], {"https://id.example": 1}, None, True, 0),
                "https://id.example\x00",
            ]
        ),
    )
    def test_the_issuer_is_compared_exactly(self, iss):
        """Prefix, suffix, case, slash, list: all refused (PyJWT GHSA-75c5-xw7c-p5pm)."""
        refuse(claims(iss=iss))

    @pytest.mark.req("REQ-61")
    @pytest.mark.parametrize(
        "aud",
        numbered(
            [
                *(
                    "https://api.example/",
                    "https://api.example.evil",
                    "api.example",
                    "",
                    ABSENT,
                    None,
                ),
                *("https://API.example", [], ["other"], [["https://api.example"]], {}, True, 0),
                *({"https://api.example": 1}, ["https://api.example", 1], [None], "https://api"),
            ]
        ),
    )
    def test_the_audience_is_compared_exactly(self, aud):
        """A string, or a list of strings with ours among them."""
        refuse(claims(aud=aud))

    @pytest.mark.req("REQ-61")
    @pytest.mark.parametrize("aud", [["https://api.example"], ["other", "https://api.example"]])
    def test_one_of_several_audiences_may_be_ours(self, aud):
        """RFC 7519 section 4.1.3."""
        assert read(claims(aud=aud))["aud"] == aud

    @pytest.mark.req("REQ-61")
    @pytest.mark.parametrize("name", ["iss", "aud"])
    @pytest.mark.parametrize("value", numbered(["https://id.example", "", None, [], ["x"], False]))
    def test_neither_is_accepted_where_none_is_configured(self, name, value):
        """A token that is meant for somebody is not for whoever has no name."""
        nameless = claims(iss=ABSENT, aud=ABSENT)
        assert read(nameless, NOBODY)
        refuse({**nameless, name: value}, NOBODY)


class TestTimes:
    @pytest.mark.req("REQ-62")
    @pytest.mark.parametrize("after", [300, 300.000001, 301, 86_400, 10**9])
    def test_is_expired_exactly_at_exp(self, after):
        """Without any leeway."""
        assert read(claims(), after=299.999999)
        refuse(claims(), after=after)

    @pytest.mark.req("REQ-62")
    @pytest.mark.parametrize("name", ["iat", "nbf"])
    def test_hosts_may_differ_by_the_leeway(self, name):
        """30 seconds into the future, and not 31."""
        leeway = int(LEEWAY.total_seconds())
        assert leeway == 30
        assert read(claims(**{name: AT + leeway}))
        refuse(claims(**{name: AT + leeway + 1}))

    @pytest.mark.req("REQ-62")
    def test_nbf_in_the_past_is_accepted(self):
        """As any other issuer's libraries would write it."""
        assert read(claims(nbf=AT - 5))

    @pytest.mark.req("REQ-62")
    @pytest.mark.parametrize("lifetime", [301, 86_400, 315_360_000])
    def test_may_not_live_longer_than_configured(self, lifetime):
        """A token for ten years, with a right signature, is a mistake or a theft."""
        refuse(claims(exp=AT + lifetime))

    @pytest.mark.req("REQ-62")
    @pytest.mark.parametrize("lifetime", [0, -1, -AT])
    def test_may_not_end_before_it_begins(self, lifetime):
        """Refused even by who accepts expired tokens."""
        with pytest.raises(AccessInvalid):
            read(claims(exp=AT + lifetime), accept_expired=True)

    def test_an_expired_one_is_read_on_request(self):
        """Logout wants to know which session a token names, for as long as that lives."""
        assert read(claims(), after=10**8, accept_expired=True).session_id == uuid.UUID(SID)

    @pytest.mark.parametrize(
        "changes",
        numbered([{"iat": AT + 99}, {"exp": AT + 301}, {"sub": ""}, {"iss": "x"}, {"aud": "x"}]),
    )
    def test_and_nothing_else_is_forgiven_it(self, changes):
        """``accept_expired`` forgives time, and only that."""
        with pytest.raises(AccessInvalid):
            read(claims(**changes), after=50, accept_expired=True)

    def test_the_largest_time_is_one_that_a_datetime_holds(self):
        """The last second of the year 9999: whoever converts a claim gets no exception."""
        assert read(claims(auth_time=253_402_300_799))
        refuse(claims(auth_time=253_402_300_800))
