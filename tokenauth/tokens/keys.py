"""Keys: what signs, what verifies, and by which name a token says so.

A key list is ordered: the first key makes new tokens, all of them verify. A new key goes to every
host at the end of the list first, and to its head once it is everywhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tokenauth.tokens.encoding import encode_base64url

__all__ = [
    "ALGORITHMS",
    "KeyProblem",
    "RefreshKey",
    "RefreshKeys",
    "SigningKey",
    "SigningKeys",
    "derive_key",
    "generate_jwk",
    "load_refresh_keys",
    "load_signing_keys",
]

ALGORITHMS = ("ES256", "RS256", "EdDSA", "HS256")
MIN_SECRET_BYTES = 32
MIN_DISTINCT_BYTES = 8
MIN_RSA_BITS = 2048
MIN_RSA_EXPONENT = 65537
MAX_KID_LENGTH = 128
_NO_KEY = "A key is a JWK or bytes. Make one with manage.py tokenauth_key."


class KeyProblem(ValueError):
    """A key in the settings cannot be used. The message says what to do, and holds no key."""


def derive_key(secret: str | bytes, purpose: str) -> bytes:
    """Return a 32-byte key for one purpose, made from a project's secret.

    ``SECRET_KEY`` signs many things in a Django project; a key derived for one purpose can
    neither be turned back into it nor be used for another.
    """
    return _derive(secret, purpose)


@lru_cache(maxsize=32)
def _derive(secret: str | bytes, purpose: str) -> bytes:
    raw = secret if isinstance(secret, bytes) else secret.encode("utf-8", "surrogatepass")
    return hmac.digest(raw, f"tokenauth.{purpose}.v1".encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class RefreshKey:
    """A secret for refresh tokens, and the byte by which a token names it."""

    kid: int
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefreshKeys:
    """The refresh keys, newest first."""

    keys: tuple[RefreshKey, ...]

    @property
    def current(self) -> RefreshKey:
        """The key that makes new tokens."""
        return self.keys[0]

    def with_kid(self, kid: int) -> tuple[RefreshKey, ...]:
        """Return the keys with this ``kid``: none, one, or by chance two."""
        return tuple(key for key in self.keys if key.kid == kid)


def load_refresh_keys(secrets: Sequence[bytes]) -> RefreshKeys:
    """Return the keys for refresh tokens.

    Args:
        secrets: at least one secret of at least 32 bytes, the newest first.

    Raises:
        KeyProblem: a secret is weak or not bytes, or there is none.
    """
    if not all(isinstance(secret, bytes) for secret in secrets):
        raise KeyProblem("A symmetric key must be bytes, for example os.urandom(32).")
    return _load_secrets(tuple(secrets))


@lru_cache(maxsize=32)
def _load_secrets(secrets: tuple[bytes, ...]) -> RefreshKeys:
    if not secrets:
        raise KeyProblem("Give at least one key.")
    return RefreshKeys(tuple(RefreshKey(_first_digest_byte(s), _long_enough(s)) for s in secrets))


def _first_digest_byte(secret: bytes) -> int:
    # Of a digest, never the position in the list: a list that is reordered, or that two hosts
    # hold at different lengths during a deployment, must not rename its keys.
    return hashlib.sha256(b"tokenauth.kid.v1" + secret).digest()[0]


def _long_enough(secret: bytes) -> bytes:
    if len(secret) < MIN_SECRET_BYTES:
        raise KeyProblem("A symmetric key must have at least 32 bytes, for example os.urandom(32).")
    if len(set(secret)) < MIN_DISTINCT_BYTES:
        raise KeyProblem("A symmetric key must be random, for example os.urandom(32).")
    try:
        jwt.get_algorithm_by_name("HS256").prepare_key(secret)
    except jwt.InvalidKeyError:
        # Half of such a pair is public: whoever has read it could sign (CVE-2022-29217).
        raise KeyProblem("A PEM or SSH key is no symmetric key. Give it as a JWK.") from None
    return secret


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """One key for access tokens, good for exactly one algorithm (RFC 8725 section 3.1).

    Attributes:
        kid: its name in the header of a token (RFC 7515 section 4.1.4).
        algorithm: one of :data:`ALGORITHMS`.
        can_sign: whether the private half is here.
    """

    kid: str
    algorithm: str
    can_sign: bool
    material: Any = field(repr=False)
    public_material: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys for access tokens: the first signs, each verifies."""

    keys: tuple[SigningKey, ...]

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        return self.keys[0]

    def find(self, kid: object) -> SigningKey | None:
        """Return the key with this ``kid``, or ``None``. Only ever a comparison of strings."""
        if not isinstance(kid, str):
            return None
        return next((key for key in self.keys if key.kid == kid), None)


def load_signing_keys(entries: Sequence[Mapping[str, Any] | str | bytes]) -> SigningKeys:
    """Return the keys for access tokens.

    Args:
        entries: JWKs (RFC 7517) with ``kid`` and ``alg``, as a mapping or as JSON text, or the
            bytes of an HS256 key, whose ``kid`` is then made from its digest.

    Raises:
        KeyProblem: a key is weak, malformed, of no known algorithm, named twice, or the first
            cannot sign.
    """
    return _load_frozen(tuple(_freeze(entry) for entry in entries))


