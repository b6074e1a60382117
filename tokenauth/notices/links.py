"""The link in an e-mail: it names one session, for one purpose, for a day.

Whoever holds it can end that session, or all of its user's, and nothing else: it proves nothing
about who they are, and opens no session. It is signed and not stored: the signature is made with
``SECRET_KEY``, and those of ``SECRET_KEY_FALLBACKS`` are good too.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.signing import BadSignature, Signer
from django.urls import reverse

from tokenauth.conf import config
from tokenauth.tokens.access import LEEWAY

__all__ = ["LINK_LIFETIME", "MAX_VALUE", "Link", "link_to", "read_value", "value_of"]

LINK_LIFETIME = timedelta(hours=24)
"""So long after the e-mail was written its link is good."""

MAX_VALUE = 200
"""A longer value, in characters, is refused before its signature is looked at."""

_SALT = "tokenauth.notices.end-session"
_PURPOSE = "end"
_WRITTEN = re.compile(
    r"(?P<purpose>[a-z]+)\.(?P<session>[0-9a-f]{32})\.(?P<time>[0-9]{1,12})"
    r"\.(?P<language>[A-Za-z0-9@_-]{1,40})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Link:
    """What an authentic link says.

    Attributes:
        session_id: which session it names.
        language: that of the e-mail it was in, for the page behind it.
    """

    session_id: uuid.UUID
    language: str


def value_of(session_id: uuid.UUID, now: datetime, language: str) -> str:
    """Return the signed value for the link of an e-mail that is written now.

    Args:
        session_id: which session it is to name.
        now: the time that its 24 hours begin.
        language: of the e-mail, as a code of Django's.
    """
    return _signer().sign(f"{_PURPOSE}.{session_id.hex}.{int(now.timestamp())}.{language}")


def read_value(value: str, now: datetime) -> Link | None:
    """Return what a value says, or ``None``: forged, for another purpose, or too old.

    Args:
        value: as it was sent; anything at all.
        now: the time to judge by.
    """
    if len(value) > MAX_VALUE:
        return None
    try:
        written = _WRITTEN.fullmatch(_signer().unsign(value))
    except (BadSignature, UnicodeError):
        return None
    if written is None or written["purpose"] != _PURPOSE:
        return None
    age = now.timestamp() - int(written["time"])
    if not -LEEWAY.total_seconds() <= age <= LINK_LIFETIME.total_seconds():
        return None
    return Link(uuid.UUID(written["session"]), written["language"])


def link_to(value: str) -> str:
    """Return the address of the page for a value, on the site of ``TOKENAUTH_SITE_URL``."""
    return f"{config.site_url}{reverse('tokenauth:end-session', args=[value])}"


def _signer() -> Signer:
    # Not Signer's own ":": programs that look for addresses in plain text may end one there.
    return Signer(salt=_SALT, sep=".")
