"""What happened in a session, the newest first: its events, and between them its rotations.

The events tell the story on their own: the history of refresh tokens may have been pruned. Where
the session began and how it ended is told by the session itself if those events are gone too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tokenauth.admin.display import describe_agent, exact, plain
from tokenauth.admin.stories import Entry, Place, compare, place_of_event, story_of
from tokenauth.audit import HISTORY_KEPT, Origin, event_about
from tokenauth.database import write_alias
from tokenauth.models import AuthEvent, AuthSession, EventType, RefreshToken

__all__ = ["MAX_EVENTS", "Timeline", "timeline_of"]

MAX_EVENTS = 100
"""So many events of a session are shown at most, the newest."""

_REVOCATIONS = frozenset({EventType.REVOKED, EventType.REUSE})
# Of what an answer is repeated to, or a revocation comes from, the session does not go along.
_WHERE_IT_IS = frozenset({EventType.LOGIN, EventType.MOVED})


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happened in a session.

    Attributes:
        entries: the newest first.
        is_cut: whether there are older events than those shown.
    """

    entries: list[Entry]
    is_cut: bool


def timeline_of(session: AuthSession, now: datetime) -> Timeline:
    """Read what happened in a session, in two queries.

    Args:
        session: loaded with its user.
        now: the time to judge by whether it has expired.
    """
    events, rotations = _events(session), _rotations(session)
    shown = events[:MAX_EVENTS]
    rows: list[AuthEvent | RefreshToken] = [
        *_unseen(rotations, shown),
        *shown,
        *_missing(session, shown),
    ]
    teller = _Teller()
    for row in sorted(rows, key=_order):
        teller.tell(row)
    entries = teller.finish()
    if session.revoked_at is None and session.expires_at <= now:
        entries = sorted([_expiry(session), *entries], key=lambda entry: entry.at, reverse=True)
    return Timeline(entries, len(events) > MAX_EVENTS)


def _events(session: AuthSession) -> list[AuthEvent]:
    """Return the events of a session, and the one that ended all of its user's at once."""
    about = Q(session_id=session.pk)
    if session.revoked_at and session.user_id is not None:
        about |= Q(
            session_id__isnull=True,
            type=EventType.REVOKED,
            user_id=session.user_id,
            created_at=session.revoked_at,
        )
    rows = AuthEvent.objects.using(write_alias()).filter(about).select_related("actor")
    return list(rows.order_by("-created_at", "-id")[: MAX_EVENTS + 1])


def _rotations(session: AuthSession) -> list[RefreshToken]:
    rows = RefreshToken.objects.using(write_alias()).filter(session_id=session.pk, generation__gt=0)
    return list(rows.order_by("-generation")[:HISTORY_KEPT])


def _missing(session: AuthSession, events: list[AuthEvent]) -> list[AuthEvent]:
    """Return, unsaved, the events about beginning and end that there are no longer."""
    found, made = {event.type for event in events}, []
    if EventType.LOGIN not in found:
        origin = Origin(session.first_ip, session.first_user_agent)
        made.append(event_about(EventType.LOGIN, session, at=session.created_at, origin=origin))
    if session.revoked_at is not None and found.isdisjoint(_REVOCATIONS):
        reason, detail = session.revoked_reason, {"note": session.revoked_note}
        event = event_about(
            EventType.REVOKED, session, at=session.revoked_at, reason=reason, detail=detail
        )
        event.actor = session.revoked_by
        made.append(event)
    return made


def _unseen(rotations: list[RefreshToken], events: list[AuthEvent]) -> list[RefreshToken]:
    """Return the rotations without those that an event about a move tells of."""
    told = {event.created_at for event in events if event.type == EventType.MOVED}
    return [row for row in rotations if row.issued_at not in told]


def _order(row: AuthEvent | RefreshToken) -> tuple[datetime, int, int]:
    """By time; of what happened at once, the login comes first and what ended it last."""
    if isinstance(row, RefreshToken):
        return row.issued_at, 1, row.generation
    return row.created_at, 0 if row.type == EventType.LOGIN else 2, row.pk or 0


def _expiry(session: AuthSession) -> Entry:
    if session.expires_at < session.absolute_expires_at:
        what = _("Expired: it had not been used for too long.")
    else:
        what = _("Expired: its longest lifetime was over.")
    return Entry(session.expires_at, EventType.EXPIRED, what)


class _Teller:
    """Makes lines of rows that come in order of time: rotations in one place become one line."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._run: list[RefreshToken] = []
        self._run_place: Place | None = None
        self._last: Place | None = None

    def tell(self, row: AuthEvent | RefreshToken) -> None:
        """Add a row."""
        if isinstance(row, RefreshToken):
            self._add_rotation(row)
            return
        self._close_run()
        self._entries.append(story_of(row))
        if row.type in _WHERE_IT_IS:
            self._last = place_of_event(row)

    def finish(self) -> list[Entry]:
        """Return the lines, the newest first."""
        self._close_run()
        return self._entries[::-1]

    def _add_rotation(self, row: RefreshToken) -> None:
        agent = plain(row.user_agent)
        here = Place(row.ip or "", describe_agent(row.user_agent), user_agent=agent)
        marked = compare(here, self._last) if self._last else here
        if marked.is_new_address or marked.is_new_device:
            self._close_run()
        if not self._run:
            self._run_place = marked if here.is_known else None
        self._run.append(row)
        if here.is_known:
            self._last = here

    def _close_run(self) -> None:
        if not self._run:
            return
        first, last = self._run[0].issued_at, self._run[-1].issued_at
        what = ngettext(
            "The refresh token was rotated.",
            "The refresh token was rotated %(count)d times, between %(first)s and %(last)s.",
            len(self._run),
        )
        facts = {"count": len(self._run), "first": exact(first), "last": exact(last)}
        places = (self._run_place,) if self._run_place else ()
        self._entries.append(Entry(last, "rotation", what % facts, places))
        self._run = []
