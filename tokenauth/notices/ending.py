"""What the page behind the link of an e-mail does."""

from __future__ import annotations

from dataclasses import dataclass

from tokenauth import system
from tokenauth.accounts import end_of
from tokenauth.audit import Origin
from tokenauth.database import write_alias
from tokenauth.models import AuthSession, RevokedReason
from tokenauth.notices.links import read_value
from tokenauth.revocation import revoke_session, revoke_user_sessions

__all__ = ["Report", "find_report"]


@dataclass(frozen=True, slots=True)
class Report:
    """A session that somebody with an authentic link asks about.

    Attributes:
        session: living or ended, with its user.
        language: of the e-mail that the link was in.
    """

    session: AuthSession
    language: str

    @property
    def is_over(self) -> bool:
        """Whether the session has ended, by whatever way."""
        return end_of(self.session, system.now()) is not None

    def end(self, *, everywhere: bool, origin: Origin) -> int:
        """End the session, or all of its user's; nobody is said to have done it, as nobody proved.

        Args:
            everywhere: whether all of them.
            origin: where the request came from.

        Returns:
            How many this call ended.

        Raises:
            TryAgain: the database refused three times.
        """
        session, reason = self.session, RevokedReason.REPORTED
        if not everywhere:
            return int(revoke_session(session, reason=reason, origin=origin))
        if session.user is None:
            return 0
        return revoke_user_sessions(session.user, reason=reason, origin=origin)


def find_report(value: str) -> Report | None:
    """Return what a link is about, or ``None`` if it is not good: whatever the fault is.

    One query, and none for what was not signed here.

    Args:
        value: the last part of the link, as it was sent.
    """
    link = read_value(value, system.now())
    if link is None:
        return None
    sessions = AuthSession.objects.using(write_alias()).with_user()
    session = sessions.filter(pk=link.session_id).first()
    return Report(session, link.language) if session else None
