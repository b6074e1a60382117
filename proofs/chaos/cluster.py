"""A PostgreSQL cluster of one's own: made, crashed, restarted and thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from proofs.postgresql import free_port

__all__ = ["APPLICATION", "Cluster", "cluster"]

APPLICATION = "chaos-server"
"""The ``application_name`` of the server's connections: only those are cut."""

_OPTIONS = {
    # What is committed must survive a crash, or every invariant about restarts says nothing.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "64MB",
    "max_connections": "60",
    # A crash must find work to redo.
    "checkpoint_timeout": "1h",
    "autovacuum_naptime": "5s",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}


class Cluster:
    """A running cluster.

    Args:
        directory: where its data are; it must not exist.
        binaries: the folder of ``initdb`` and ``pg_ctl``.

    Attributes:
        restarts: how often it was restarted, by mode.
        cuts: how many connections were cut from outside.
    """

    def __init__(self, directory: Path, binaries: Path) -> None:
        self.port = free_port()
        self.restarts = {"fast": 0, "immediate": 0}
        self.cuts = 0
        self._directory, self._binaries = directory, binaries
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = {**_OPTIONS, "port": str(self.port)}
        with (directory / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in options.items())
        self._control("start")

    @property
    def url(self) -> str:
        """The address of its database, as in ``DATABASE_URL``."""
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def restart(self, mode: str) -> None:
        """Restart: ``fast`` ends connections in order; ``immediate`` is a crash, with recovery."""
        self._control("restart", "-m", mode)
        self.restarts[mode] += 1

    def start_over(self) -> None:
        """Forget all sessions, and count from 0 again."""
        tables = "tokenauth_authsession, tokenauth_refreshtoken, tokenauth_authevent"
        self.query(f"TRUNCATE {tables}")
        self.restarts, self.cuts = {"fast": 0, "immediate": 0}, 0

    def stop(self) -> None:
        """End it, at once: its data are thrown away."""
        self._control("stop", "-m", "immediate")

    def query(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own; return the rows, if there are any.

        Raises:
            psycopg.OperationalError: it is just being restarted.
        """
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql, arguments)
            return cursor.fetchall() if cursor.description else []

    def cut(self, *, everything: bool = False) -> None:
        """End one connection of the server, picked by the database, or all of them."""
        limit = 1000 if everything else 1
        rows = self.query(
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity "
            "WHERE application_name = %s ORDER BY random() LIMIT %s) AS picked",
            APPLICATION,
            limit,
        )
        self.cuts += len(rows)

    def _control(self, *words: str) -> None:
        log = str(self._directory / "server.log")
        self._run("pg_ctl", "-w", "-s", "-l", log, *words)

    def _run(self, program: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root.
        user = "postgres" if os.getuid() == 0 else None
        subprocess.run(
            [str(self._binaries / program), "-D", str(self._directory), *arguments],
            check=True,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=120,
        )


@contextmanager
def cluster(directory: Path, binaries: Path) -> Iterator[Cluster]:
    """Make a cluster below ``directory``; end it after the block. Arguments as for the class."""
    if os.getuid() == 0:
        shutil.chown(directory, "postgres", "postgres")
    running = Cluster(directory / "data", binaries)
    try:
        yield running
    finally:
        running.stop()
