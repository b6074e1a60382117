"""The claims of an access token: what is written, and what is accepted of what is signed."""

import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import jwt
import pytest

from tests.tokens.forging import (
    ABSENT,
    AUDIENCE,
    LIFETIME,
    NOBODY,
    NOW,
    SID,
    claims,
    forge,
    header,
    keys,
    numbered,
)
from tokenauth.exceptions import AccessInvalid
from tokenauth.tokens.access import (
    AccessToken,
    Audience,
    make_access_token,
    read_access_token,
)

KEYS = keys("HS256")
KEY = KEYS.current
AT = int(NOW.timestamp())
NO_TIMES = [
    *("1795000000", " 1795000000 ", "\u0661\u0667\u0669\u0665", "", "x", [], [AT], {}, {"a": 1}),
    *(True, False, None, ABSENT, AT + 0.0, AT + 100.5, 1e308, -1, -AT, 10**400, 2**63, 2**31 * AT),
]


def make(audience: Audience = AUDIENCE, lifetime: timedelta = LIFETIME, **changes: Any) -> str:
    """Return a token, made as the domain makes it."""
    values: dict[str, Any] = {
        "subject": "7",
        "client": "browser",
        "session_id": uuid.UUID(SID),
        "generation": 3,
        "issued_at": NOW,
        "expires_at": NOW + lifetime,
        "auth_time": NOW - timedelta(hours=1),
        "amr": ("pwd", "otp"),
    }
    return make_access_token(KEYS, audience, **{**values, **changes})


def read(
    body: Any, audience: Audience = AUDIENCE, after: float = 0, *, accept_expired: bool = False
) -> AccessToken:
    """Sign claims with the real key and read the token some seconds after it was issued."""
    raw = body if isinstance(body, str) else forge(KEY, header(KEY), body)
    now = NOW + timedelta(seconds=after)
    return read_access_token(raw, KEYS, audience, now=now, accept_expired=accept_expired)


def refuse(body: Any, audience: Audience = AUDIENCE, after: float = 0) -> None:
    """Assert that the claims are refused."""
    with pytest.raises(AccessInvalid):
        read(body, audience, after)


class TestMakeAccessToken:
    @pytest.mark.req("REQ-54")
    @pytest.mark.req("REQ-130")
    def test_holds_these_claims_and_no_others(self):
        """No name, no mail address: ids, times and how the user authenticated."""
        written = jwt.decode(make(), options={"verify_signature": False})
        jti = written.pop("jti")
        assert written == {
            "token_type": "access",
            "sub": "7",
            "user_id": "7",
            "client_id": "browser",
            "sid": SID,
            "gen": 3,
            "iat": AT,
            "exp": AT + 300,
            "auth_time": AT - 3600,
            "amr": ["pwd", "otp"],
            "iss": AUDIENCE.issuer,
            "aud": AUDIENCE.audience,
        }
        assert len(jti) == 22

    def test_leaves_out_what_is_not_configured(self):
        """Without issuer and audience there are no such claims, not even null."""
        written = jwt.decode(make(NOBODY), options={"verify_signature": False})
        assert not {"iss", "aud"} & written.keys()

    def test_ids_are_unique(self):
        """128 random bits for each token."""
        made = {read(make())["jti"] for _ in range(1000)}
        assert len(made) == 1000

    def test_is_accepted(self):
        """What is made is read, whoever it is for."""
        assert read(make())["sub"] == "7"
        assert read(make(NOBODY), NOBODY)["sub"] == "7"

    @pytest.mark.parametrize("fraction", [0, 1, 499_999, 600_000, 999_999])
    @pytest.mark.parametrize("seconds", [1, 1.5, 2.001, 300, 299.999])
    def test_is_accepted_whatever_the_fractions_of_seconds(self, fraction, seconds):
        """Times are cut to full seconds; a lifetime that is none must not refuse its own tokens."""
        lifetime = timedelta(seconds=seconds)
        audience = Audience(None, None, lifetime)
        now = NOW + timedelta(microseconds=fraction)
        raw = make(audience, issued_at=now, expires_at=now + lifetime)
        assert read_access_token(raw, KEYS, audience, now=now)["sub"] == "7"

    @pytest.mark.req("REQ-21")
    def test_never_ends_after_what_it_was_given(self):
        """A fraction of a second is cut off, never added."""
        written = read(make(expires_at=NOW + timedelta(seconds=10.999)))
        assert written["exp"] == AT + 10


