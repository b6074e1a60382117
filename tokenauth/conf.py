"""The settings, read when they are used, so that ``override_settings`` works.

``config`` is the one object that reads them. :mod:`tokenauth.checks` refuses wrong values, and
the middleware applies the checks when a server starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from django.conf import settings
from django.utils.functional import empty
from django.utils.module_loading import import_string

from tokenauth.exceptions import UnknownClient
from tokenauth.tokens.keys import (
    RefreshKeys,
    SigningKeys,
    derive_key,
    load_refresh_keys,
    load_signing_keys,
)

if TYPE_CHECKING:
    from django.http import HttpRequest  # noqa: TID251 - only to say what a gate is called with

__all__ = [
    "ACCESS_CHECKS",
    "DEFAULT_CLIENTS",
    "SETTINGS",
    "AccessCheck",
    "Client",
    "Config",
    "LoginGate",
    "Transport",
    "config",
]

Transport = Literal["cookie", "body"]
AccessCheck = Literal["session", "revocation-list", "signature"]
LoginGate = Callable[["HttpRequest", Any], Mapping[str, Any] | None]

SETTINGS = (
    "ACCESS_TOKEN_LIFETIME",
    "IDLE_LIFETIME",
    "ABSOLUTE_LIFETIME",
    "GRACE_PERIOD",
    "EVENT_RETENTION",
    "ACCESS_TOKEN_CHECK",
    "SIGNING_KEYS",
    "REFRESH_KEYS",
    "ISSUER",
    "AUDIENCE",
    "REFRESH_COOKIE_NAME",
    "REFRESH_COOKIE_PATH",
    "REFRESH_COOKIE_SAMESITE",
    "REFRESH_COOKIE_SECURE",
    "ACCESS_COOKIE",
    "CLIENTS",
    "LOGIN_GATE",
    "TRUSTED_PROXIES",
    "ADMIN_USER_PAGES",
)
"""Every setting, without its ``TOKENAUTH_``."""

ACCESS_CHECKS: tuple[AccessCheck, ...] = get_args(AccessCheck)
"""The values of ``TOKENAUTH_ACCESS_TOKEN_CHECK``."""

DEFAULT_CLIENTS: Mapping[str, Mapping[str, Any]] = {
    "browser": {"transport": "cookie"},
    "app": {"transport": "body"},
}


@dataclass(frozen=True, slots=True)
class Client:
    """One entry of ``TOKENAUTH_CLIENTS``, with the defaults filled in.

    Attributes:
        name: how a login asks for it; the ``client_id`` of its access tokens.
        transport: how its refresh token travels, ``cookie`` or ``body``.
        access_lifetime: how long an access token lives.
        idle_lifetime: how long a session lives without use.
        absolute_lifetime: how long a session lives at most.
        login: whether the login endpoint may be asked for it.
    """

    name: str
    transport: Transport
    access_lifetime: timedelta
    idle_lifetime: timedelta
    absolute_lifetime: timedelta
    login: bool


_plain_getattribute = object.__getattribute__


class Config:
    """``TOKENAUTH_*`` as typed properties. Each is read anew at every use."""

    _longest: tuple[timedelta | None, Mapping[str, Any] | None, timedelta] = (
        None,
        None,
        timedelta(),
    )

    @property
    def access_token_lifetime(self) -> timedelta:
        """``TOKENAUTH_ACCESS_TOKEN_LIFETIME``: how long an access token lives, 5 minutes."""
        return self._read("ACCESS_TOKEN_LIFETIME", timedelta(minutes=5))

    @property
    def idle_lifetime(self) -> timedelta:
        """``TOKENAUTH_IDLE_LIFETIME``: how long a session lives without use, 14 days."""
        return self._read("IDLE_LIFETIME", timedelta(days=14))

    @property
    def absolute_lifetime(self) -> timedelta:
        """``TOKENAUTH_ABSOLUTE_LIFETIME``: how long a session lives at most, 30 days.

        The most that NIST SP 800-63B-4 section 2.1.3 allows at AAL1. There is no "for ever".
        """
        return self._read("ABSOLUTE_LIFETIME", timedelta(days=30))

    @property
    def grace_period(self) -> timedelta:
        """``TOKENAUTH_GRACE_PERIOD``: how long the predecessor is answered, 30 seconds.

        A session also rotates at most once in this time. It must be at least the time after
        which a client gives up plus the time that a request can live.
        """
        return self._read("GRACE_PERIOD", timedelta(seconds=30))

    @property
    def event_retention(self) -> timedelta:
        """``TOKENAUTH_EVENT_RETENTION``: how long a row of the audit trail is kept, 365 days.

        The least that PCI DSS 4.0 section 10.5.1 asks of audit logs, and the most that the
        French CNIL (2021-122) recommends for them as a rule. The rows hold addresses, and anybody
        can cause one by a failed login: there is no "for ever".
        """
        return self._read("EVENT_RETENTION", timedelta(days=365))

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
        return load_signing_keys(entries or self._derived("access-token"))

    @property
    def refresh_keys(self) -> RefreshKeys:
        """``TOKENAUTH_REFRESH_KEYS``: bytes, the first makes new tokens, all verify.

        Without any: derived from ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``.
        """
        secrets: Sequence[bytes] = self._read("REFRESH_KEYS", ())
        return load_refresh_keys(tuple(secrets or self._derived("refresh-token")))

    @property
    def issuer(self) -> str | None:
        """``TOKENAUTH_ISSUER``: ``iss`` of access tokens, required of them when set."""
        return self._read("ISSUER", None)

    @property
    def audience(self) -> str | None:
        """``TOKENAUTH_AUDIENCE``: ``aud`` of access tokens, required of them when set."""
        return self._read("AUDIENCE", None)

    @property
    def refresh_cookie_name(self) -> str | None:
        """``TOKENAUTH_REFRESH_COOKIE_NAME``: ``None`` for the name that fits the path."""
        return self._read("REFRESH_COOKIE_NAME", None)

    @property
    def refresh_cookie_path(self) -> str | None:
        """``TOKENAUTH_REFRESH_COOKIE_PATH``: ``None`` for where the endpoints are mounted."""
        return self._read("REFRESH_COOKIE_PATH", None)

    @property
    def refresh_cookie_samesite(self) -> str:
        """``TOKENAUTH_REFRESH_COOKIE_SAMESITE``: ``Strict``."""
        return self._read("REFRESH_COOKIE_SAMESITE", "Strict")

    @property
    def refresh_cookie_secure(self) -> bool | None:
        """``TOKENAUTH_REFRESH_COOKIE_SECURE``: ``None``, true but for plain http under DEBUG."""
        return self._read("REFRESH_COOKIE_SECURE", None)

    @property
    def access_cookie(self) -> bool:
        """``TOKENAUTH_ACCESS_COOKIE``: whether browsers also get the access token in a cookie."""
        return self._read("ACCESS_COOKIE", False)  # noqa: FBT003 - a setting's default

    @property
    def login_gate(self) -> LoginGate | None:
        """``TOKENAUTH_LOGIN_GATE``: the function between a right password and a session."""
        path: str | None = self._read("LOGIN_GATE", None)
        return cast("LoginGate", import_string(path)) if path else None

    @property
    def trusted_proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """``TOKENAUTH_TRUSTED_PROXIES``: networks whose ``X-Forwarded-For`` is believed."""
        return tuple(ip_network(network) for network in self._read("TRUSTED_PROXIES", ()))

    @property
    def admin_user_pages(self) -> bool:
        """``TOKENAUTH_ADMIN_USER_PAGES``: whether the admin's pages of users show sessions."""
        return self._read("ADMIN_USER_PAGES", True)  # noqa: FBT003 - a setting's default

    @property
    def clients(self) -> dict[str, Client]:
        """``TOKENAUTH_CLIENTS`` by name, in order: the first is the default."""
        entries: Mapping[str, Mapping[str, Any]] = self._read("CLIENTS", DEFAULT_CLIENTS)
        return {name: self._client(name, entry) for name, entry in entries.items()}

    def client(self, name: str | None) -> Client:
        """Return one client, the first one for ``None``.

        Raises:
            UnknownClient: there is none of this name.
        """
        entries: Mapping[str, Mapping[str, Any]] = self._read("CLIENTS", DEFAULT_CLIENTS)
        if name is None:
            name = next(iter(entries))
        if name not in entries:
            raise UnknownClient(name)
        return self._client(name, entries[name])

    def idle_lifetime_of(self, name: str) -> timedelta:
        """Return the idle lifetime of sessions of a client, even one no longer configured."""
        return self._lifetime_of(name, "idle_lifetime", self.idle_lifetime)

    def access_lifetime_of(self, name: str) -> timedelta:
        """Return the access-token lifetime of a client, even one no longer configured."""
        return self._lifetime_of(name, "access_lifetime", self.access_token_lifetime)

    @property
    def longest_access_lifetime(self) -> timedelta:
        """The longest time that any access token of this project may live."""
        default = self.access_token_lifetime
        entries: Mapping[str, Mapping[str, Any]] = self._read("CLIENTS", DEFAULT_CLIENTS)
        # Asked for by every request: found out once for each pair of settings that was seen last.
        known_default, known_entries, longest = self._longest
        if known_default != default or known_entries is not entries:
            own = (entry.get("access_lifetime", default) for entry in entries.values())
            longest = max([default, *own])
            self._longest = default, entries, longest
        return longest

    def _lifetime_of(self, name: str, key: str, default: timedelta) -> timedelta:
        entries: Mapping[str, Mapping[str, timedelta]] = self._read("CLIENTS", DEFAULT_CLIENTS)
        return entries.get(name, {}).get(key, default)

    def _client(self, name: str, entry: Mapping[str, Any]) -> Client:
        return Client(
            name=name,
            transport=entry.get("transport", "cookie"),
            access_lifetime=entry.get("access_lifetime", self.access_token_lifetime),
            idle_lifetime=entry.get("idle_lifetime", self.idle_lifetime),
            absolute_lifetime=entry.get("absolute_lifetime", self.absolute_lifetime),
            login=entry.get("login", True),
        )

    @staticmethod
    def _derived(purpose: str) -> tuple[bytes, ...]:
        secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        return tuple(derive_key(secret, purpose) for secret in secrets)

    @staticmethod
    def _read(name: str, default: Any) -> Any:
        # What LazySettings stands for: itself, it makes two exceptions of each setting that is not
        # set, which most are, at every request. Before it is set up, it sets itself up.
        wrapped = _plain_getattribute(settings, "_wrapped")
        return getattr(settings if wrapped is empty else wrapped, f"TOKENAUTH_{name}", default)


config = Config()
