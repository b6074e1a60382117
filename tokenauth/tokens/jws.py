"""Signing and strict reading of compact JWS (RFC 7515), with nothing optional left open.

simplejwt's classes carry the format, so any service that uses simplejwt, PyJWT or another JOSE
library can verify what we sign. Reading is stricter than theirs, because PyJWT 2.15 accepts, with
a fixed algorithm, issuer and audience: any or no ``typ``, padding on the signature, duplicate
names (the last wins), ``exp`` as text or float, and ten megabytes of payload.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, NoReturn

import jwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.tokens import Token

from tokenauth.exceptions import AccessInvalid
from tokenauth.tokens.encoding import decode_base64url, encode_base64url
from tokenauth.tokens.keys import SigningKey, SigningKeys

__all__ = ["MAX_TOKEN_LENGTH", "read_jws", "sign_jws"]

MAX_TOKEN_LENGTH = 8192
TYPE = "at+jwt"
_ACCEPTED_TYPES = frozenset({TYPE, f"application/{TYPE}"})
_HEADER_NAMES = frozenset({"alg", "kid", "typ"})


class _Backend(TokenBackend):
    """simplejwt's backend for one key, with the header of RFC 9068 section 2.1."""

    def __init__(self, key: SigningKey) -> None:
        super().__init__(key.algorithm, key.material, key.public_material)
        self.header = _segment({"alg": key.algorithm, "kid": key.kid, "typ": TYPE})
        self.signature_algorithm = jwt.get_algorithm_by_name(key.algorithm)
        self.public_key = self.signature_algorithm.prepare_key(key.public_material)
        self.signing_key = self.signature_algorithm.prepare_key(key.material)

    def encode(self, payload: dict[str, Any]) -> str:
        # As jwt.encode() does it, with header and key prepared once.
        signing_input = f"{self.header}.{_segment(payload)}"
        signature = self.signature_algorithm.sign(signing_input.encode("ascii"), self.signing_key)
        return f"{signing_input}.{encode_base64url(signature)}"

    def is_signed(self, signing_input: bytes, signature: bytes) -> bool:
        return self.signature_algorithm.verify(signing_input, self.public_key, signature)


def _segment(members: dict[str, Any]) -> str:
    return encode_base64url(json.dumps(members, separators=(",", ":")).encode())


class _Jwt(Token):
    """simplejwt's token, filled by us: its own constructor reads ``SIMPLE_JWT`` and the clock."""

    token_type = "access"  # noqa: S105 - the claim's value, no password

    def __init__(self, payload: dict[str, Any], backend: _Backend) -> None:
        self.payload = payload
        self._token_backend = backend


@lru_cache(maxsize=32)
def _backend(key: SigningKey) -> _Backend:
    return _Backend(key)


def sign_jws(claims: dict[str, Any], keys: SigningKeys) -> str:
    """Return ``claims`` as a JWT signed with the current key, ``typ: at+jwt``."""
    return str(_Jwt(claims, _backend(keys.current)))


def read_jws(raw: str, keys: SigningKeys) -> dict[str, Any]:
    """Return the claims of an access token whose form and signature are right.

    Args:
        raw: the token as it was sent.
        keys: the keys that are accepted. The key, not the header, fixes the algorithm.

    Raises:
        AccessInvalid: too long, not compact, not canonical, another ``typ``, an unknown ``kid``,
            any header but ``alg``, ``kid`` and ``typ`` (so no ``crit``, ``jwk`` or ``jku`` is ever
            looked at), a duplicate name, or a wrong signature.
    """
    if len(raw) > MAX_TOKEN_LENGTH:
        raise AccessInvalid("longer than any access token")
    key, payload_segment, signature_segment = _find_key(raw, keys)
    try:
        signature = decode_base64url(signature_segment)
        payload = decode_base64url(payload_segment)
        signing_input = raw.rpartition(".")[0].encode("ascii")
        if not _backend(key).is_signed(signing_input, signature):
            raise AccessInvalid("wrong signature")
        return _read_object(payload)
    except (ValueError, RecursionError) as error:
        raise AccessInvalid("malformed") from error


def _find_key(raw: str, keys: SigningKeys) -> tuple[SigningKey, str, str]:
    try:
        header_segment, payload_segment, signature_segment = raw.split(".")
        algorithm, kid = _read_header(header_segment)
    except (ValueError, RecursionError) as error:
        raise AccessInvalid("not an access token of ours", is_foreign=True) from error
    key = keys.find(kid)
    if key is None or key.algorithm != algorithm:
        raise AccessInvalid("no such key for this algorithm", is_foreign=key is None)
    return key, payload_segment, signature_segment


@lru_cache(maxsize=64)
def _read_header(segment: str) -> tuple[str, str]:
    header = _read_object(decode_base64url(segment))
    if header.keys() != _HEADER_NAMES:
        raise ValueError("the header must hold alg, kid and typ, and nothing else")
    algorithm, kid, kind = header["alg"], header["kid"], header["typ"]
    if not (isinstance(algorithm, str) and isinstance(kid, str) and isinstance(kind, str)):
        raise ValueError("alg, kid and typ are strings")  # noqa: TRY004 - one kind of failure
    if kind.lower() not in _ACCEPTED_TYPES:
        raise ValueError("not an access token: typ")
    return algorithm, kid


def _read_object(value: bytes) -> dict[str, Any]:
    loaded = json.loads(
        value.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant
    )
    if not isinstance(loaded, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one kind of failure
    return loaded


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        # Two services that resolve a duplicate differently would give two verdicts on one token.
        raise ValueError("duplicate name")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
