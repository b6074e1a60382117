"""The access token: a short-lived JWT in the profile of RFC 9068.

It names its session (``sid``) and the generation of the refresh token it was issued with
(``gen``), so the first use of a generation can be seen. It holds no personal data.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from tokenauth import system
from tokenauth.exceptions import AccessInvalid
from tokenauth.tokens.encoding import encode_base64url
from tokenauth.tokens.jws import read_jws, sign_jws
from tokenauth.tokens.keys import SigningKeys

__all__ = ["LEEWAY", "AccessToken", "Audience", "make_access_token", "read_access_token"]

LEEWAY = timedelta(seconds=30)
"""How far the clocks of two hosts may differ, for ``iat`` and ``nbf``; ``exp`` is strict."""

_MAX_TIME = 253_402_300_799  # the last second of the year 9999: what a datetime can still hold
_MAX_GENERATION = 2**32 - 1
_STRINGS = ("sub", "user_id", "client_id", "sid", "jti", "token_type")
_TIMES = ("iat", "exp", "auth_time")


@dataclass(frozen=True, slots=True)
class Audience:
    """Who issues access tokens and for whom.

    Attributes:
        issuer: the value of ``iss``, or ``None`` for tokens without one.
        audience: the value that ``aud`` must contain, or ``None`` for tokens without one.
        max_lifetime: the longest time that ``exp`` may be after ``iat``.
    """

    issuer: str | None
    audience: str | None
    max_lifetime: timedelta


@dataclass(frozen=True, slots=True)
class AccessToken(Mapping[str, Any]):
    """A verified access token: a mapping of its claims that cannot be changed.

    The token itself is not kept, so nothing here can be presented to anybody.
    """

    _claims: Mapping[str, Any] = field(repr=False)

    def __getitem__(self, name: str) -> Any:
        return self._claims[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._claims)

    def __len__(self) -> int:
        return len(self._claims)

    @property
    def session_id(self) -> uuid.UUID:
        """The session that it belongs to, from ``sid``."""
        return uuid.UUID(self._claims["sid"])

    @property
    def generation(self) -> int:
        """The generation that it was issued with, from ``gen``."""
        return int(self._claims["gen"])


def make_access_token(
    keys: SigningKeys,
    audience: Audience,
    *,
    subject: str,
    client: str,
    session_id: uuid.UUID,
    generation: int,
    issued_at: datetime,
    expires_at: datetime,
    auth_time: datetime,
    amr: Sequence[str],
) -> str:
    """Return a signed access token (RFC 9068 section 2.2; ``user_id`` is simplejwt's name).

    Args:
        keys: the current one signs.
        audience: ``iss`` and ``aud``, left out where not configured.
        subject: the user's key as text, for ``sub`` and ``user_id``.
        client: the client's name, for ``client_id``.
        session_id: for ``sid``.
        generation: for ``gen``.
        issued_at: for ``iat``.
        expires_at: for ``exp``.
        auth_time: when the user proved who they are (OpenID Connect Core section 2).
        amr: how (RFC 8176).
    """
    claims: dict[str, Any] = {
        "token_type": "access",
        "sub": subject,
        "user_id": subject,
        "client_id": client,
        "sid": str(session_id),
        "gen": generation,
        "jti": encode_base64url(system.random_bytes(16)),
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "auth_time": int(auth_time.timestamp()),
        "amr": list(amr),
    }
    if audience.issuer is not None:
        claims["iss"] = audience.issuer
    if audience.audience is not None:
        claims["aud"] = audience.audience
    return sign_jws(claims, keys)


def read_access_token(
    raw: object,
    keys: SigningKeys,
    audience: Audience,
    *,
    now: datetime,
    accept_expired: bool = False,
) -> AccessToken:
    """Verify all of an access token that can be verified without a database.

    Args:
        raw: the token as it was sent; anything at all.
        keys: the keys that are accepted.
        audience: what ``iss`` and ``aud`` must be, and the longest lifetime.
        now: the time to judge by.
        accept_expired: for whoever only wants to know which session a token names, to end it.

    Raises:
        AccessInvalid: any fault. The message is for the log.
    """
    if not isinstance(raw, str) or not raw.isascii():
        raise AccessInvalid("not text in ASCII")
    claims = read_jws(raw, keys)
    _check_types(claims)
    _check_audience(claims, audience)
    _check_times(claims, audience, now.timestamp(), accept_expired=accept_expired)
    return AccessToken(claims)


def _check_types(claims: Mapping[str, Any]) -> None:
    for name in _STRINGS:
        if not isinstance(claims.get(name), str) or not claims[name]:
            raise AccessInvalid(f"{name} is missing or no string")
    for name in _TIMES:
        if not _is_integer(claims.get(name), 0, _MAX_TIME):
            raise AccessInvalid(f"{name} is missing or no time")
    if "nbf" in claims and not _is_integer(claims["nbf"], 0, _MAX_TIME):
        raise AccessInvalid("nbf is no time")
    if claims["token_type"] != "access" or claims["sub"] != claims["user_id"]:  # noqa: S105 - a claim
        raise AccessInvalid("another kind of token")
    if not _is_integer(claims.get("gen"), 0, _MAX_GENERATION):
        raise AccessInvalid("gen is missing or no generation")
    amr = claims.get("amr")
    if not isinstance(amr, list) or not all(isinstance(method, str) for method in amr):
        raise AccessInvalid("amr is missing or no list of strings")
    try:
        if str(uuid.UUID(claims["sid"])) != claims["sid"]:
            raise AccessInvalid("sid is not canonical")
    except ValueError as error:
        raise AccessInvalid("sid is no UUID") from error


def _is_integer(value: object, low: int, high: int) -> bool:
    # bool is a subclass of int, and 1e3 or "1000" are what other libraries let through.
    return type(value) is int and low <= value <= high


def _check_audience(claims: Mapping[str, Any], audience: Audience) -> None:
    if claims.get("iss") != audience.issuer or ("iss" in claims and audience.issuer is None):
        raise AccessInvalid("another issuer")
    if audience.audience is None:
        if "aud" in claims:
            raise AccessInvalid("for an audience, and none is configured")
        return
    named = claims.get("aud")
    named = [named] if isinstance(named, str) else named
    if not isinstance(named, list) or not all(isinstance(entry, str) for entry in named):
        raise AccessInvalid("aud is missing or malformed")
    if audience.audience not in named:
        raise AccessInvalid("for another audience")


def _check_times(
    claims: Mapping[str, Any], audience: Audience, now: float, *, accept_expired: bool
) -> None:
    leeway = LEEWAY.total_seconds()
    if claims["iat"] > now + leeway or claims.get("nbf", 0) > now + leeway:
        raise AccessInvalid("not yet valid")
    # Rounded up, as both ends are cut to full seconds: 1.5 s can be from 0.6 to 2.1, or 0 to 2.
    if not 0 < claims["exp"] - claims["iat"] <= ceil(audience.max_lifetime.total_seconds()):
        raise AccessInvalid("lives too long, or never")
    if now >= claims["exp"] and not accept_expired:
        raise AccessInvalid("expired")