def _freeze(entry: Mapping[str, Any] | str | bytes) -> str | bytes:
    if isinstance(entry, str | bytes):
        return entry
    try:
        return json.dumps(dict(entry), sort_keys=True)
    except (TypeError, ValueError):
        raise KeyProblem(_NO_KEY) from None


@lru_cache(maxsize=32)
def _load_frozen(entries: tuple[str | bytes, ...]) -> SigningKeys:
    keys = tuple(
        _from_bytes(entry) if isinstance(entry, bytes) else _from_jwk(entry) for entry in entries
    )
    if not keys:
        raise KeyProblem("Give at least one key.")
    if len({key.kid for key in keys}) != len(keys):
        raise KeyProblem("Two keys have the same kid. Give each its own.")
    if not keys[0].can_sign:
        raise KeyProblem("The first key signs, so it must have its private half.")
    return SigningKeys(keys)


def _from_bytes(secret: bytes) -> SigningKey:
    secret = _long_enough(secret)
    kid = encode_base64url(hashlib.sha256(b"tokenauth.kid.v1" + secret).digest()[:12])
    return SigningKey(kid, "HS256", can_sign=True, material=secret, public_material=secret)


def _from_jwk(text: str) -> SigningKey:
    try:
        jwk = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        raise KeyProblem(_NO_KEY) from None
    if not isinstance(jwk, dict):
        raise KeyProblem(_NO_KEY)
    kid, algorithm = jwk.get("kid"), jwk.get("alg")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID_LENGTH:
        raise KeyProblem("Every JWK needs a kid: a string of at most 128 characters.")
    if algorithm not in ALGORITHMS:
        raise KeyProblem(f"Every JWK needs an alg: one of {', '.join(ALGORITHMS)}.")
    try:
        material = jwt.PyJWK(jwk, algorithm).key
    except Exception:  # noqa: BLE001 - whatever a malformed key raises, it may quote the key
        raise KeyProblem(f"The JWK of alg {algorithm} is malformed. Make a new one.") from None
    return _CHECKS[algorithm](kid, material)


def _hmac_key(kid: str, material: Any) -> SigningKey:
    secret = _long_enough(material)
    return SigningKey(kid, "HS256", can_sign=True, material=secret, public_material=secret)


def _asymmetric(
    algorithm: str, private: type[Any], public: type[Any], check: Callable[[Any], str | None]
) -> Callable[[str, Any], SigningKey]:
    def load(kid: str, material: Any) -> SigningKey:
        if not isinstance(material, private | public):
            raise KeyProblem(f"The JWK's kty or crv does not belong to alg {algorithm}.")
        can_sign = isinstance(material, private)
        public_material = material.public_key() if can_sign else material
        if problem := check(public_material):
            raise KeyProblem(problem)
        return SigningKey(kid, algorithm, can_sign, material, public_material)

    return load


def _check_p256(key: ec.EllipticCurvePublicKey) -> str | None:
    return None if isinstance(key.curve, ec.SECP256R1) else "ES256 needs a key on the curve P-256."


def _check_rsa(key: rsa.RSAPublicKey) -> str | None:
    if key.key_size < MIN_RSA_BITS:
        return "RS256 needs a key of at least 2048 bits; 3072 is better."
    if key.public_numbers().e < MIN_RSA_EXPONENT:
        return "RS256 needs the public exponent 65537."
    return None


_CHECKS: dict[str, Callable[[str, Any], SigningKey]] = {
    "HS256": _hmac_key,
    "ES256": _asymmetric(
        "ES256", ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey, _check_p256
    ),
    "RS256": _asymmetric("RS256", rsa.RSAPrivateKey, rsa.RSAPublicKey, _check_rsa),
    "EdDSA": _asymmetric(
        "EdDSA", ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey, lambda _key: None
    ),
}


def generate_jwk(algorithm: str) -> dict[str, Any]:
    """Return a new private key as a JWK, named by its thumbprint (RFC 7638).

    Args:
        algorithm: ``ES256``, ``RS256`` (3072 bits) or ``EdDSA`` (Ed25519).

    Raises:
        KeyProblem: another algorithm.
    """
    key: Any
    if algorithm == "ES256":
        key = ec.generate_private_key(ec.SECP256R1())
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(key, as_dict=True)
    elif algorithm == "RS256":
        key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True)
    elif algorithm == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
        jwk = jwt.algorithms.OKPAlgorithm.to_jwk(key, as_dict=True)
    else:
        raise KeyProblem("Choose ES256, RS256 or EdDSA.")
    jwk.pop("key_ops", None)
    return {**jwk, "alg": algorithm, "use": "sig", "kid": _thumbprint(jwk)}


def _thumbprint(jwk: Mapping[str, Any]) -> str:
    names = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}
    required = {name: jwk[name] for name in names[jwk["kty"]]}
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":"))
    return encode_base64url(hashlib.sha256(canonical.encode()).digest())
