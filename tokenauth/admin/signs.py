"""What is suspicious about a session, in words: what it means, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tokenauth.admin.display import exact
from tokenauth.codes import MANY_LATE, MANY_REPEATS
from tokenauth.models import AuthSession, RevokedReason

__all__ = ["Sign", "signs_of"]


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that staff should look at.

    Attributes:
        what: what was seen.
        meaning: what it means, and what to do.
    """

    what: str
    meaning: str


def signs_of(session: AuthSession) -> list[Sign]:
    """Return what is suspicious about a session, the gravest first.

    The same things as :data:`tokenauth.models.SUSPICIOUS` finds.

    Args:
        session: any, living or ended.
    """
    signs = (_reuse(session), _moved_at_once(session), _late(session), _repeats(session))
    return [sign for sign in signs if sign is not None]


def _reuse(session: AuthSession) -> Sign | None:
    if session.revoked_reason != RevokedReason.REUSE:
        return None
    return Sign(
        _("Refresh token reused"),
        _(
            "A token that had been replaced was presented again, so two programs had a copy of it: "
            "the session was ended at once. Ask the user which of the two places below is theirs. "
            "If one is not, revoke the user's other sessions and have the password changed."
        ),
    )


def _moved_at_once(session: AuthSession) -> Sign | None:
    if session.moved_at is None:
        return None
    return Sign(
        _("Address and browser changed at once on %(time)s") % {"time": exact(session.moved_at)},
        _(
            "A session stays in one browser, so this is rare: a token may have been copied to "
            "another device. Ask the user whether both places are theirs, and revoke the session "
            "if one is not."
        ),
    )


def _late(session: AuthSession) -> Sign | None:
    if session.late_run < MANY_LATE:
        return None
    what = ngettext(
        "%(count)d late answer in a row", "%(count)d late answers in a row", session.late_run
    )
    return Sign(
        what % {"count": session.late_run},
        _(
            "Answers did not arrive, and the old token was accepted once more each time. Once is "
            "a bad connection; several in a row can be a copied token. Compare the addresses and "
            "browsers below with what the user tells you."
        ),
    )


def _repeats(session: AuthSession) -> Sign | None:
    if session.grace_count < MANY_REPEATS:
        return None
    what = ngettext("%(count)d repeated answer", "%(count)d repeated answers", session.grace_count)
    return Sign(
        what % {"count": session.grace_count},
        _(
            "Many requests came with a token that had just been replaced. Mostly that is a "
            "program that refreshes too often or a bad connection; look below whether any came "
            "from elsewhere."
        ),
    )
