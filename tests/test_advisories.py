"""Published holes of other packages, replayed against a protected view.

Each attack starts from a token that this deployment has just issued. The answer is always the
same 401: the cause is not told, and nothing is a 500.
"""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from tests.tokens.forging import ABSENT, SECRET, forge, header, jwk, keys, segment, unsigned
from tests.tokens.test_jws_payload import twin
from tokenauth.conf import config
from tokenauth.models import AuthSession, RevokedReason
from tokenauth.sessions import revoke_session
from tokenauth.tokens.encoding import encode_base64url
from tokenauth.tokens.keys import generate_jwk, load_signing_keys

pytestmark = pytest.mark.any_database

REFUSED = {"detail": "The access token is not valid. Refresh it.", "code": "access_invalid"}
ATTACKER = load_signing_keys([generate_jwk("ES256")]).current
OURS = keys("ES256").current
THEIR_JWK = {
    name: value
    for name, value in json.loads(
        json.dumps(jwt.algorithms.ECAlgorithm.to_jwk(ATTACKER.public_material, as_dict=True))
    ).items()
    if name in {"kty", "crv", "x", "y"}
}
URL = "http://127.0.0.1:1/keys"
Attack = Callable[[dict[str, Any]], str]


@pytest.fixture
def es256(settings):
    """The deployment signs with ES256 and still verifies an older HS256 key."""
    settings.TOKENAUTH_SIGNING_KEYS = [jwk("ES256"), SECRET]
    settings.TOKENAUTH_ISSUER = "https://id.example"
    settings.TOKENAUTH_AUDIENCE = "https://api.example"


@pytest.fixture
def app(es256, clock, user, new_api) -> Any:
    """Ada's app, logged in after the keys were set."""
    client = new_api()
    assert client.login(client="app").status_code == 200
    return client


@pytest.fixture
def claims(app) -> dict[str, Any]:
    """The claims of a token that has just been issued and is accepted."""
    assert app.whoami().status_code == 200
    body: dict[str, Any] = jwt.decode(app.access, options={"verify_signature": False})
    app.access = forge(OURS, header(OURS), body)
    assert app.whoami().status_code == 200
    return body


def ours(body: Any, **changes: Any) -> str:
    """Sign with the deployment's key, under a header with these changes."""
    return forge(OURS, header(OURS, **changes), body)


def theirs(body: Any, **changes: Any) -> str:
    """Sign with the attacker's key, under a header with these changes."""
    return forge(ATTACKER, header(OURS, **changes), body)


def hmac_with(secret: bytes, body: Any, **changes: Any) -> str:
    """Return a token whose signature is an HMAC."""
    signing_input = unsigned(header(OURS, **changes), body)
    return (
        f"{signing_input}.{encode_base64url(hmac.digest(secret, signing_input.encode(), 'sha256'))}"
    )


