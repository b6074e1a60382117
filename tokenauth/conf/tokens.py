"""Settings of the tokens: keys, claims, and how an access token is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, get_args

from django.conf import settings

from tokenauth.conf.reader import Reader
from tokenauth.tokens.keys import (
    RefreshKeys,
    SigningKeys,
    derive_key,
    load_refresh_keys,
    load_signing_keys,
)

__all__ = ["ACCESS_CHECKS", "NAMES", "AccessCheck", "TokenSettings"]

NAMES = ("ACCESS_TOKEN_CHECK", "SIGNING_KEYS", "REFRESH_KEYS", "ISSUER", "AUDIENCE")

AccessCheck = Literal["session", "revocation-list", "signature"]

ACCESS_CHECKS: tuple[AccessCheck, ...] = get_args(AccessCheck)
"""The values of ``TOKENAUTH_ACCESS_TOKEN_CHECK``."""


class TokenSettings(Reader):
    """Keys, claims and checks."""

    @property
    def access_token_check(self) -> AccessCheck:
        """``TOKENAUTH_ACCESS_TOKEN_CHECK``: what an API request does beyond the signature.

        ``"session"``: one query, and a revocation is seen at once. ``"revocation-list"``: none,
        and it is seen within a second. ``"signature"``: none, and it is seen at the next refresh.
        """
        return self._read("ACCESS_TOKEN_CHECK", "session")

    @property
    def uses_revocation_list(self) -> bool:
        """Whether API requests are checked by this process's revocation list."""
        return self.access_token_check == "revocation-list"  # noqa: S105 - a check, no password

    @property
    def signing_keys(self) -> SigningKeys:
        """``TOKENAUTH_SIGNING_KEYS``: for access tokens, the first signs, all verify.

        Without any: HS256 with a key derived from ``SECRET_KEY``, and the fallbacks verify.
        """
        entries: Sequence[Mapping[str, Any] | str | bytes] = self._read("SIGNING_KEYS", ())
        return load_signing_keys(entries) if entries else _derive_signing_keys(*_secrets())

    @property
    def refresh_keys(self) -> RefreshKeys:
        """``TOKENAUTH_REFRESH_KEYS``: bytes, the first makes new tokens, all verify.

        Without any: derived from ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``.
        """
        secrets: Sequence[bytes] = self._read("REFRESH_KEYS", ())
        return load_refresh_keys(tuple(secrets)) if secrets else _derive_refresh_keys(*_secrets())

    @property
    def issuer(self) -> str | None:
        """``TOKENAUTH_ISSUER``: ``iss`` of access tokens, required of them when set."""
        return self._read("ISSUER", None)

    @property
    def audience(self) -> str | None:
        """``TOKENAUTH_AUDIENCE``: ``aud`` of access tokens, required of them when set."""
        return self._read("AUDIENCE", None)


def _secrets() -> tuple[str | bytes, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


# Kept by the secrets themselves: they are asked for several times in a request.
@lru_cache(maxsize=4)
def _derive_signing_keys(*secrets: str | bytes) -> SigningKeys:
    return load_signing_keys([derive_key(secret, "access-token") for secret in secrets])


@lru_cache(maxsize=4)
def _derive_refresh_keys(*secrets: str | bytes) -> RefreshKeys:
    return load_refresh_keys([derive_key(secret, "refresh-token") for secret in secrets])
