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

__all__ = ["MOST_PER_HOUR", "deliver"]

MOST_PER_HOUR = 5
"""So many e-mails of a kind a user gets in an hour: the sixth would tell nothing new."""

_HOUR = 3600.0

logger = logging.getLogger("tokenauth.notices")


def deliver(kind: Notice, session: AuthSession, language: str) -> bool:
    """Send a user the e-mail about a session, unless it is none too many.

    None without a user or an address, a second one about the same, or a sixth within an hour.

    Args:
        kind: what it is about.
        session: which; loaded with its user.
        language: to write it in.

    Returns:
        Whether it was handed to the mail server.
    """
    user = session.live_user()
    if user is None or not address_of(user):
        return False
    if not _is_due(kind, session):
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


def _is_due(kind: Notice, session: AuthSession) -> bool:
    """Count it; return whether it is the first about the session, and not too many for the user."""
    # Queues run a task twice now and then.
    if not counters.add(f"tokenauth:notice:{kind}:{session.pk}", 1, LINK_LIFETIME.total_seconds()):
        return False
    count = counters.increase(f"tokenauth:notices:{kind}:{_digest(session.user_id)}", _HOUR)
    if count > MOST_PER_HOUR:
        logger.warning(
            "session %s: no e-mail %s, as %d were due in an hour", session.pk, kind, count
        )
        return False
    return True


def _digest(key: Any) -> str:
    """A user's key for the name of a counter, which takes few characters and not too many."""
    return hashlib.sha256(str(key).encode()).hexdigest()[:32]
