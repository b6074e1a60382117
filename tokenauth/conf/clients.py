"""``TOKENAUTH_CLIENTS``, and the lifetimes that hold where a client has none of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from tokenauth.conf.reader import Reader
from tokenauth.exceptions import UnknownClient

__all__ = ["DEFAULT_CLIENTS", "NAMES", "Client", "ClientSettings", "Transport"]

NAMES = (
    "ACCESS_TOKEN_LIFETIME",
    "IDLE_LIFETIME",
    "ABSOLUTE_LIFETIME",
    "GRACE_PERIOD",
    "CLIENTS",
)

Transport = Literal["cookie", "body"]

DEFAULT_CLIENTS: Mapping[str, Mapping[str, Any]] = {
    "browser": {"transport": "cookie"},
    "app": {"transport": "body"},
}


# Made once: they are asked for several times in a request.
_ACCESS_TOKEN_LIFETIME = timedelta(minutes=5)
_IDLE_LIFETIME = timedelta(days=14)
_ABSOLUTE_LIFETIME = timedelta(days=30)
_GRACE_PERIOD = timedelta(seconds=30)


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
        limit: how many living sessions a user may have of it; ``None``: as many as there are.
    """

    name: str
    transport: Transport
    access_lifetime: timedelta
    idle_lifetime: timedelta
    absolute_lifetime: timedelta
    login: bool
    limit: int | None = None


class ClientSettings(Reader):
    """Clients and lifetimes."""

    _longest: tuple[timedelta | None, Mapping[str, Any] | None, timedelta] = (
        None,
        None,
        timedelta(),
    )

    @property
    def access_token_lifetime(self) -> timedelta:
        """``TOKENAUTH_ACCESS_TOKEN_LIFETIME``: how long an access token lives, 5 minutes."""
        return self._read("ACCESS_TOKEN_LIFETIME", _ACCESS_TOKEN_LIFETIME)

    @property
    def idle_lifetime(self) -> timedelta:
        """``TOKENAUTH_IDLE_LIFETIME``: how long a session lives without use, 14 days."""
        return self._read("IDLE_LIFETIME", _IDLE_LIFETIME)

    @property
    def absolute_lifetime(self) -> timedelta:
        """``TOKENAUTH_ABSOLUTE_LIFETIME``: how long a session lives at most, 30 days.

        The most that NIST SP 800-63B-4 section 2.1.3 allows at AAL1. There is no "for ever".
        """
        return self._read("ABSOLUTE_LIFETIME", _ABSOLUTE_LIFETIME)

    @property
    def grace_period(self) -> timedelta:
        """``TOKENAUTH_GRACE_PERIOD``: how long the predecessor is answered, 30 seconds.

        A session also rotates at most once in this time. It must be at least the time after
        which a client gives up plus the time that a request can live.
        """
        return self._read("GRACE_PERIOD", _GRACE_PERIOD)

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
            limit=entry.get("limit"),
        )
