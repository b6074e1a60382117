"""Changes of an account that end its sessions at once, in the transaction of the change.

Deactivation does so always: found at the next use alone, as a change in SQL is, it would let a
reactivated account have its old sessions back. A new e-mail address and other permissions do if
the project says so in ``TOKENAUTH_END_SESSIONS_ON``; only then is it read what the account was.

A new password is not among them. The session in which it was changed may be meant to go on
(``update_session_auth_hash()``); the others are refused wherever they come, because their auth
hash is not the account's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Exists, ManyToManyField, OuterRef

from tokenauth import system
from tokenauth.conf import config
from tokenauth.database import write_alias
from tokenauth.models import AuthSession, RevokedReason
from tokenauth.revocation import living, revoke_user_sessions

__all__ = ["end_after_save", "end_of_members", "memberships", "note_account"]

MEMBERS_BATCH = 500
"""So many members of a group are looked at in one statement."""

_BEFORE = "_tokenauth_before"
_PERMISSION_FIELDS = ("is_staff", "is_superuser")
_MEMBERSHIPS = ("groups", "user_permissions")


def note_account(user: Any, using: str, update_fields: frozenset[str] | None) -> None:
    """Remember what an account was before it is saved, if that decides about its sessions.

    One query if ``TOKENAUTH_END_SESSIONS_ON`` is set and what it names is being saved; none
    otherwise.

    Args:
        user: who is about to be saved.
        using: the database to which.
        update_fields: as for ``save()``.
    """
    user.__dict__.pop(_BEFORE, None)
    names = [name for name in _watched(user) if _is_saved(user, name, update_fields)]
    if names and user.pk is not None:
        rows = type(user)._base_manager.using(using).filter(pk=user.pk)
        user.__dict__[_BEFORE] = rows.values(*names).first()


def end_after_save(user: Any, update_fields: frozenset[str] | None) -> None:
    """End the sessions of a user who has been saved, if the change of the account ends them.

    Args:
        user: as saved, in the same transaction.
        update_fields: as for ``save()``.

    Raises:
        TryAgain: the database refused three times.
    """
    before: Mapping[str, Any] = user.__dict__.pop(_BEFORE, None) or {}
    reasons = _watched(user)
    changed = [reasons[name] for name in before if before[name] != getattr(user, name)]
    # Asked second: what was not loaded is not saved, and not read for this.
    if _is_saved(user, "is_active", update_fields) and not getattr(user, "is_active", True):
        changed = [RevokedReason.DEACTIVATED]
    if changed:
        revoke_user_sessions(user, reason=changed[0])


def _watched(user: Any) -> dict[str, str]:
    """The fields whose change ends sessions, each with the reason; as many as the model has."""
    fields: dict[str, str] = {}
    if "email" in config.end_sessions_on:
        fields[getattr(user, "EMAIL_FIELD", None) or "email"] = RevokedReason.EMAIL
    if "permissions" in config.end_sessions_on:
        fields |= dict.fromkeys(_PERMISSION_FIELDS, RevokedReason.PERMISSIONS)
    return {name: reason for name, reason in fields.items() if _is_column(user, name)}


def _is_column(user: Any, name: str) -> bool:
    try:
        return bool(user._meta.get_field(name).concrete)
    except FieldDoesNotExist:
        return False


def _is_saved(user: Any, name: str, update_fields: frozenset[str] | None) -> bool:
    # What is no column, such as an is_active that is worked out, may depend on any.
    return update_fields is None or name in update_fields or not _is_column(user, name)


def memberships() -> Iterator[Any]:
    """Yield the fields of the user model, as far as it has them, that give permissions."""
    for name in _MEMBERSHIPS:
        try:
            field = get_user_model()._meta.get_field(name)
        except FieldDoesNotExist:
            continue
        if isinstance(field, ManyToManyField):
            yield field


def end_of_members(
    field: Any, action: str, instance: Any, keys: set[Any] | None, using: str, *, reverse: bool
) -> None:
    """End the sessions of users whose groups or own permissions change.

    Takes what ``m2m_changed`` is sent with. What was asked for and changes nothing, such as
    leaving a group that the user is not in, ends nothing.

    Args:
        field: one of :func:`memberships`.
        action: as in the signal.
        instance: the user; or, if ``reverse``, what the users get or lose.
        keys: of the other side; ``None`` where all of them go.
        using: the database in which.
        reverse: from which side it was changed.

    Raises:
        TryAgain: the database refused three times.
    """
    if "permissions" not in config.end_sessions_on:
        return
    if action == "post_add":
        users: Iterable[Any] = (keys or ()) if reverse else [instance.pk][: len(keys or ())]
    elif action in {"pre_remove", "pre_clear"}:  # afterwards nobody could tell who they were
        users = _members(field, instance, keys, using, reverse=reverse)
    else:
        return
    for user in _with_sessions(sorted(users)):
        revoke_user_sessions(user, reason=RevokedReason.PERMISSIONS)


def _members(
    field: Any, instance: Any, keys: set[Any] | None, using: str, *, reverse: bool
) -> set[Any]:
    user, other = field.m2m_field_name(), field.m2m_reverse_field_name()
    near, far = (other, user) if reverse else (user, other)
    rows = field.remote_field.through._base_manager.using(using).filter(**{near: instance.pk})
    if keys is not None:
        rows = rows.filter(**{f"{far}__in": keys})
    return set(rows.values_list(user, flat=True))


def _with_sessions(keys: list[Any]) -> Iterator[Any]:
    """Yield the users with these keys who have sessions to end, hidden ones too."""
    alias = write_alias()
    users = get_user_model()._base_manager.using(alias)
    theirs = AuthSession.objects.using(alias).filter(user_id=OuterRef("pk"))
    for start in range(0, len(keys), MEMBERS_BATCH):
        some = users.filter(pk__in=keys[start : start + MEMBERS_BATCH])
        yield from list(some.filter(Exists(living(theirs, system.now()))))
