"""How many sessions a user may have of one client: the oldest end, exactly and without a lock.

Each login, once its session is committed, ends those of the user's living sessions of the client
that are not among the newest N by creation time and id. Logins that race end neither too many nor
too few:

* Each looks after its own commit, so the one that looks last sees the sessions of all.
* A session among the newest N of all is among the newest N of whatever part of them is seen, so
  no login ends it.

What is left is the newest N of all. A lock on the user would make every login wait for the
slowest; counting before the insert would let twenty logins at once all find room.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import DatabaseError, OperationalError

from tokenauth import system
from tokenauth.audit import NOWHERE, Origin, savepoint
from tokenauth.conf import Client
from tokenauth.database import ATTEMPTS, write_alias
from tokenauth.exceptions import TryAgain
from tokenauth.models import AuthSession, RevokedReason
from tokenauth.revocation import revoke_sessions

__all__ = ["LIMIT_BATCH", "end_oldest"]

LIMIT_BATCH = 500
"""So many sessions end with one commit, where a limit is new and a user has very many."""

logger = logging.getLogger("tokenauth.limits")


def end_oldest(user: Any, client: Client, *, origin: Origin = NOWHERE) -> None:
    """End the oldest of a user's living sessions of a client, if there are more than its limit.

    Costs one SELECT, and what a revocation costs if there is something to end. The login stands
    whatever happens here: a failure is logged, and the next login does it again.

    Args:
        user: who has just logged in; the login is committed.
        client: for which client; one without a limit costs nothing.
        origin: where the login came from, for the audit.
    """
    if client.limit is None:
        return
    try:
        while _end_batch(user, client, client.limit, origin) == LIMIT_BATCH:
            pass
    except (DatabaseError, TryAgain):
        logger.exception("user %s may have more sessions of %s than allowed", user.pk, client.name)


def _end_batch(user: Any, client: Client, limit: int, origin: Origin) -> int:
    """End the next sessions beyond the limit; return how many were found.

    Whoever loses to another login's clean-up looks again: what it ended is no longer found.
    """
    for _ in range(ATTEMPTS):
        try:
            found = _beyond(user, client, limit)
            revoke_sessions(found, reason=RevokedReason.LIMIT, origin=origin)
        except (OperationalError, TryAgain) as error:
            refused = error
        else:
            return len(found)
    raise refused


def _beyond(user: Any, client: Client, limit: int) -> list[AuthSession]:
    alias = write_alias()
    rows = AuthSession.objects.using(alias).filter(
        user_id=user.pk,
        client=client.name,
        revoked_at__isnull=True,
        end_recorded_at__isnull=True,
        expires_at__gt=system.now(),
    )
    with savepoint(alias):
        found = list(rows.order_by("-created_at", "-pk")[limit : limit + LIMIT_BATCH])
    for session in found:
        session.user = user
    return found