def public(encoding: serialization.Encoding) -> bytes:
    """Return the deployment's public key as a file."""
    raw: bytes = OURS.public_material.public_bytes(
        encoding, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return raw


def double(body: Any, name: str, value: Any) -> str:
    """Return JSON with a name given twice: the attacker's value last."""
    return f"{json.dumps(body)[:-1]},{json.dumps(name)}:{json.dumps(value)}}}"


PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
ZEROS = encode_base64url(bytes(64))
ATTACKS: dict[str, tuple[str, Attack]] = {
    # The algorithm is the header's choice.
    "none": ("REQ-55", lambda c: f"{unsigned(header(OURS, alg='none'), c)}."),
    "none-authlib-1.6.0": ("REQ-55", lambda c: f"{unsigned(header(OURS, alg='NonE'), c)}."),
    "no-alg": ("REQ-55", lambda c: ours(c, alg=ABSENT)),
    "GHSA-jq35-7prp-9v3f-hs512": ("REQ-55", lambda c: hmac_with(SECRET, c, alg="HS512")),
    # A public key becomes a secret.
    "CVE-2017-11424-pem": ("REQ-56", lambda c: hmac_with(public(PEM), c, alg="HS256")),
    "CVE-2022-29217-der": ("REQ-56", lambda c: hmac_with(public(DER), c, alg="HS256")),
    "CVE-2024-33663-jwk": ("REQ-56", lambda c: hmac_with(json.dumps(THEIR_JWK).encode(), c)),
    "CVE-2024-37568-own-alg": ("REQ-56", lambda c: hmac_with(public(PEM), c)),
    "other-key-of-the-list": ("REQ-56", lambda c: hmac_with(SECRET, c, alg="HS256")),
    # The token brings its key along.
    "CVE-2018-0114-jwk": ("REQ-57", lambda c: theirs(c, jwk=THEIR_JWK)),
    "CVE-2026-27962-jwk": ("REQ-57", lambda c: theirs(c, jwk=THEIR_JWK, kid=ABSENT)),
    "CVE-2026-48522-jku": ("REQ-57", lambda c: theirs(c, jku=f"file://{URL}")),
    "jku": ("REQ-57", lambda c: theirs(c, jku=URL)),
    "x5u": ("REQ-57", lambda c: theirs(c, x5u=URL)),
    "x5c": ("REQ-57", lambda c: theirs(c, x5c=[base64.b64encode(public(DER)).decode()])),
    "GHSA-2gx3-rcp4-g85q-kid": ("REQ-58", lambda c: theirs(c, kid="unknown")),
    "kid-path": ("REQ-58", lambda c: hmac_with(b"", c, alg="HS256", kid="../../dev/null")),
    "kid-sql": ("REQ-58", lambda c: theirs(c, kid="x' UNION SELECT 'k'--")),
    "kid-object": ("REQ-58", lambda c: ours(c, kid={"kid": OURS.kid})),
    # What must be understood is skipped.
    "CVE-2026-32597-crit": ("REQ-59", lambda c: ours(c, crit=["x"], x=1)),
    "CVE-2025-59420-crit": ("REQ-59", lambda c: ours(c, crit=["cnf"], cnf={})),
    "GHSA-w7vc-732c-9m39-b64": ("REQ-59", lambda c: ours(c, crit=["b64"], b64=False)),
    # Another form.
    "CVE-2022-39227-json": (
        "REQ-60",
        lambda c: json.dumps({"protected": ours(c), "payload": segment(c), "signature": ZEROS}),
    ),
    "nested": ("REQ-60", lambda c: ours(ours(c))),
    "CVE-2024-33664-jwe": ("REQ-60", lambda c: f"{segment(header(OURS, zip='DEF'))}.a.a.a.a"),
    # Claims that other libraries let through.
    "GHSA-75c5-xw7c-p5pm-iss": ("REQ-61", lambda c: ours({**c, "iss": "https://id"})),
    "iss-list": ("REQ-61", lambda c: ours({**c, "iss": ["https://id.example"]})),
    "aud-prefix": ("REQ-61", lambda c: ours({**c, "aud": "https://api.example.evil"})),
    "exp-text": ("REQ-62", lambda c: ours({**c, "exp": str(c["exp"])})),
    "exp-float": ("REQ-62", lambda c: ours({**c, "exp": c["exp"] + 0.0})),
    "exp-1e308": ("REQ-62", lambda c: ours({**c, "exp": 1e308})),
    "exp-400-digits": ("REQ-62", lambda c: ours({**c, "exp": 10**400})),
    "pyjwt-2.15.0-exp-list": ("REQ-62", lambda c: ours({**c, "exp": [c["exp"]]})),
    "exp-in-ten-years": ("REQ-62", lambda c: ours({**c, "exp": c["exp"] + 315_360_000})),
    "typ-jwt": ("REQ-53", lambda c: ours(c, typ="JWT")),
    "typ-absent": ("REQ-53", lambda c: ours(c, typ=ABSENT)),
    "typ-dpop": ("REQ-53", lambda c: ours(c, typ="dpop+jwt")),
    "sub-empty": ("REQ-68", lambda c: ours({**c, "sub": "", "user_id": ""})),
    "sub-nul": ("REQ-68", lambda c: ours({**c, "sub": c["sub"] + "\x00"})),
    "sub-surrogate": ("REQ-68", lambda c: ours({**c, "sub": "\ud800", "user_id": "\ud800"})),
    "sub-of-somebody": ("REQ-68", lambda c: ours({**c, "sub": "0", "user_id": "0"})),
    # Size and shape.
    "CVE-2025-61920-size": ("REQ-63", lambda c: ours({**c, "pad": "x" * 10_000_000})),
    "kid-of-a-megabyte": ("REQ-63", lambda c: ours(c, kid="k" * 1_000_000)),
    "GHSA-8wjv-2p76-3863-payload": ("REQ-64", lambda _c: ours("[" * 100_000)),
    "GHSA-8wjv-2p76-3863-header": ("REQ-64", lambda c: forge(OURS, "[" * 100_000, c)),
    "deep-below-the-cap": ("REQ-64", lambda _c: ours("[" * 5000)),
    # Other spellings.
    "CVE-2026-102269-padding": ("REQ-65", lambda c: ours(c) + "="),
    "CVE-2019-14859-bits": ("REQ-65", lambda c: ours(c)[:-1] + "-"),
    "bom": ("REQ-65", lambda c: ours(b"\xef\xbb\xbf" + json.dumps(c).encode())),
    "utf-16": ("REQ-65", lambda c: ours(json.dumps(c).encode("utf-16"))),
    "duplicate-sub": ("REQ-66", lambda c: ours(double(c, "sub", "1"))),
    "duplicate-alg": (
        "REQ-66",
        lambda c: forge(OURS, double(header(OURS), "alg", "ES256"), c),
    ),
    # Signatures that sign nothing.
    "CVE-2022-21449-psychic": ("REQ-67", lambda c: f"{unsigned(header(OURS), c)}.{ZEROS}"),
    "empty-signature": ("REQ-67", lambda c: f"{unsigned(header(OURS), c)}."),
    "der-signature": (
        "REQ-67",
        lambda c: f"{unsigned(header(OURS), c)}.{encode_base64url(b'0' + bytes([6, 2, 1, 0] * 2))}",
    ),
}


class TestAttacks:
    @pytest.mark.req("REQ-53", "REQ-55", "REQ-56", "REQ-57", "REQ-58", "REQ-59", "REQ-60", "REQ-61")
    @pytest.mark.req("REQ-62", "REQ-63", "REQ-64", "REQ-65", "REQ-66", "REQ-67", "REQ-68")
    @pytest.mark.parametrize("name", ATTACKS)
    def test_is_a_401_like_any_other(self, app, claims, name):
        """Sent to a protected view of a deployment that signs with ES256."""
        app.access = ATTACKS[name][1](claims)
        answer = app.whoami()
        assert (answer.status_code, answer.json()) == (401, REFUSED)

    @pytest.mark.parametrize("name", ["none", "CVE-2022-29217-der", "duplicate-sub", "typ-jwt"])
    @pytest.mark.parametrize("path", ["/auth/sessions/", "/auth/me/"])
    def test_is_a_401_at_our_own_endpoints_too(self, app, claims, name, path):
        """They use the same class as a project's views."""
        app.access = ATTACKS[name][1](claims)
        answer = app.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "access_invalid")

    @pytest.mark.parametrize("name", ATTACKS)
    def test_does_not_end_a_session(self, app, claims, name):
        """Logout with a forged token is a 204 that changes nothing."""
        app.access, app.refresh_token = ATTACKS[name][1](claims), None
        assert app.logout().status_code == 204
        assert AuthSession.objects.get().revoked_at is None


