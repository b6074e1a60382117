"""Databases of our own: made, measured, dropped; and which one the app uses now."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import django
from django.core.management import call_command
from django.db import connections

__all__ = ["TABLES", "Chosen", "drop", "environment", "execute", "make", "one", "sizes", "using"]

TABLES = ("tokenauth_authsession", "tokenauth_refreshtoken")


class Chosen:
    """A router to the database that was chosen last.

    Attributes:
        alias: which.
    """

    alias: ClassVar[str] = "default"

    def db_for_read(self, model: Any, **_hints: Any) -> str:
        """Return it."""
        return self.alias

    def db_for_write(self, model: Any, **_hints: Any) -> str:
        """Return it."""
        return self.alias


@contextmanager
def using(alias: str) -> Iterator[None]:
    """Let the app use this database."""
    before, Chosen.alias = Chosen.alias, alias
    try:
        yield
    finally:
        Chosen.alias = before


def execute(alias: str, sql: str, *params: Any) -> None:
    """Run one statement; without parameters, a percent sign is a percent sign."""
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, params or None)


def one(alias: str, sql: str, *params: Any) -> Any:
    """Return the first value of the first row."""
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, params or None)
        return cursor.fetchone()[0]


def make(alias: str) -> None:
    """Make the database anew, with the app's tables."""
    drop(alias)
    execute("default", f'CREATE DATABASE "{connections.settings[alias]["NAME"]}"')
    call_command("migrate", database=alias, verbosity=0)


def drop(alias: str) -> None:
    """Drop the database, if it is there."""
    connections[alias].close()
    execute("default", f'DROP DATABASE IF EXISTS "{connections.settings[alias]["NAME"]}"')


def sizes(alias: str) -> dict[str, int]:
    """Return the bytes of each table with its indexes, of its indexes alone, and of all."""
    found = {}
    for table in TABLES:
        found[table] = one(alias, f"SELECT pg_total_relation_size('{table}')")
        found[f"{table} indexes"] = one(alias, f"SELECT pg_indexes_size('{table}')")
    found["all"] = one(alias, "SELECT pg_database_size(current_database())")
    return found


def environment() -> list[str]:
    """Return what a reader needs to know of the machine, as lines."""
    settings = ("shared_buffers", "synchronous_commit", "fsync", "autovacuum", "max_wal_size")
    shown = ", ".join(f"{name} {one('default', f'SHOW {name}')}" for name in settings)
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    machine = (
        f"Python {platform.python_version()}, Django {django.get_version()}; {os.cpu_count()} "
        f"processors, {pages * page / 2**30:.0f} GiB of memory; load average {load}."
    )
    return [f"PostgreSQL {one('default', 'SHOW server_version')}: {shown}.", machine]
