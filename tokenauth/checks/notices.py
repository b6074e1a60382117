"""Checks of the e-mails to users."""

from __future__ import annotations

import re
import warnings
from typing import Any

import django
from django.conf import settings
from django.core.checks import CheckMessage
from django.template.loader import get_template
from django.urls import NoReverseMatch, reverse

from tokenauth.checks.problem import Problem
from tokenauth.conf import NOTICES
from tokenauth.notices.mail import TEMPLATES

__all__ = [
    "check_email_page",
    "check_email_templates",
    "check_mail_server_is_given_up",
    "check_security_emails",
    "check_site_url",
    "check_site_url_is_an_origin",
]

NOT_NOTICES = Problem(
    "E110",
    "TOKENAUTH_SECURITY_EMAILS is not a list of what users can be told.",
    'Set it to ("new_device", "reuse"), to one of them with a comma behind it, or remove it.',
)
NO_SITE_URL = Problem(
    "E111",
    "TOKENAUTH_SECURITY_EMAILS is set, and TOKENAUTH_SITE_URL is not.",
    'Set it to the origin of your site, such as "https://example.com". Links are never made of '
    "the Host of a request, which whoever sends it chooses.",
)
NOT_AN_ORIGIN = Problem(
    "E112",
    "TOKENAUTH_SITE_URL is not an origin that begins with https://.",
    'Set it to scheme and host alone, such as "https://example.com": no path, and no "/" at the '
    "end. http:// is for localhost, and for any host while DEBUG is on.",
)
NO_PAGE = Problem(
    "E113",
    'TOKENAUTH_SECURITY_EMAILS is set, and reverse("tokenauth:end-session") fails: no e-mail '
    "could have its link.",
    'Mount the endpoints by path("auth/", include("tokenauth.urls")), in no other namespace and '
    "without arguments before it.",
)
NO_TEMPLATE = Problem(
    "E114",
    "TOKENAUTH_SECURITY_EMAILS is set, and the template {name} cannot be loaded.",
    "Have an entry in TEMPLATES whose BACKEND is Django's and whose APP_DIRS is True, or put "
    "right the template of that name in your own directory.",
)

NO_TIMEOUT = Problem(
    "W110",
    "E-mails are sent within the login that they are about, and no time is set after which a mail "
    "server that does not answer is given up.",
    'Set "timeout" in the OPTIONS of MAILERS["default"] (before Django 6.1: EMAIL_TIMEOUT) to a '
    "few seconds, or have TASKS run by workers.",
)

SMTP = "django.core.mail.backends.smtp.EmailBackend"
ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
    r"(:(?P<port>[0-9]{1,5}))?",
    re.ASCII,
)
"""Scheme, host and port, and nothing that one program reads as a host and another does not."""
MAX_PORT = 65535
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
PAGES = ("end_session", "end_session_done", "end_session_invalid", "end_session_busy")


def _wanted() -> list[object] | None:
    """Return what users are to be told, or ``None`` without a list."""
    entries: object = getattr(settings, "TOKENAUTH_SECURITY_EMAILS", ())
    return list(entries) if isinstance(entries, list | tuple) else None


def check_security_emails(**_: Any) -> list[CheckMessage]:
    """The e-mails that are asked for exist (E110)."""
    wanted = _wanted()
    known = wanted is not None and all(isinstance(kind, str) and kind in NOTICES for kind in wanted)
    return [] if known else [NOT_NOTICES.found()]


def check_site_url(**_: Any) -> list[CheckMessage]:
    """E-mails know the site that their links lead to (E111)."""
    missing = getattr(settings, "TOKENAUTH_SITE_URL", None) is None
    return [NO_SITE_URL.found()] if _wanted() and missing else []


def check_site_url_is_an_origin(**_: Any) -> list[CheckMessage]:
    """The site is an https origin (E112)."""
    url: object = getattr(settings, "TOKENAUTH_SITE_URL", None)
    if url is None or (isinstance(url, str) and _is_origin(url)):
        return []
    return [NOT_AN_ORIGIN.found()]


def _is_origin(url: str) -> bool:
    found = ORIGIN.fullmatch(url.lower())
    if found is None or not 0 < int(found["port"] or 443) <= MAX_PORT:
        return False
    local = found["host"].strip("[]") in LOCAL
    return found["scheme"] == "https" or local or bool(settings.DEBUG)


def check_email_page(**_: Any) -> list[CheckMessage]:
    """The page behind the links is mounted (E113)."""
    if not _wanted():
        return []
    if not getattr(settings, "ROOT_URLCONF", None):  # as a worker's settings may have it
        return [NO_PAGE.found()]
    try:
        reverse("tokenauth:end-session", args=["x"])
    except NoReverseMatch:
        return [NO_PAGE.found()]
    return []


def check_email_templates(**_: Any) -> list[CheckMessage]:
    """What the e-mails and their page are made of can be loaded (E114)."""
    kinds = [kind for kind in _wanted() or () if isinstance(kind, str) and kind in NOTICES]
    if not kinds:
        return []
    names = [f"tokenauth/email/{kind}_{end}" for kind in kinds for end in TEMPLATES]
    names += [f"tokenauth/{name}.html" for name in PAGES]
    return [NO_TEMPLATE.found(name=name) for name in names if not _can_be_loaded(name)]


def _can_be_loaded(name: str) -> bool:
    try:
        get_template(name)
    except Exception:  # noqa: BLE001 - not there, wrong, or TEMPLATES itself is
        return False
    return True


def check_mail_server_is_given_up(**_: Any) -> list[CheckMessage]:
    """A mail server that does not answer holds no login for ever (W110)."""
    queued = django.VERSION >= (6, 0) and settings.is_overridden("TASKS")
    backend, timeout = _mailer()
    endless = _wanted() and not queued and backend == SMTP and timeout is None
    return [NO_TIMEOUT.found()] if endless else []


def _mailer() -> tuple[object, object]:
    """Return the backend that e-mails are sent by, and its timeout, as far as they can be read."""
    mailers: object = getattr(settings, "MAILERS", None)
    if django.VERSION < (6, 1) or mailers is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Django 6.1 has deprecated them: its own words to say
            return settings.EMAIL_BACKEND, settings.EMAIL_TIMEOUT
    default = mailers.get("default") if isinstance(mailers, dict) else None
    if not isinstance(default, dict):
        return None, None
    options = default.get("OPTIONS")
    timeout = options.get("timeout") if isinstance(options, dict) else None
    return default.get("BACKEND", SMTP), timeout
