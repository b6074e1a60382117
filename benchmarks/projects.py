"""The projects that are compared: what each has installed, and how a client talks to it.

One project is one process with settings of its own. A candidate is one way to do one thing in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CANDIDATES", "KEY", "PASSWORD", "PROJECTS", "Candidate", "Project"]

HOUR = 3600
# At the length of HMAC-SHA-256's output, for everyone: RFC 7518 section 3.2.
KEY = "benchmark-key-of-exactly-32-byte"
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Project:
    """A Django project of the comparison.

    Attributes:
        urls: the module of its paths.
        login: the path of its login.
        access: where an answer of the login holds the access token, by member names.
        refresh_path: the path of its refresh; empty if it has none.
        refresh: where its answers hold the refresh token.
        refresh_member: the member of a request to refresh that holds the token.
        scheme: what stands before the token in ``Authorization``.
        apps: beside Django's own and REST framework.
        middleware: after Django's own.
        settings: whatever else it needs.
        login_members: further members of a request to log in.
        basic: whether the login is by HTTP Basic.
        packages: what it measures, by the names of their distributions.
        database: options of its database, for those who have their statements prepared.
    """

    urls: str
    login: str = "/login/"
    access: tuple[str, ...] = ("access",)
    refresh_path: str = ""
    refresh: tuple[tuple[str, ...], ...] = (("refresh",),)
    refresh_member: str = "refresh"
    scheme: str = "Bearer"
    apps: tuple[str, ...] = ()
    middleware: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    login_members: Mapping[str, str] = field(default_factory=dict)
    basic: bool = False
    packages: tuple[str, ...] = ()
    database: Mapping[str, Any] = field(default_factory=dict)


_NO_LIMITS = dict.fromkeys(("refresh", "session", "refused"))
"""Nobody else here has any."""
_PREPARED = {"prepare_threshold": 5}
_ALL_PREPARED = {"prepare_threshold": 5, "server_side_binding": True}
"""What Django offers to have every statement prepared, those of other packages too."""


def _tokenauth(database: Mapping[str, Any] | None = None, **settings: Any) -> Project:
    return Project(
        urls="tokenauth",
        database=database or {},
        login="/auth/login/",
        refresh_path="/auth/refresh/",
        apps=("tokenauth",),
        middleware=("tokenauth.middleware.TokenAuthMiddleware",),
        settings={
            "TOKENAUTH_ACCESS_TOKEN_LIFETIME": HOUR,
            "TOKENAUTH_THROTTLE_RATES": _NO_LIMITS,
            **settings,
        },
        login_members={"client": "app"},
        packages=("django-tokenauth",),
    )


def _simplejwt(database: Mapping[str, Any] | None = None) -> Project:
    return Project(
        urls="simplejwt",
        database=database or {},
        refresh_path="/refresh/",
        apps=("rest_framework_simplejwt.token_blacklist",),
        settings={
            "SIMPLE_JWT": {
                "ACCESS_TOKEN_LIFETIME": HOUR,
                "ROTATE_REFRESH_TOKENS": True,
                "BLACKLIST_AFTER_ROTATION": True,
                "SIGNING_KEY": KEY,
            }
        },
        packages=("djangorestframework-simplejwt",),
    )


def _allauth(*, stateful: bool) -> Project:
    return Project(
        urls="allauth",
        login="/_allauth/app/v1/auth/login",
        access=("meta", "access_token"),
        refresh_path="/_allauth/app/v1/tokens/refresh",
        refresh=(("meta", "refresh_token"), ("data", "refresh_token")),
        refresh_member="refresh_token",
        apps=("allauth", "allauth.account", "allauth.headless"),
        middleware=("allauth.account.middleware.AccountMiddleware",),
        settings={
            "HEADLESS_ONLY": True,
            "HEADLESS_TOKEN_STRATEGY": "allauth.headless.tokens.strategies.jwt.JWTTokenStrategy",
            "HEADLESS_JWT_ALGORITHM": "HS256",
            "HEADLESS_JWT_PRIVATE_KEY": KEY,
            "HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN": HOUR,
            "HEADLESS_JWT_ROTATE_REFRESH_TOKEN": True,
            "HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED": stateful,
            "ACCOUNT_EMAIL_VERIFICATION": "none",
            "ACCOUNT_RATE_LIMITS": False,
        },
        packages=("django-allauth",),
    )


PROJECTS: dict[str, Project] = {
    "floors": Project(
        urls="floors",
        refresh_path="/refresh/",
        apps=("benchmarks.floors",),
    ),
    "tokenauth": _tokenauth(),
    "tokenauth-list": _tokenauth(TOKENAUTH_ACCESS_TOKEN_CHECK="revocation-list"),
    "tokenauth-signature": _tokenauth(TOKENAUTH_ACCESS_TOKEN_CHECK="signature"),
    "tokenauth-grace-0": _tokenauth(TOKENAUTH_GRACE_PERIOD=0),
    "tokenauth-prepared": _tokenauth(_PREPARED, TOKENAUTH_GRACE_PERIOD=0),
    # The longest there is, so that the run ends before it does: after the default's 30 s this
    # would measure a mixture.
    "tokenauth-grace": _tokenauth(TOKENAUTH_GRACE_PERIOD=600),
    "simplejwt": _simplejwt(),
    "simplejwt-prepared": _simplejwt(_ALL_PREPARED),
    "knox": Project(
        urls="knox",
        access=("token",),
        scheme="Token",
        apps=("knox",),
        basic=True,
        packages=("django-rest-knox",),
    ),
    "allauth": _allauth(stateful=False),
    "allauth-stateful": _allauth(stateful=True),
}


@dataclass(frozen=True)
class Candidate:
    """One row of a table.

    Attributes:
        label: what it is called there.
        project: the process that runs it.
        path: the first segment of its API's paths; empty where it has no API of interest.
    """

    label: str
    project: str
    path: str = ""


_API = {
    "bare": Candidate("floor: a bare view", "floors", "bare"),
    "pyjwt": Candidate("floor: a bare view with PyJWT", "floors", "pyjwt"),
    "joined-row": Candidate("floor: PyJWT and one joined row read", "floors", "joined-row"),
    "signature": Candidate('tokenauth, `"signature"`', "tokenauth-signature", "tokenauth"),
    "list": Candidate('tokenauth, `"revocation-list"`', "tokenauth-list", "tokenauth"),
    "session": Candidate('tokenauth, `"session"` (default)', "tokenauth", "tokenauth"),
    "simplejwt-stateless": Candidate("simplejwt, stateless user", "simplejwt", "stateless"),
    "simplejwt": Candidate("simplejwt (default)", "simplejwt", "default"),
    "knox": Candidate("knox", "knox", "knox"),
    "allauth": Candidate("allauth headless JWT", "allauth", "allauth"),
    "allauth-stateful": Candidate("allauth headless JWT, stateful", "allauth-stateful", "allauth"),
}
_LOGIN = {
    "login-floor": Candidate("floor: password, one row inserted, one JWT", "floors"),
    "session": Candidate("tokenauth", "tokenauth"),
    "simplejwt": Candidate("simplejwt with blacklist", "simplejwt"),
    "knox": Candidate("knox", "knox"),
    "allauth": Candidate("allauth headless JWT", "allauth"),
}
CANDIDATES: dict[str, dict[str, Candidate]] = {
    "api": _API,
    "username": _API.copy(),
    "refresh": {
        "updated-row": Candidate("floor: one row updated", "floors"),
        "grace-0": Candidate("tokenauth, every refresh rotates (grace 0)", "tokenauth-grace-0"),
        "grace-0-prepared": Candidate(
            "tokenauth, grace 0, `prepare_threshold`", "tokenauth-prepared"
        ),
        "grace": Candidate("tokenauth, again within the grace", "tokenauth-grace"),
        "simplejwt": Candidate("simplejwt, rotation and blacklist", "simplejwt"),
        "simplejwt-prepared": Candidate(
            "simplejwt, likewise, `server_side_binding`", "simplejwt-prepared"
        ),
        "allauth": Candidate("allauth headless JWT, rotation", "allauth"),
    },
    "login": _LOGIN,
}
"""Who takes part in which case, in the order of the tables."""
del CANDIDATES["username"]["bare"]
