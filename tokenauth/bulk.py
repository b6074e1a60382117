"""Ending sessions by the hundred thousand: described once, counted, and ended in batches.

Each batch is three statements, or four if something ended a session meanwhile: the keys, by the
primary key from where the last batch stopped; one guarded UPDATE; one INSERT of the audit rows.
It is committed by itself and no lock goes from one to the next, so a run may stop anywhere and be
repeated, and a refresh waits for one batch at most.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery

from tokenauth import system
from tokenauth.audit import NOWHERE, Origin, make_event, record
from tokenauth.database import refuse_transaction, retry, write_alias
from tokenauth.models import AuthSession, EventType, SessionQuerySet
from tokenauth.networks import Network, sessions_in
from tokenauth.revocation import announce, living, mark_revoked
from tokenauth.selection import has_column

__all__ = [
    "BATCH_SIZE",
    "MAX_BATCH_SIZE",
    "MOST_COUNTED",
    "Ended",
    "Matching",
    "Target",
    "count_matching",
    "find_matching",
    "knows_superusers",
    "newest_of_each",
    "revoke_matching",
]

BATCH_SIZE = 5000
"""So many sessions end with one commit."""

MAX_BATCH_SIZE = 5000
"""More values are more than a statement takes: an audit row has twelve."""

MOST_COUNTED = 100_000
"""What is left when the time is over is counted up to here: counting takes time as well."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which sessions are meant: those of whom, narrowed by what else is given.

    Attributes:
        users: keys of users.
        group: the key of a group; its members.
        network: an address or network that a session began in or was last seen in.
        everyone: everybody's. At least one of these four must be given: what names nobody is a
            mistake, and must not end everything.
        created_before: only sessions that began before this time.
        keep: ids of sessions to leave.
        spare_user: the key of a user whose sessions stay.
        superusers: whether sessions of superusers are among them.
        asked_at: only sessions that existed then: whoever logs in afterwards is not meant.
    """

    users: tuple[Any, ...] | None = None
    group: Any = None
    network: Network | None = None
    everyone: bool = False
    created_before: datetime | None = None
    keep: tuple[uuid.UUID, ...] = ()
    spare_user: Any = None
    superusers: bool = True
    asked_at: datetime = field(default_factory=lambda: system.now())  # noqa: PLW0108 - asked each time, of the one door

    def __post_init__(self) -> None:
        if self.users is None and self.group is None and self.network is None and not self.everyone:
            raise ValueError("say whose sessions: users, group, network or everyone")
        for time in (self.created_before, self.asked_at):
            if time is not None and time.tzinfo is None:
                raise ValueError("a time without a time zone")

    @property
    def kind(self) -> str:
        """By what they were chosen, as a code: kept with each event."""
        named = {"user": self.users is not None, "group": self.group, "network": self.network}
        return next((kind for kind, given in named.items() if given), "everyone")


@dataclass(frozen=True, slots=True)
class Matching:
    """How many sessions a target is.

    Attributes:
        sessions: that live.
        users: that they belong to.
    """

    sessions: int
    users: int


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run did.

    Attributes:
        sessions: how many it ended: the rows that changed, never what was counted before.
        left: how many are still to be ended because the time was over, counted up to 100,000.
        by_user: how many of each user who was named by :attr:`Target.users`.
    """

    sessions: int = 0
    left: int = 0
    by_user: Mapping[Any, int] = field(default_factory=dict)


def count_matching(target: Target) -> Matching:
    """Return how many sessions :func:`revoke_matching` would end now, and change nothing."""
    found = find_matching(target).aggregate(
        sessions=Count("pk"), users=Count("user", distinct=True)
    )
    return Matching(**found)


def find_matching(target: Target) -> SessionQuerySet:
    """Return the living sessions that ``target`` means, from where they are written.

    Raises:
        ValueError: a group, or superusers to be left out, which the user model does not know.
    """
    alias = write_alias()
    sessions = AuthSession.objects.using(alias).filter(created_at__lte=target.asked_at)
    if target.users is not None:
        sessions = sessions.filter(user_id__in=target.users)
    if target.group is not None:
        sessions = sessions.filter(user_id__in=_users(alias, "groups", target.group))
    if target.network is not None:
        sessions = sessions_in(sessions, target.network)
    if target.created_before is not None:
        sessions = sessions.filter(created_at__lt=target.created_before)
    if target.keep:
        sessions = sessions.exclude(pk__in=target.keep)
    if target.spare_user is not None:
        sessions = sessions.exclude(user_id=target.spare_user)
    if not target.superusers and hasattr(get_user_model(), "is_superuser"):
        sessions = sessions.exclude(user_id__in=_users(alias, "is_superuser", True))  # noqa: FBT003 - a value
    return living(sessions, system.now())


def knows_superusers() -> bool:
    """Return whether superusers can be left out: not where ``is_superuser`` is no column."""
    return not hasattr(get_user_model(), "is_superuser") or has_column("is_superuser")


