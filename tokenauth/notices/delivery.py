"""Whether an e-mail is due, and sending it. What fails here is logged and goes no further."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from tokenauth import system
from tokenauth.conf import Notice
from tokenauth.counters import counters
from tokenauth.models import AuthSession
from tokenauth.notices.links import LINK_LIFETIME
from tokenauth.notices.mail import address_of, write

__all__ = ["MOST_PER_HOUR", "deliver", "deliver_once", "has_room"]

MOST_PER_HOUR = 5
"""So many e-mails of a kind a user gets within an hour: a sixth would tell nothing new."""

_HOUR = 3600.0

logger = logging.getLogger("tokenauth.notices")


def deliver(kind: Notice, session: AuthSession, language: str) -> bool:
    """Send a user the e-mail about a session; none without a user or an address.

    Args:
        kind: what it is about.
        session: which; loaded with its user.
        language: to write it in.

    Returns:
        Whether it was handed to the mail server.
    """
    user = session.visible_user()
    if user is None or not getattr(user, "is_active", True) or not address_of(user):
        return False
    try:
        message = write(kind, session, user, system.now(), language)
    except Exception:
        logger.exception("the e-mail %s about session %s was not written", kind, session.pk)
        return False
    try:
        return message.send() == 1
    except Exception as error:  # noqa: BLE001 - each mail server has its own
        # Without its text: mail servers quote the address, and links that they refuse.
        logger.error(  # noqa: TRY400 - as above
            "the e-mail %s about session %s was not sent: %s",
            kind,
            session.pk,
            type(error).__name__,
        )
        return False


def deliver_once(kind: Notice, session: AuthSession, language: str) -> bool:
    """Do as :func:`deliver`, once for a session and kind: queues repeat what they are given."""
    key, seconds = f"tokenauth:notice:{kind}:{session.pk}", LINK_LIFETIME.total_seconds()
    return counters.add(key, 1, seconds) and deliver(kind, session, language)


def has_room(kind: Notice, session: AuthSession) -> bool:
    """Return whether an e-mail to a session's user is not one too many within the hour.

    A login has looked for the user's new devices anyway, so it asks nothing more for it. Of reuse
    the cache knows: one operation as a rule, because the first place is free nearly always.

    Args:
        kind: what it is about.
        session: as the login made it, or as the refresh found it.
    """
    if kind == "new_device":
        found = session.new_devices_lately <= MOST_PER_HOUR
    else:
        key = f"tokenauth:notices:{kind}:{_digest(session.user_id)}"
        found = any(counters.add(f"{key}:{place}", 1, _HOUR) for place in range(MOST_PER_HOUR))
    if not found:
        logger.warning("no e-mail %s about session %s: too many in an hour", kind, session.pk)
    return found


def _digest(key: Any) -> str:
    """A user's key for the name of a counter, which takes few characters and not too many."""
    return hashlib.sha256(str(key).encode()).hexdigest()[:32]
