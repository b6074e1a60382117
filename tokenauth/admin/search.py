"""What the search boxes find: ids, addresses and users, each by an exact or indexed look-up."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import CharField, Q, QuerySet, TextField

from tokenauth.admin.readonly import as_address, as_uuid
from tokenauth.database import write_alias
from tokenauth.models import SessionQuerySet
from tokenauth.networks import as_network, sessions_in

__all__ = ["MAX_KEYS", "MAX_USERS", "search_events", "search_sessions"]

MAX_KEYS = 5000
"""So many sessions are looked up before they are put in order; more are dense enough to walk to."""
MAX_USERS = 1000
"""So many users are found by a name at most: those named so exactly, and then others."""


def search_sessions(sessions: SessionQuerySet, term: str) -> SessionQuerySet:
    """Return the sessions of an id, an address or network, or of users whose name begins so.

    Args:
        sessions: to search in.
        term: what was typed; all of them for nothing.
    """
    if not term:
        return sessions
    if session_id := as_uuid(term):
        return sessions.filter(pk=session_id)
    if network := as_network(term):
        return _looked_up(sessions, sessions_in(sessions, network))
    return _looked_up(sessions, sessions.filter(user_id__in=_users_named(term)))


def _looked_up(sessions: SessionQuerySet, found: SessionQuerySet) -> SessionQuerySet:
    """Return what was found by its keys, unless there are too many of them.

    PostgreSQL takes it that matches are spread evenly over the table. For the newest fifty of some
    thousand it would walk the primary key, past every session that is newer than all of them.
    """
    keys = list(found.order_by().values_list("pk", flat=True)[: MAX_KEYS + 1])
    return found if len(keys) > MAX_KEYS else sessions.filter(pk__in=keys)


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
    """Return the keys of the users with this key or name; or e-mail address, if it is one."""
    model: Any = get_user_model()
    called = Q(pk__in=[])
    with suppress(ValidationError):  # no key of a user
        called |= Q(pk=model._meta.pk.to_python(term))
    for name in _name_fields(term) if with_names else ():
        called |= Q(**{name: term})
    users = model._base_manager.using(alias).filter(called)
    return list(users.values_list("pk", flat=True)[:MAX_USERS])


def _users_named(term: str) -> list[Any]:
    """Return the keys of users whose name, or e-mail address, is or begins with what was typed.

    As it was typed, in small letters, in capitals, and with a capital first: each of these is
    found in an index, where a comparison that ignores case reads every user.
    """
    spellings = dict.fromkeys([term, term.lower(), term.upper(), term.capitalize()])
    exact, beginning = Q(pk__in=[]), Q(pk__in=[])
    for name in _name_fields(term):
        if _has_index(get_user_model(), name):  # what is read from end to end is read once
            exact |= Q(**{f"{name}__in": list(spellings)})
        for spelling in spellings:
            beginning |= Q(**{f"{name}__startswith": spelling})
    users = get_user_model()._base_manager.using(write_alias()).values_list("pk", flat=True)
    found = [*users.filter(exact)[:MAX_USERS], *users.filter(beginning)[:MAX_USERS]]
    return list(dict.fromkeys(found))[:MAX_USERS]


def _name_fields(term: str = "@") -> list[str]:
    """Return the fields of the project's user model that hold a name to log in by, or an e-mail.

    Django's own user has no index on the e-mail address: such a column is read from end to end,
    so only for what looks like an address.
    """
    model: Any = get_user_model()
    email = _email_field(model)
    names = [name for name in dict.fromkeys([model.USERNAME_FIELD, email]) if _is_text(model, name)]
    return [name for name in names if name != email or "@" in term or _has_index(model, name)]


def _has_index(model: Any, name: str) -> bool:
    field = model._meta.get_field(name)
    return bool(field.unique or field.db_index)


def _email_field(model: Any) -> str:
    return model.get_email_field_name() if hasattr(model, "get_email_field_name") else "email"


def _is_text(model: Any, name: str) -> bool:
    try:
        return isinstance(model._meta.get_field(name), CharField | TextField)
    except FieldDoesNotExist:
        return False
