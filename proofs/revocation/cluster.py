"""A PostgreSQL cluster of one's own, which may be stopped, counted and thrown away."""

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

__all__ = ["Cluster", "cluster"]

_OPTIONS = {
    "shared_buffers": "64MB",
    "max_connections": "100",
    "shared_preload_libraries": "pg_stat_statements",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}


class Cluster:
    """A running cluster.

    Args:
        directory: where its data are; it must not exist.
        binaries: the folder of ``initdb`` and ``pg_ctl``.

    Attributes:
        port: where it listens.
    """

    def __init__(self, directory: Path, binaries: Path) -> None:
        self.port = free_port()
        self._directory, self._binaries = directory, binaries
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = {**_OPTIONS, "port": str(self.port)}
        with (directory / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in options.items())
        self.start()
        self.query("CREATE EXTENSION pg_stat_statements")

    def url(self, port: int | None = None) -> str:
        """Return its address, as in ``DATABASE_URL``; through a proxy at ``port``, if given."""
        return f"postgres://postgres@127.0.0.1:{port or self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._control("start")

    def stop(self) -> None:
        """Stop it at once, as a crash does; its connections break."""
        self._control("stop", "-m", "immediate")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own; return the rows, if there are any."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", "-w", "-s", "-l", str(self._directory / "server.log"), *words)

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