def _users(alias: str, name: str, value: Any) -> QuerySet[Any]:
    """Return the keys of users, hidden ones too: softly deleted accounts have sessions."""
    if not has_column(name):
        raise ValueError(f"the user model has no {name}")
    users = get_user_model()._base_manager.using(alias)
    return users.filter(**{name: value}).values("pk")


def newest_of_each(users: Iterable[Any], *, until: datetime) -> tuple[uuid.UUID, ...]:
    """Return the id of the newest living session of each user, for :attr:`Target.keep`.

    Args:
        users: keys of users.
        until: sessions that began later do not count.
    """
    alias = write_alias()
    theirs = AuthSession.objects.using(alias).filter(user_id=OuterRef("pk"), created_at__lte=until)
    newest = living(theirs, system.now()).order_by("-created_at", "-pk").values("pk")[:1]
    owners = get_user_model()._base_manager.using(alias).filter(pk__in=list(users))
    keys = owners.annotate(newest=Subquery(newest)).values_list("newest", flat=True)
    return tuple(key for key in keys if key is not None)


def revoke_matching(
    target: Target,
    *,
    reason: str,
    actor: Any = None,
    note: str = "",
    origin: Origin = NOWHERE,
    batch_size: int = BATCH_SIZE,
    max_seconds: float | None = None,
    progress: Callable[[Ended], object] | None = None,
) -> Ended:
    """End the sessions that ``target`` means, in batches; an audit row each, one signal for all.

    Args:
        target: which.
        reason: as for :func:`~tokenauth.revocation.revoke_session`.
        actor: likewise.
        note: likewise.
        origin: likewise.
        batch_size: how many sessions a commit ends at most, 1 to 5,000.
        max_seconds: begin no further batch after so many seconds; ``None``: go on to the end.
        progress: called after each batch with what has ended so far.

    Raises:
        TryAgain: the database refused a batch three times. What was ended before stays ended.
        RuntimeError: called inside a transaction, which would hold every lock until its end.
        ValueError: a batch size that is out of range, or as for :func:`find_matching`.
    """
    if not 1 <= batch_size <= MAX_BATCH_SIZE:
        raise ValueError(f"batch_size is not between 1 and {MAX_BATCH_SIZE:,}")
    refuse_transaction(write_alias())
    end = None if max_seconds is None else system.monotonic() + max_seconds
    facts = {"reason": reason, "actor": actor, "note": note, "origin": origin}
    done, after = Ended(), None
    try:
        while end is None or system.monotonic() < end:
            read, after, ended = _end_batch(target, after, batch_size, **facts)
            done = _add(done, target, ended)
            if progress is not None:
                progress(done)
            if read < batch_size:
                return done
    finally:
        if done.sessions:
            announce([], done.sessions, _only_user(target), reason, actor)
    return Ended(done.sessions, find_matching(target)[:MOST_COUNTED].count(), done.by_user)


def _add(done: Ended, target: Target, ended: list[Any]) -> Ended:
    by_user = Counter(done.by_user)
    if target.users is not None:
        by_user.update(user_id for _, user_id in ended)
    return Ended(done.sessions + len(ended), 0, by_user)


def _only_user(target: Target) -> Any:
    if target.users is None or len(target.users) != 1:
        return None
    return get_user_model()._base_manager.using(write_alias()).filter(pk=target.users[0]).first()


@retry
def _end_batch(
    target: Target,
    after: uuid.UUID | None,
    size: int,
    *,
    reason: str,
    actor: Any,
    note: str,
    origin: Origin,
) -> tuple[int, uuid.UUID | None, list[tuple[uuid.UUID, Any]]]:
    """End the next sessions; return how many were read, the last key, and what ended."""
    sessions = find_matching(target)
    if after is not None:
        sessions = sessions.filter(pk__gt=after)
    # Read outside the transaction: SQLite would refuse to write what another has written since.
    found = list(sessions.order_by("pk").values_list("pk", "user_id")[:size])
    if not found:
        return 0, after, []
    alias, now = write_alias(), system.now()
    named = AuthSession.objects.using(alias).filter(pk__in=[key for key, _ in found])
    with transaction.atomic(using=alias):
        count = mark_revoked(named, now, reason=reason, actor=actor, note=note)
        ended = found
        if count < len(found):
            ours = set(named.filter(revoked_at=now).values_list("pk", flat=True))
            ended = [entry for entry in found if entry[0] in ours]
        detail = {"bulk": target.kind} | ({"note": note[:200]} if note else {})
        record(
            make_event(
                EventType.REVOKED,
                at=now,
                user_id=user_id,
                session_id=key,
                actor=actor,
                origin=origin,
                reason=reason,
                detail=detail,
            )
            for key, user_id in ended
        )
    return len(found), found[-1][0], ended
