"""The two statements of the hot path, made once instead of at every request.

Nearly every request reads a session with its user, and a refresh that rotates writes the session
and a line of history. Django takes longer to make the text of such a statement than a database
near by takes to answer it (on the machine of docs/benchmarks.md 0.7 ms of 1.1 for the read). So:

* :func:`load_session` lets Django compile the SELECT once, and keeps its text.
* :func:`write_rotation` writes both rows in one statement where the database can: one round trip
  and one commit instead of two.
* :mod:`tokenauth.prepared` has both read and planned once for each connection, where it may.

What is read and written is the same as by the ORM, which the tests compare field by field.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import DatabaseError, OperationalError, connections, models

from tokenauth.audit import Origin, keep_history, savepoint, trim_history
from tokenauth.database import write_alias
from tokenauth.models import AuthSession, RefreshToken
from tokenauth.prepared import execute

__all__ = ["load_session", "write_rotation"]

_PLACEHOLDER = uuid.UUID(int=0)
_USER = AuthSession._meta.get_field("user")
_HISTORY = {
    "session_id": "id",
    "generation": "generation",
    "issued_at": "rotated_at",
    "ip": "last_ip",
    "user_agent": "last_user_agent",
}
"""The columns of a line of history, and those of the session that it is made of."""
_NOT_ROTATED = (
    "first_ip",
    "first_user_agent",
    "device_kind",
    "new_device",
    "moved_at",
    "revoked_note",
    "revoked_by",
    "listed_at",
    "grace_count",
)
"""What is for staff. A column costs PostgreSQL as much as it does to read it here."""
_AUTH_HASH = (
    "get_session_auth_hash",
    "get_session_auth_fallback_hash",
    "_get_session_auth_hash",
)


@dataclass(frozen=True, slots=True)
class _Select:
    """A compiled SELECT of one session with its user, and how to read what it returns."""

    sql: str
    converters: Mapping[int, tuple[Sequence[Any], Any]]
    session: tuple[slice, Collection[str]]
    user: tuple[slice, list[str]]
    user_model: Any
    user_key: int

    def run(self, session_id: uuid.UUID, alias: str) -> AuthSession | None:
        connection = connections[alias]
        key = AuthSession._meta.pk.get_db_prep_value(session_id, connection)
        row = execute(connection, self.sql, (key,))
        if row is None:
            return None
        values = list(row)
        for index, (convert, expression) in self.converters.items():
            for function in convert:
                values[index] = function(values[index], expression, connection)
        columns, names = self.session
        session = AuthSession.from_db(alias, names, values[columns])
        columns, names = self.user
        found = values[self.user_key] is not None
        user = self.user_model.from_db(alias, names, values[columns]) if found else None
        _USER.set_cached_value(session, user)
        return session


@lru_cache(maxsize=16)
def _select(alias: str, vendor: str, user_model: Any, *, is_rotation: bool) -> _Select:  # noqa: ARG001 - tells two databases of one name apart
    rows = AuthSession.objects.using(alias).select_related("user").filter(pk=_PLACEHOLDER)
    if is_rotation:
        rows = rows.defer(*_NOT_ROTATED, *_not_needed(user_model))
    compiler = rows.query.get_compiler(alias)
    sql, _ = compiler.as_sql()
    columns = [entry[0] for entry in compiler.select]
    session, names = _part(columns, compiler.klass_info["select_fields"])
    user_columns = compiler.klass_info["related_klass_infos"][0]["select_fields"]
    user = _part(columns, user_columns)
    return _Select(
        sql=sql,
        converters=compiler.get_converters(columns),
        # Django looks up each field of the model among the names.
        session=(session, dict.fromkeys(names)),
        user=user,
        user_model=user_model,
        user_key=user_columns[user[1].index(user_model._meta.pk.attname)],
    )


def _not_needed(user_model: Any) -> list[str]:
    """Return the fields of a user that a refresh does not need.

    None, if the model's own idea of its auth hash, or of being active, may need any of them.
    """
    fields = {field.name for field in user_model._meta.concrete_fields}
    own = (vars(base).get(name) for base in user_model.__mro__ for name in _AUTH_HASH)
    by_django = {vars(AbstractBaseUser).get(name) for name in _AUTH_HASH}
    if "is_active" not in fields or any(found not in by_django for found in own if found):
        return []
    needed = {user_model._meta.pk.name, "password", "is_active", user_model.USERNAME_FIELD}
    return [f"user__{name}" for name in sorted(fields - needed)]


def _part(columns: Sequence[Any], numbers: Sequence[int]) -> tuple[slice, list[str]]:
    part = slice(numbers[0], numbers[-1] + 1)
    return part, [column.target.attname for column in columns[part]]


def load_session(session_id: uuid.UUID, *, is_rotation: bool = False) -> AuthSession | None:
    """Return a session with its user, as ``with_user()`` loads them; ``None`` if there is none.

    Args:
        session_id: which.
        is_rotation: leave out what a refresh neither reads nor answers; whoever asks for it,
            a receiver of a signal say, has it loaded then.
    """
    alias, user_model = write_alias(), get_user_model()
    if _hides_users(user_model._default_manager, alias):
        # Whom it hides may depend on the request (a tenant), so nothing of it is kept.
        return AuthSession.objects.using(alias).with_user().filter(pk=session_id).first()
    vendor = connections[alias].vendor
    select = _select(alias, vendor, user_model, is_rotation=is_rotation)
    return select.run(session_id, alias)


def _hides_users(manager: Any, alias: str) -> bool:
    """Return whether a manager leaves out users; one that is Django's own need not be asked."""
    if type(manager).get_queryset is models.Manager.get_queryset:
        queryset_class = manager._queryset_class  # noqa: SLF001 - nothing public says which it is
        if queryset_class is models.QuerySet:
            return False
    return bool(manager.using(alias).all().query.where)


