"""Whether an account is still the one that authenticated, and what follows from a change.

Each session stores Django's session auth hash of its user as authenticated. Comparing it at every
check makes any change of password count, however it was made: ``set_password()``, the admin, an
update in bulk, or SQL.
"""

from __future__ import annotations

import copy
import enum
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.crypto import constant_time_compare

from tokenauth.database import write_alias
from tokenauth.models import AuthSession, EndReason, RevokedReason

__all__ = [
    "AuthHash",
    "auth_hash",
    "carry_over",
    "change_of",
    "compare_auth_hash",
    "end_of",
    "is_of_old_secret",
    "list_changed_account",
    "note_rehash",
    "valid_auth_hashes",
]

_COARSE = {
    RevokedReason.LOGOUT: EndReason.LOGOUT,
    RevokedReason.ACCOUNT: EndReason.ACCOUNT,
    RevokedReason.PASSWORD: EndReason.ACCOUNT,
    RevokedReason.DEACTIVATED: EndReason.ACCOUNT,
    RevokedReason.DELETED: EndReason.ACCOUNT,
    RevokedReason.EMAIL: EndReason.ACCOUNT,
    RevokedReason.PERMISSIONS: EndReason.ACCOUNT,
    RevokedReason.REUSE: EndReason.REUSE,
}
_REHASH = "_tokenauth_rehash"


@dataclass(frozen=True, slots=True)
class _Rehash:
    password: str = field(repr=False)
    auth_hashes: tuple[str, ...] = field(repr=False)


class AuthHash(enum.Enum):
    """How a stored auth hash relates to the account now."""

    CURRENT = "current"
    FALLBACK = "fallback"
    CHANGED = "changed"


def auth_hash(user: Any) -> str:
    """Return Django's session auth hash of ``user``; empty for user models without one."""
    return user.get_session_auth_hash() if hasattr(user, "get_session_auth_hash") else ""


def valid_auth_hashes(user: Any) -> list[str]:
    """Return every hash that stands for the account as it is: the current one, and fallbacks."""
    return [auth_hash(user), *_fallback_hashes(user)]


def compare_auth_hash(user: Any, stored: str) -> AuthHash:
    """Compare the hash that a session stored with the account as it is now.

    ``FALLBACK`` is a hash made under one of ``SECRET_KEY_FALLBACKS``: valid, to be rewritten.
    """
    if constant_time_compare(stored, auth_hash(user)):
        return AuthHash.CURRENT
    return AuthHash.FALLBACK if is_of_old_secret(user, stored) else AuthHash.CHANGED


def is_of_old_secret(user: Any, stored: str) -> bool:
    """Return whether a stored hash was made under one of ``SECRET_KEY_FALLBACKS``."""
    return any(constant_time_compare(stored, old) for old in _fallback_hashes(user))


def _fallback_hashes(user: Any) -> list[str]:
    if not hasattr(user, "get_session_auth_fallback_hash"):
        return []
    return list(user.get_session_auth_fallback_hash())


def end_of(session: AuthSession, now: datetime) -> EndReason | None:
    """Return how a session has ended, or ``None`` while it lives: the one rule of it.

    Args:
        session: loaded with its user, by ``with_user()``.
        now: the time to judge by.
    """
    if session.revoked_at is not None:
        return _COARSE.get(session.revoked_reason, EndReason.REVOKED)
    # What one request was told, and what was recorded, holds for those that arrived before it too.
    if now >= session.expires_at or session.end_recorded_at is not None:
        return EndReason.EXPIRED
    return None if change_of(session) is None else EndReason.ACCOUNT


def change_of(session: AuthSession) -> str | None:
    """Return why the account of a session is not the one that authenticated any longer, if so.

    Args:
        session: as for :func:`end_of`.

    Returns:
        A code of :class:`~tokenauth.models.RevokedReason`: ``deleted`` also where the user model
        hides the user, ``password`` whatever else changed Django's session auth hash.
    """
    user = session.visible_user()
    if user is None:
        return RevokedReason.DELETED
    if not getattr(user, "is_active", True):
        return RevokedReason.DEACTIVATED
    if compare_auth_hash(user, session.auth_hash) is AuthHash.CHANGED:
        return RevokedReason.PASSWORD
    return None


def list_changed_account(user: Any, now: datetime) -> None:
    """Have the sessions of a user who has been saved looked at, if the change concerns them.

    Whatever verifies access tokens without a query learns it from the revocation list. They are
    not revoked for a new password: one of them may be the one in which it was changed.

    Args:
        user: as saved, in the same transaction.
        now: when.
    """
    theirs = AuthSession.objects.using(write_alias()).filter(
        user_id=user.pk, revoked_at__isnull=True, expires_at__gt=now
    )
    if getattr(user, "is_active", True) and _is_visible(user):
        theirs = theirs.exclude(auth_hash__in=valid_auth_hashes(user))
    theirs.update(listed_at=now)


def _is_visible(user: Any) -> bool:
    """Whether the user model's default manager finds the user: some projects delete softly."""
    users = type(user)._default_manager.using(write_alias()).all()
    return not users.query.where or users.filter(pk=user.pk).exists()


def note_rehash(user: Any, update_fields: frozenset[str] | None) -> None:
    """Remember the hashes that a user had before Django re-hashes an unchanged password.

    Called before a user is saved. Django does it inside ``check_password()``, after a right
    password, when the hasher or its iterations have changed: it sets the password, clears
    ``_password`` again to say "no change of password", and saves that field alone. A real
    change carries ``_password``, or has never been through ``set_password()``.

    Once a real change was saved through an instance, or a re-hash, nothing more that is saved
    through it counts as a re-hash: from then on it looks like one, whatever it is.
    """
    if update_fields != frozenset({"password"}) or user.pk is None:
        if user.__dict__.get("_password") is not None:
            setattr(user, _REHASH, None)
        return
    state = user.__dict__
    if state.get("_password", "unset") is not None or _REHASH in state:
        setattr(user, _REHASH, None)
        return
    before = copy.copy(user)
    old = type(user)._base_manager.using(write_alias()).filter(pk=user.pk)
    before.password = old.values_list("password", flat=True).first() or ""
    hashes = (auth_hash(before), *_fallback_hashes(before))
    setattr(user, _REHASH, _Rehash(user.password, hashes))


def carry_over(user: Any) -> None:
    """Give the other sessions of a user who has just logged in the hash of the re-hashed password.

    Called at login, when the password has been shown to be right. Without it, the first login
    after a Django upgrade that raises the iterations would end all of the user's sessions.
    """
    noted: _Rehash | None = user.__dict__.get(_REHASH)
    if noted is None:
        return
    setattr(user, _REHASH, None)
    # A view may check the old password, which re-hashes it, set a new one, and log in: that is
    # a change, and ends the sessions.
    if user.password == noted.password:
        AuthSession.objects.using(write_alias()).filter(
            user_id=user.pk, auth_hash__in=noted.auth_hashes, revoked_at__isnull=True
        ).update(auth_hash=auth_hash(user))
