"""Statements that PostgreSQL reads and plans once for each connection, where the project lets it.

Reading and planning the text of our two statements of the hot path takes PostgreSQL about as long
as running them. psycopg can have that done once, by prepared statements, and Django turns it off,
because a pooler that changes connections between transactions loses them. A project that has no
such pooler says so by psycopg's own option::

    DATABASES = {"default": {..., "OPTIONS": {"prepare_threshold": 5}}}

Django's own statements gain nothing by it: their parameters are written into their text. Ours are
then prepared once they have run so often on a connection. With Django's ``server_side_binding``
psycopg does all of this by itself, and nothing is left to do here.

A statement that is gone (``DISCARD ALL``), or whose table was altered, is run as it is, and the
connection prepares nothing more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["execute"]

# Invalid statement name, duplicate one, and a plan whose columns have changed (PostgreSQL's
# documentation, appendix A). None of them has begun to run the statement.
_LOST = frozenset({"26000", "42P05", "0A000"})


class _Uses:
    """How often each statement ran on one connection; what is prepared; whether that is over."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.prepared: set[str] = set()
        self.is_over = False


_uses: WeakKeyDictionary[Any, _Uses] = WeakKeyDictionary()


def execute(
    connection: BaseDatabaseWrapper, sql: str, parameters: Sequence[Any]
) -> tuple[Any, ...] | None:
    """Execute a statement, prepared if that may be; return its first row, or ``None``.

    Args:
        connection: where.
        sql: the statement: one of few, with ``%s`` for each parameter and no other ``%``.
        parameters: as many.
    """
    with connection.cursor() as cursor:
        if not _may_prepare(connection) or not _execute_prepared(
            connection, cursor, sql, parameters
        ):
            cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def _may_prepare(connection: BaseDatabaseWrapper) -> bool:
    if connection.vendor != "postgresql":
        return False
    options = connection.settings_dict.get("OPTIONS", {})
    if options.get("prepare_threshold") is None or options.get("server_side_binding"):
        return False
    # A statement that is gone would end a transaction that is open.
    return connection.autocommit and not connection.in_atomic_block


def _execute_prepared(
    connection: BaseDatabaseWrapper, cursor: Any, sql: str, parameters: Sequence[Any]
) -> bool:
    """Return whether the statement ran; if not, nothing has happened."""
    uses = _uses.setdefault(connection.connection, _Uses())
    if uses.is_over:
        return False
    name, text = _text(sql)
    if name not in uses.prepared:
        count = uses.counts[name] = uses.counts.get(name, 0) + 1
        if count <= connection.settings_dict["OPTIONS"]["prepare_threshold"]:
            return False
    try:
        if name not in uses.prepared:
            cursor.execute(f"PREPARE {name} AS {text}")
            uses.prepared.add(name)
        marks = ", ".join(["%s"] * len(parameters))
        cursor.execute(f"EXECUTE {name} ({marks})", parameters)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) not in _LOST:
            raise
        uses.is_over = True
        return False
    return True


@lru_cache(maxsize=32)
def _text(sql: str) -> tuple[str, str]:
    """Return the name of a statement, which says what it is, and its text for PREPARE."""
    parts = sql.split("%s")
    numbered = [f"{part}${number}" for number, part in enumerate(parts[:-1], start=1)]
    digest = hashlib.sha256(sql.encode()).hexdigest()[:16]
    return f"tokenauth_{digest}", "".join([*numbered, parts[-1]])
