"""Settings of the project around the sessions: its gate, its proxies, its admin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any, cast

from django.utils.module_loading import import_string

from tokenauth.conf.reader import Reader

if TYPE_CHECKING:
    from django.http import HttpRequest  # noqa: TID251 - only to say what a gate is called with

__all__ = ["NAMES", "LoginGate", "ProjectSettings", "SecondStep"]

NAMES = ("LOGIN_GATE", "SECOND_STEP", "TRUSTED_PROXIES", "ADMIN_USER_PAGES")

LoginGate = Callable[["HttpRequest", Any], Mapping[str, Any] | None]
SecondStep = Callable[["HttpRequest", Any, Mapping[str, Any]], Sequence[str] | None]


class ProjectSettings(Reader):
    """Gate, proxies and admin."""

    @property
    def login_gate(self) -> LoginGate | None:
        """``TOKENAUTH_LOGIN_GATE``: the function between a right password and a session."""
        path: str | None = self._read("LOGIN_GATE", None)
        return cast("LoginGate", import_string(path)) if path else None

    @property
    def second_step(self) -> SecondStep | None:
        """``TOKENAUTH_SECOND_STEP``: the function that judges the answer to a gate's challenge."""
        path: str | None = self._read("SECOND_STEP", None)
        return cast("SecondStep", import_string(path)) if path else None

    @property
    def trusted_proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """``TOKENAUTH_TRUSTED_PROXIES``: networks whose ``X-Forwarded-For`` is believed."""
        return tuple(ip_network(network) for network in self._read("TRUSTED_PROXIES", ()))

    @property
    def admin_user_pages(self) -> bool:
        """``TOKENAUTH_ADMIN_USER_PAGES``: whether the admin's pages of users show sessions."""
        return self._read("ADMIN_USER_PAGES", True)  # noqa: FBT003 - a setting's default
