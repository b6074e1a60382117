"""What the search boxes find: ids, addresses and users, each by an exact or indexed look-up."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import CharField, Q, QuerySet, TextField

from tokenauth.admin.readonly import as_address, as_uuid

__all__ = ["search_events", "search_sessions"]

_MOST_USERS = 100
"""Users whose e-mail address is the same, at most."""


def search_sessions(sessions: QuerySet[Any], term: str) -> QuerySet[Any]:
    """Return the sessions with this id or address, or of users whose name or e-mail has it.

    Args:
        sessions: to search in.
        term: what was typed; all of them for nothing.
    """
    if not term:
        return sessions
    if session_id := as_uuid(term):
        return sessions.filter(pk=session_id)
    if address := as_address(term):
        return sessions.filter(Q(first_ip=address) | Q(last_ip=address))
    found = Q(pk__in=[])
    for name in _name_fields():
        found |= Q(**{f"user__{name}__icontains": term})
    return sessions.filter(found)


def search_events(events: QuerySet[Any], term: str) -> QuerySet[Any]:
    """Return the events of a session, an address or a user: each by an index; arguments as above.

    A user is found by the whole name, e-mail address or key; one who was deleted, by the key.
    """
    if not term:
        return events
    if address := as_address(term):
        return events.filter(ip=address)
    is_id = as_uuid(term)
    users = _users_called(events.db, term, with_names=is_id is None)
    about = Q(user_id__in=users) | Q(user_id=None, user_key=term)
    # A project's users may have keys that look like ids of sessions.
    return events.filter(about | Q(session_id=is_id) if is_id else about)


def _users_called(alias: str, term: str, *, with_names: bool) -> list[Any]:
    """Return the keys of the users with this key or name; or e-mail address, if it is one.

    Django's own user has no index of e-mail addresses: what cannot be one is not looked for.
    """
    model: Any = get_user_model()
    called = Q(pk__in=[])
    with suppress(ValidationError):  # no key of a user
        called |= Q(pk=model._meta.pk.to_python(term))
    for name in _name_fields() if with_names else ():
        if name == model.USERNAME_FIELD or "@" in term:
            called |= Q(**{name: term})
    users = model._base_manager.using(alias).filter(called)
    return list(users.values_list("pk", flat=True)[:_MOST_USERS])


def _name_fields() -> list[str]:
    """Return the fields of the project's user model that hold a name to log in by, or an e-mail."""
    model: Any = get_user_model()
    names = dict.fromkeys([model.USERNAME_FIELD, _email_field(model)])
    return [name for name in names if _is_text(model, name)]


def _email_field(model: Any) -> str:
    return model.get_email_field_name() if hasattr(model, "get_email_field_name") else "email"


def _is_text(model: Any, name: str) -> bool:
    try:
        return isinstance(model._meta.get_field(name), CharField | TextField)
    except FieldDoesNotExist:
        return False
