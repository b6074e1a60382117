"""Make tokens by hand: right, or wrong in one place, and signed with a real key."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
import pytest

from tokenauth.tokens.access import Audience
from tokenauth.tokens.encoding import encode_base64url
from tokenauth.tokens.keys import SigningKey, SigningKeys, generate_jwk, load_signing_keys

ASYMMETRIC = ("ES256", "EdDSA", "RS256")
SECRET = bytes(range(100, 164))
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LIFETIME = timedelta(minutes=5)
AUDIENCE = Audience("https://id.example", "https://api.example", LIFETIME)
NOBODY = Audience(None, None, LIFETIME)
ABSENT = object()
SID = "01890a5d-ac96-774b-bcce-b302099a8057"


@cache
def jwk(algorithm: str) -> dict[str, Any]:
    """Return a private key as a JWK: the same one for the whole run, as RSA keys are slow."""
    return generate_jwk(algorithm)


@cache
def keys(algorithm: str) -> SigningKeys:
    """Return a key list of one key of this algorithm."""
    return load_signing_keys([SECRET if algorithm == "HS256" else jwk(algorithm)])


def header(key: SigningKey, **changes: Any) -> dict[str, Any]:
    """Return the header that we write; ``ABSENT`` takes a name out."""
    return _changed({"alg": key.algorithm, "kid": key.kid, "typ": "at+jwt"}, changes)


def claims(**changes: Any) -> dict[str, Any]:
    """Return claims that are accepted at ``NOW`` for ``AUDIENCE``; ``ABSENT`` takes one out."""
    now = int(NOW.timestamp())
    right = {
        "token_type": "access",
        "sub": "7",
        "user_id": "7",
        "client_id": "browser",
        "sid": SID,
        "gen": 0,
        "jti": "AAAAAAAAAAAAAAAAAAAAAA",
        "iat": now,
        "exp": now + 300,
        "auth_time": now,
        "amr": ["pwd"],
        "iss": AUDIENCE.issuer,
        "aud": AUDIENCE.audience,
    }
    return _changed(right, changes)


def forge(key: SigningKey, head: Any, body: Any) -> str:
    """Return a compact JWS with a right signature over whatever the segments hold."""
    return f"{unsigned(head, body)}.{encode_base64url(signature(key, unsigned(head, body)))}"


def unsigned(head: Any, body: Any) -> str:
    """Return the first two segments of a compact JWS."""
    return f"{segment(head)}.{segment(body)}"


def signature(key: SigningKey, signing_input: str) -> bytes:
    """Return the signature of a key over the first two segments."""
    algorithm: Any = jwt.get_algorithm_by_name(key.algorithm)
    return bytes(algorithm.sign(signing_input.encode(), algorithm.prepare_key(key.material)))


def segment(value: Any) -> str:
    """Return one segment: of bytes and text as they are, of anything else its JSON."""
    if isinstance(value, str):
        value = value.encode()
    if not isinstance(value, bytes):
        value = json.dumps(value, separators=(",", ":")).encode()
    return encode_base64url(value)


def numbered(values: Iterable[Any]) -> list[Any]:
    """Return parameters named by their number: values may look alike, or differ in each run."""
    return [pytest.param(value, id=str(number)) for number, value in enumerate(values)]


def _changed(right: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**right, **changes}.items() if value is not ABSENT}