def write_rotation(session: AuthSession, values: Mapping[str, Any], origin: Origin) -> bool:
    """Write a rotation, if the row is of the generation that was read and has not ended.

    A new auth hash is written only over the one that was read: a login may have carried it over
    meanwhile. A failing line of history fails nothing.

    Args:
        session: as it was read; on success it follows.
        values: what changes, by field: where the request came from among it.
        origin: the same, for the history.

    Returns:
        Whether it was written.
    """
    alias = write_alias()
    written = None
    if connections[alias].vendor == "postgresql":
        try:
            with savepoint(alias):
                written = _write_both(session, values, alias)
        except OperationalError:
            raise
        except DatabaseError:
            # Most likely the history's fault: then the rotation is written without it.
            written = None
    if written is None:
        return _write_one_by_one(session, values, origin, alias)
    if written:
        _follow(session, values)
        trim_history(session)
    return written


def _write_one_by_one(
    session: AuthSession, values: Mapping[str, Any], origin: Origin, alias: str
) -> bool:
    row = AuthSession.objects.using(alias).filter(
        pk=session.pk,
        generation=session.generation,
        revoked_at__isnull=True,
        end_recorded_at__isnull=True,
    )
    if "auth_hash" in values:
        row = row.filter(auth_hash=session.auth_hash)
    if not row.update(**values):
        return False
    _follow(session, values)
    keep_history(session, origin)
    return True


def _follow(session: AuthSession, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(session, name, value)


def _write_both(session: AuthSession, values: Mapping[str, Any], alias: str) -> bool:
    connection = connections[alias]
    fields: Any = AuthSession._meta.get_field  # none of them is a relation
    parameters = [
        *(fields(name).get_db_prep_save(value, connection) for name, value in values.items()),
        session.pk,
        session.generation,
        *([session.auth_hash] if "auth_hash" in values else []),
    ]
    row = execute(connection, _both(alias, tuple(values)), parameters)
    return row is not None


@lru_cache(maxsize=16)
def _both(alias: str, names: tuple[str, ...]) -> str:
    """Return one statement for the guarded UPDATE and, where it matched, the INSERT.

    The line of history is made of what the UPDATE returns, so nothing is sent twice, and there is
    one if and only if it matched. ``ON CONFLICT``: after a restored backup a generation may be in
    the history already.
    """
    connection = connections[alias]
    quote = connection.ops.quote_name
    session, history = AuthSession._meta, RefreshToken._meta

    def column(options: Any, name: str) -> str:
        return quote(options.get_field(name).column)

    changes = ", ".join(f"{column(session, name)} = %s" for name in names)
    into = ", ".join(column(history, name) for name in _HISTORY)
    line = ", ".join(column(session, name) for name in _HISTORY.values())
    number = ", ".join(column(history, name) for name in ("session_id", "generation"))
    issued = column(history, "issued_at")
    key = column(session, "id")
    guard = f" AND {column(session, 'auth_hash')} = %s" if "auth_hash" in names else ""
    return (
        f"WITH moved AS (UPDATE {quote(session.db_table)} SET {changes}"  # noqa: S608 - names of our models, no values
        f" WHERE {key} = %s AND {column(session, 'generation')} = %s"
        f" AND {column(session, 'revoked_at')} IS NULL"
        f" AND {column(session, 'end_recorded_at')} IS NULL{guard} RETURNING {line})"
        f" INSERT INTO {quote(history.db_table)} ({into}) SELECT {line} FROM moved"
        f" ON CONFLICT ({number}) DO UPDATE SET {issued} = EXCLUDED.{issued} RETURNING 1"
    )
