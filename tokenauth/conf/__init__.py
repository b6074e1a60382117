"""The settings, read when they are used, so that ``override_settings`` works.

``config`` is the one object that reads them. :mod:`tokenauth.checks` refuses wrong values, and
the middleware applies the checks when a server starts. Each module in here has the settings of
one subject, and their names.
"""

from __future__ import annotations

from tokenauth.conf import clients, cookies, project, throttling, tokens
from tokenauth.conf.clients import DEFAULT_CLIENTS, Client, ClientSettings, Transport
from tokenauth.conf.cookies import CookieSettings
from tokenauth.conf.project import LoginGate, ProjectSettings
from tokenauth.conf.throttling import DEFAULT_RATES, ThrottleSettings
from tokenauth.conf.tokens import ACCESS_CHECKS, AccessCheck, TokenSettings

__all__ = [
    "ACCESS_CHECKS",
    "DEFAULT_CLIENTS",
    "DEFAULT_RATES",
    "SETTINGS",
    "AccessCheck",
    "Client",
    "Config",
    "LoginGate",
    "Transport",
    "config",
]

SETTINGS = (
    *clients.NAMES,
    *tokens.NAMES,
    *cookies.NAMES,
    *project.NAMES,
    *throttling.NAMES,
)
"""Every setting, without its ``TOKENAUTH_``."""


class Config(ClientSettings, TokenSettings, CookieSettings, ProjectSettings, ThrottleSettings):
    """``TOKENAUTH_*`` as typed properties. Each is read anew at every use."""


config = Config()
