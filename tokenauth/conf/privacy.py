"""Settings of what is kept about people, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from tokenauth.conf.reader import Reader

__all__ = ["ADDRESSES", "NAMES", "USER_AGENTS", "PrivacySettings"]

NAMES = (
    "EVENT_RETENTION",
    "FAILED_LOGIN_RETENTION",
    "PERSONAL_DATA_RETENTION",
    "ADDRESSES",
    "USER_AGENTS",
)

Addresses = Literal["full", "truncated", "off"]
ADDRESSES = ("full", "truncated", "off")

UserAgents = Literal["full", "device", "off"]
USER_AGENTS = ("full", "device", "off")


class PrivacySettings(Reader):
    """Addresses, user agents and retention."""

    @property
    def event_retention(self) -> timedelta:
        """``TOKENAUTH_EVENT_RETENTION``: how long a row of the audit trail is kept, 365 days.

        The least that PCI DSS 4.0 section 10.5.1 asks of audit logs, and the most that the
        French CNIL (2021-122) recommends for them as a rule. The rows hold addresses, and anybody
        can cause one by a failed login: there is no "for ever".
        """
        return self._read("EVENT_RETENTION", timedelta(days=365))

    @property
    def failed_login_retention(self) -> timedelta:
        """``TOKENAUTH_FAILED_LOGIN_RETENTION``: how long a failed login is kept, 90 days.

        Of a year's audit logs, PCI DSS 4.0 section 10.5.1 wants three months at hand. Whoever
        guesses passwords writes these rows, so they go sooner than the others; the log records
        are where the rest of the year is. Never longer than ``TOKENAUTH_EVENT_RETENTION``.
        """
        return self._read("FAILED_LOGIN_RETENTION", timedelta(days=90))

    @property
    def personal_data_retention(self) -> timedelta | None:
        """``TOKENAUTH_PERSONAL_DATA_RETENTION``: after it addresses and agents are erased.

        Counted from the end of a session, and from when an event or a line of history was
        written. ``None``: they stay as long as the rows that they stand in.
        """
        return self._read("PERSONAL_DATA_RETENTION", None)

    @property
    def addresses(self) -> Addresses:
        """``TOKENAUTH_ADDRESSES``: what is kept of a client's address, all of it.

        ``"full"``. ``"truncated"``: its network, a /24 of IPv4 or a /48 of IPv6. ``"off"``:
        nothing.
        """
        return self._read("ADDRESSES", "full")

    @property
    def user_agents(self) -> UserAgents:
        """``TOKENAUTH_USER_AGENTS``: what is kept of a user agent, all of it.

        ``"full"``: the first 400 characters. ``"device"``: of a session, what it says about its
        device, such as "Firefox on Windows". ``"off"``: nothing.
        """
        return self._read("USER_AGENTS", "full")
