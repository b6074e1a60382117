"""The server's database, read and moved from outside."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

__all__ = ["Rows"]

TIMES = (
    "created_at",
    "rotated_at",
    "last_seen_at",
    "expires_at",
    "absolute_expires_at",
    "auth_time",
)


class Rows:
    """The sessions in a SQLite file.

    Args:
        file: of the database.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._file, timeout=20)
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def clear(self) -> None:
        """Remove every session and what was written about it."""
        with self._connect() as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            tables = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'tokenauth_%'"
            ).fetchall()
            for (name,) in tables:
                connection.execute(f'DELETE FROM "{name}"')  # noqa: S608 - the database's own name

    def living(self) -> list[str]:
        """Return the ids of the sessions that nothing has ended, the oldest first."""
        with self._connect() as connection:
            found = connection.execute(
                "SELECT id FROM tokenauth_authsession WHERE revoked_at IS NULL ORDER BY created_at"
            ).fetchall()
        return [f"{i[:8]}-{i[8:12]}-{i[12:16]}-{i[16:20]}-{i[20:]}" for (i,) in found]

    def count(self) -> int:
        """Return how many sessions there are or have been."""
        with self._connect() as connection:
            (number,) = connection.execute("SELECT count(*) FROM tokenauth_authsession").fetchone()
        return int(number)

    def generation(self) -> int:
        """Return how often the living sessions have been rotated, all together."""
        with self._connect() as connection:
            (number,) = connection.execute(
                "SELECT coalesce(sum(generation), 0) FROM tokenauth_authsession "
                "WHERE revoked_at IS NULL"
            ).fetchone()
        return int(number)

    def revoke(self) -> None:
        """End all sessions, as the admin would: no browser hears of it."""
        with self._connect() as connection:
            connection.execute(
                "UPDATE tokenauth_authsession SET revoked_at = last_seen_at, "
                "revoked_reason = 'revoked' WHERE revoked_at IS NULL"
            )

    def age(self, by: timedelta) -> None:
        """Make all sessions older, as if so much time had passed; while no request is under way."""
        with self._connect() as connection:
            columns = ", ".join(TIMES)
            sessions = connection.execute(
                f"SELECT id, {columns} FROM tokenauth_authsession"  # noqa: S608 - our own names
            ).fetchall()
            assigned = ", ".join(f"{name} = ?" for name in TIMES)
            for key, *times in sessions:
                moved = [(datetime.fromisoformat(time) - by).isoformat(" ") for time in times]
                connection.execute(
                    f"UPDATE tokenauth_authsession SET {assigned} WHERE id = ?",  # noqa: S608
                    [*moved, key],
                )
