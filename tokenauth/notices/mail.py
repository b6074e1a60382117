"""The e-mails: what each says, in text and HTML, by templates that a project can replace.

Templates are ``tokenauth/email/<kind>_subject.txt``, ``<kind>_body.txt`` and ``<kind>_body.html``.
What they are given is said in docs/notices.md. No e-mail holds a token, or a secret but its link.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import get_default_timezone
from django.utils.translation import gettext as _

from tokenauth.audit import clean
from tokenauth.conf import Notice, config
from tokenauth.devices import describe_label
from tokenauth.models import AuthSession
from tokenauth.notices.links import LINK_LIFETIME, link_to, value_of

__all__ = [
    "MAX_SUBJECT",
    "TEMPLATES",
    "address_of",
    "facts_about",
    "language_of",
    "site_name",
    "time_in_words",
    "write",
]

TEMPLATES = ("subject.txt", "body.txt", "body.html")
"""How the names of the three templates of a kind end."""

MAX_SUBJECT = 200
"""So many characters of a subject are sent."""

# RFC 3834 section 5: programs that answer e-mails while somebody is away leave it alone.
_HEADERS = {"Auto-Submitted": "auto-generated"}


def write(
    kind: Notice, session: AuthSession, user: Any, now: datetime, language: str
) -> EmailMultiAlternatives:
    """Return the e-mail about a session, ready to be sent.

    Args:
        kind: what it is about.
        session: which.
        user: whose, who has an address.
        now: the time that the 24 hours of its link begin.
        language: to write it in.
    """
    with translation.override(language):
        context = {
            "user": user,
            "username": clean(str(user.get_username()), MAX_SUBJECT),
            "session": session,
            "facts": facts_about(session),
            "site": site_name(),
            "link": link_to(value_of(session.pk, now, language)),
            "hours": int(LINK_LIFETIME.total_seconds() // 3600),
            "language": language,
            "direction": "rtl" if translation.get_language_bidi() else "ltr",
        }
        # A line break in a name would begin another header.
        subject = clean(" ".join(_render(kind, "subject.txt", context).split()), MAX_SUBJECT)
        context["subject"] = subject
        text, html = (_render(kind, end, context) for end in ("body.txt", "body.html"))
    message = EmailMultiAlternatives(
        subject, text.strip() + "\n", to=[address_of(user)], headers=_HEADERS
    )
    message.attach_alternative(html.strip() + "\n", "text/html")
    return message


def _render(kind: Notice, end: str, context: dict[str, Any]) -> str:
    return render_to_string(f"tokenauth/email/{kind}_{end}", context)


def facts_about(session: AuthSession) -> Sequence[tuple[str, str]]:
    """Return what a user may recognise a session by, as pairs of name and value.

    In the language and words of now: the device, when it signed in, the address it was last seen
    at, and when it was ended, if it was.
    """
    # What a client calls itself is its own word: without dots no program makes a link of it.
    device = describe_label(session.device).replace(".", " ") or _("unknown device")
    facts = [
        (_("Device"), device),
        (_("Signed in"), time_in_words(session.created_at)),
        (_("Address"), session.last_ip or ""),
        (_("Ended"), time_in_words(session.revoked_at)),
    ]
    return [(name, value) for name, value in facts if value]


def time_in_words(time: datetime | None) -> str:
    """Return a time in the language of now, in the project's time zone and with its name."""
    if time is None:
        return ""
    local = time.astimezone(get_default_timezone())
    return f"{date_format(local, 'DATETIME_FORMAT')} {local.tzname()}"


def site_name() -> str:
    """Return how an e-mail and the page behind its link call the site: its host."""
    return urlsplit(config.site_url or "").hostname or ""


def address_of(user: Any) -> str:
    """Return a user's e-mail address, or ``""``: from the field that the user model names."""
    name_field = getattr(user, "get_email_field_name", None)
    address = getattr(user, name_field() if name_field else "email", None)
    return str(address or "").strip()


def language_of(user: Any, requested: str | None) -> str:
    """Return the language for an e-mail to a user.

    A project whose user model has an attribute ``language`` decides by it: whoever has stolen a
    password also chooses the language of the request that signs in.

    Args:
        user: whose.
        requested: the language of the request, if it may be the user's, as a code of Django's.
    """
    for language in (getattr(user, "language", None), requested):
        if isinstance(language, str) and language:
            try:
                return translation.get_supported_language_variant(language)
            except LookupError:
                continue
    return settings.LANGUAGE_CODE
