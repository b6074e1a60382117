"""Sessions by the million, by SQL; the id and the seed of each follow from its number.

So a client knows every refresh token without having been given one, as the app makes them: from
the seed in the row and the key in the settings.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connections

from benchmarks.scale.databases import TABLES, execute, one
from tokenauth.accounts import auth_hash
from tokenauth.audit import Origin
from tokenauth.conf import config
from tokenauth.tokens.refresh import make_refresh_token

__all__ = [
    "AGENTS",
    "HISTORY",
    "PASSWORD",
    "Lot",
    "add_users",
    "facts_of",
    "fill",
    "load",
    "origin",
    "settle",
    "token",
]

HISTORY = 3
"""Rows of history for each session: its login and two rotations."""

PASSWORD = "!unusable"
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
)


@dataclass(frozen=True, slots=True)
class Lot:
    """Sessions that were loaded together.

    Attributes:
        name: makes ids and seeds differ from those of other lots.
        count: how many sessions.
        first: the login of the first one.
        span: from there to the login of the last one.
        users: how many accounts they are spread over.
    """

    name: str
    count: int
    first: datetime
    span: timedelta
    users: int

    def login(self, number: int) -> int:
        """Return when session ``number`` began, in milliseconds since 1970."""
        start = int(self.first.timestamp()) * 1000
        return start + number * int(self.span.total_seconds()) * 1000 // self.count

    def session_id(self, number: int) -> uuid.UUID:
        """Return the id of session ``number``: a version 7 UUID, as the app makes them."""
        digest = hashlib.md5(f"{self.name}{number}".encode()).hexdigest()  # noqa: S324 - no secret
        text = f"{self.login(number):012x}7{digest[:3]}8{digest[3:6]}{digest[6:18]}"
        return uuid.UUID(text)


def token(lot: Lot, number: int, generation: int = HISTORY - 1) -> str:
    """Return the refresh token of session ``number``; after loading, of its newest generation."""
    seed = hashlib.sha256(f"{lot.name}{number}".encode()).digest()
    return make_refresh_token(
        config.refresh_keys,
        seed=seed,
        session_id=lot.session_id(number),
        generation=generation,
    )


def origin(number: int) -> Origin:
    """Return where session ``number`` was loaded to be: a refresh from there is no move."""
    return Origin(f"203.0.{number % 250}.{number % 240}", AGENTS[number % 3])


def add_users(alias: str, count: int) -> None:
    """Add accounts 1 to ``count``."""
    execute(
        alias,
        """INSERT INTO auth_user (id, username, password, first_name, last_name, email, is_staff,
               is_active, is_superuser, date_joined)
           SELECT i, 'user' || i, %s, '', '', 'user' || i || '@example.com', false, true, false,
               now()
           FROM generate_series(1, %s) i""",
        PASSWORD,
        count,
    )


SESSIONS = """
INSERT INTO tokenauth_authsession (id, user_id, client, transport, persistent, device_name, seed,
    generation, confirmed_generation, floor, rotated_at, late_generation, late_run, grace_count,
    created_at, last_seen_at, expires_at, absolute_expires_at, auth_time, amr, auth_hash, first_ip,
    last_ip, first_user_agent, last_user_agent, revoked_reason, revoked_note, device, device_kind,
    new_device, moves)
SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid,
    1 + (i * 7919::bigint) %% %(users)s, 'app', 'body', true, '',
    sha256(convert_to(%(name)s || i, 'UTF8')), %(newest)s, %(newest)s, 0, seen, 0, 0, 0,
    began, seen, least(seen + %(idle)s, began + %(absolute)s), began + %(absolute)s,
    began, '["pwd"]', %(hash)s, ip, ip, agent, agent, '', '', '', '', false, 0
FROM generate_series(0, %(count)s - 1) i
CROSS JOIN LATERAL (SELECT %(start)s + i::bigint * %(span)s / %(count)s AS ms) a
CROSS JOIN LATERAL (
    SELECT md5(%(name)s || i) AS h, to_timestamp(ms / 1000.0) AS began,
        ('203.0.' || i %% 250 || '.' || i %% 240)::inet AS ip,
        (%(agents)s::text[])[1 + i %% 3] AS agent) b
CROSS JOIN LATERAL (
    SELECT greatest(began, least(began + interval '29 days', now())
        - (i * 104729::bigint %% 864000) * interval '1 second') AS seen) c
"""
ROWS_OF_HISTORY = """
INSERT INTO tokenauth_refreshtoken (session_id, generation, issued_at, ip, user_agent)
SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(h, 1, 3) || '8' || substr(h, 4, 15))::uuid,
    g, to_timestamp(ms / 1000.0) + g * interval '1 hour',
    ('203.0.' || i %% 250 || '.' || i %% 240)::inet, (%(agents)s::text[])[1 + i %% 3]
FROM generate_series(0, %(newest)s) g
CROSS JOIN generate_series(0, %(count)s - 1) i
CROSS JOIN LATERAL (SELECT %(start)s + i::bigint * %(span)s / %(count)s AS ms) a
CROSS JOIN LATERAL (SELECT md5(%(name)s || i) AS h) b
"""


def facts_of(lot: Lot) -> dict[str, Any]:
    """Return the parameters of the statements."""
    return {
        "name": lot.name,
        "count": lot.count,
        "users": lot.users,
        "start": lot.login(0),
        "span": int(lot.span.total_seconds()) * 1000,
        "newest": HISTORY - 1,
        "idle": timedelta(days=14),
        "absolute": timedelta(days=30),
        "hash": auth_hash(User(password=PASSWORD)),
        "agents": list(AGENTS),
    }


def load(alias: str, lot: Lot) -> None:
    """Load a lot: living sessions that are all alike."""
    fill(alias, lot, facts_of(lot), SESSIONS, ROWS_OF_HISTORY)


def fill(alias: str, lot: Lot, facts: dict[str, Any], *statements: str) -> None:
    """Run statements that insert, without indexes if they are large: they are made afterwards.

    Args:
        alias: the database.
        lot: what is inserted.
        facts: the parameters of the statements.
        statements: the SQL.
    """
    for name in ("synchronous_commit = off", "maintenance_work_mem = '1GB'"):
        execute(alias, f"SET {name}")
    rebuild = _drop_indexes(alias) if lot.count > 100_000 else []
    with connections[alias].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, facts)
    for statement in rebuild:
        execute(alias, statement)
    connections[alias].close()


def _drop_indexes(alias: str) -> list[str]:
    """Drop the indexes and keys of our tables; return the statements that make them again."""
    rebuild = []
    with connections[alias].cursor() as cursor:
        for table in TABLES:
            cursor.execute(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE conrelid = %s::regclass AND contype IN ('p', 'u')",
                [table],
            )
            for name, definition in cursor.fetchall():
                rebuild.append(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
                cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
            cursor.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s", [table]
            )
            for name, definition in cursor.fetchall():
                rebuild.append(definition)
                cursor.execute(f'DROP INDEX "{name}"')
    return rebuild


def settle(alias: str) -> None:
    """Do what autovacuum has done in a table that has grown slowly, and read all of it once."""
    execute(alias, "VACUUM (ANALYZE)")
    execute(alias, "CREATE EXTENSION IF NOT EXISTS pg_prewarm")
    warm = (
        "SELECT coalesce(sum(pg_prewarm(oid)), 0) FROM pg_class "
        "WHERE relname ~ '^(tokenauth|auth_user)' AND relkind IN ('r', 'i')"
    )
    one(alias, warm)
    execute(alias, "CHECKPOINT")
