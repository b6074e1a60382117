"""The settings, read when they are used, so that ``override_settings`` works.

``config`` is the one object that reads them. :mod:`tokenauth.checks` refuses wrong values, and
the middleware applies the checks when a server starts. Each module in here has the settings of
one subject, and their names.
"""

from __future__ import annotations

from tokenauth.conf import (
    clients,
    cookies,
    ending,
    guessing,
    notices,
    privacy,
    project,
    throttling,
    tokens,
)
from tokenauth.conf.clients import DEFAULT_CLIENTS, Client, ClientSettings, Transport
from tokenauth.conf.cookies import CookieSettings
from tokenauth.conf.ending import ACCOUNT_CHANGES, EndingSettings
from tokenauth.conf.guessing import FREE_FAILURES, AccountKey, GuessingSettings
from tokenauth.conf.notices import NOTICES, Notice, NoticeSettings
from tokenauth.conf.privacy import ADDRESSES, USER_AGENTS, PrivacySettings
from tokenauth.conf.project import LoginGate, ProjectSettings, SecondStep
from tokenauth.conf.throttling import DEFAULT_RATES, ThrottleSettings
from tokenauth.conf.tokens import ACCESS_CHECKS, AccessCheck, TokenSettings

__all__ = [
    "ACCESS_CHECKS",
    "ACCOUNT_CHANGES",
    "ADDRESSES",
    "DEFAULT_CLIENTS",
    "DEFAULT_RATES",
    "FREE_FAILURES",
    "NOTICES",
    "SETTINGS",
    "USER_AGENTS",
    "AccessCheck",
    "AccountKey",
    "Client",
    "Config",
    "LoginGate",
    "Notice",
    "SecondStep",
    "Transport",
    "config",
]

SETTINGS = (
    *clients.NAMES,
    *tokens.NAMES,
    *cookies.NAMES,
    *ending.NAMES,
    *project.NAMES,
    *privacy.NAMES,
    *throttling.NAMES,
    *notices.NAMES,
    *guessing.NAMES,
)
"""Every setting, without its ``TOKENAUTH_``."""


class Config(
    ClientSettings,
    TokenSettings,
    CookieSettings,
    EndingSettings,
    ProjectSettings,
    PrivacySettings,
    ThrottleSettings,
    NoticeSettings,
    GuessingSettings,
):
    """``TOKENAUTH_*`` as typed properties. Each is read anew at every use."""


config = Config()