class TestAccessToken:
    def test_is_a_mapping_of_its_claims(self):
        """What ``request.auth`` offers."""
        token = read(claims())
        assert isinstance(token, Mapping)
        assert dict(token) == claims()
        assert len(token) == len(claims())
        assert "sub" in token
        assert token.get("missing") is None

    def test_cannot_be_changed(self):
        """Neither its claims nor its attributes."""
        token: Any = read(claims())
        with pytest.raises(TypeError):
            token["sub"] = "8"
        with pytest.raises(TypeError):
            del token["sub"]
        with pytest.raises(AttributeError):
            token._claims = {}

    def test_names_session_and_generation(self):
        """With their types."""
        token = read(claims(gen=12))
        assert (token.session_id, token.generation) == (uuid.UUID(SID), 12)

    @pytest.mark.req("REQ-126")
    def test_hides_its_claims(self):
        """``repr`` shows none."""
        assert repr(read(claims())) == "AccessToken()"


class TestTypes:
    @pytest.mark.req("REQ-54")
    @pytest.mark.parametrize("name", ["sub", "user_id", "client_id", "sid", "jti", "token_type"])
    @pytest.mark.parametrize(
        "value", numbered([ABSENT, None, "", 7, 0, 7.5, True, ["7"], {"7": 7}, [], {}])
    )
    def test_strings_are_required_and_are_strings(self, name, value):
        """Each of them, with ``user_id`` following ``sub`` as it would in a forgery."""
        changes = {name: value, "user_id": value} if name == "sub" else {name: value}
        refuse(claims(**changes))

    @pytest.mark.req("REQ-62")
    @pytest.mark.parametrize("name", ["exp", "iat", "auth_time"])
    @pytest.mark.parametrize("value", numbered(NO_TIMES))
    def test_times_are_integers_in_a_sane_range(self, name, value):
        """PyJWT 2.15 takes ``exp`` as text, float, or four hundred digits."""
        refuse(claims(**{name: value}))

    @pytest.mark.req("REQ-62")
    @pytest.mark.parametrize("value", numbered(set(NO_TIMES[-3:]) | {"0", True, None, -1}))
    def test_nbf_is_one_too_where_present(self, value):
        """It is optional, and no less strict."""
        refuse(claims(nbf=value))

    @pytest.mark.req("REQ-62")
    @pytest.mark.parametrize("name", ["exp", "iat", "nbf", "auth_time", "gen"])
    @pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "-0.0", "1E3"])
    def test_numbers_are_written_as_integers(self, name, text):
        """Constants that are no JSON, and numbers that overflow or are written as floats."""
        body = json.dumps(claims(**{name: "?"})).replace('"?"', text)
        with pytest.raises(AccessInvalid):
            read(forge(KEY, header(KEY), body))

    @pytest.mark.parametrize("value", numbered([ABSENT, None, -1, 2**32, 1.0, "1", True, [1]]))
    def test_gen_is_a_generation(self, value):
        """An integer that a row can hold."""
        refuse(claims(gen=value))

    @pytest.mark.parametrize("value", numbered([ABSENT, None, "pwd", {"pwd": 1}, ["pwd", 1], 1]))
    def test_amr_is_a_list_of_strings(self, value):
        """RFC 8176."""
        refuse(claims(amr=value))

    def test_amr_may_be_empty(self):
        """A session may not know how its user authenticated."""
        assert read(claims(amr=[]))["amr"] == []

    @pytest.mark.req("REQ-65")
    @pytest.mark.parametrize(
        "sid",
        numbered(
            [
                *(SID.upper(), SID.replace("-", ""), f"{{{SID}}}", f"urn:uuid:{SID}", f" {SID}"),
                *("x", "1", f"{SID}\x00", "../" * 12, "\ud800", "0" * 36, SID[:-1]),
            ]
        ),
    )
    def test_sid_is_written_in_one_way(self, sid):
        """Python's UUID() takes braces, a URN, capitals and no dashes."""
        refuse(claims(sid=sid))

    @pytest.mark.req("REQ-27")
    @pytest.mark.parametrize("kind", ["refresh", "sliding", "Access", "access ", "id"])
    def test_token_type_is_access(self, kind):
        """What simplejwt writes into its other tokens."""
        refuse(claims(token_type=kind))

    def test_user_id_is_sub(self):
        """Two names of one user that differ would let two services see two users."""
        refuse(claims(user_id="8"))

    @pytest.mark.parametrize("value", numbered([b"x", None, 5, [], {}, bytearray(b"x"), object()]))
    def test_the_token_is_text(self, value):
        """Whatever a caller hands over."""
        with pytest.raises(AccessInvalid):
            read_access_token(value, KEYS, AUDIENCE, now=NOW)

    def test_accepts_more_claims(self):
        """A later release may add some; an earlier one must not refuse them."""
        assert read(claims(new="thing"))["new"] == "thing"
