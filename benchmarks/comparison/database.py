"""A database for each candidate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

__all__ = ["scratch_database"]


@contextmanager
def scratch_database(server: str, suffix: str) -> Iterator[str]:
    """Make an empty database while the block lasts; yield its URL.

    Args:
        server: URL of a database of that server; its name is the start of the new one's.
        suffix: the end of the new one's.
    """
    parts = urlsplit(server)
    name = f"{parts.path.strip('/')}_{suffix}"
    maintenance = urlunsplit(parts._replace(path="/postgres"))
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(maintenance, autocommit=True) as server_connection:
        server_connection.execute(drop)
        server_connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            server_connection.execute(drop)