class TestRevocation:
    @pytest.mark.req("REQ-42")
    def test_a_revoked_token_stays_refused_in_every_spelling(self, app, claims):
        """CVE-2026-102269 and the twin of ECDSA: the session decides, never the string."""
        spellings = [app.access, twin(app.access), f"{app.access}=", ours(claims)]
        for app.access in (spellings[0], spellings[1], spellings[3]):
            assert app.whoami().status_code == 200
        revoke_session(AuthSession.objects.get(), reason=RevokedReason.ADMIN)
        for app.access in spellings:
            assert app.whoami().json() == REFUSED

    @pytest.mark.req("REQ-110")
    def test_a_key_taken_off_the_list_is_dead_at_once(self, app, claims, settings):
        """Emergency removal: the next request is refused, whatever was cached."""
        settings.TOKENAUTH_SIGNING_KEYS = [SECRET]
        assert app.whoami().json() == REFUSED
        assert app.refresh().status_code == 200
        assert app.whoami().status_code == 200

    @pytest.mark.req("REQ-111")
    def test_keys_are_not_shown(self, claims):
        """``repr`` of what the settings become holds no private member."""
        shown = repr(config.signing_keys)
        assert OURS.kid in shown
        assert jwk("ES256")["d"] not in shown
        assert jwk("ES256")["x"] not in shown
