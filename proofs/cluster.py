"""A PostgreSQL cluster of one's own, for the proofs that crash, count or throw away a database."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import psycopg

from proofs.postgresql import free_port

__all__ = ["Cluster"]


class Cluster:
    """A running cluster.

    Args:
        directory: where its data are; it must not exist.
        binaries: the folder of ``initdb`` and ``pg_ctl``.

    Attributes:
        options: of the server, by name, beside those of its address.
        port: where it listens.
    """

    options: ClassVar[Mapping[str, str]] = {}

    def __init__(self, directory: Path, binaries: Path) -> None:
        self.port = free_port()
        self._directory, self._binaries = directory, binaries
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        address = {"unix_socket_directories": "", "listen_addresses": "127.0.0.1"}
        options = {**self.options, **address, "port": str(self.port)}
        with (directory / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in options.items())
        self.start()

    @classmethod
    @contextmanager
    def made(cls, directory: Path, binaries: Path) -> Iterator[Self]:
        """Make a cluster below ``directory``; end it after the block."""
        if os.getuid() == 0:
            shutil.chown(directory, "postgres", "postgres")
        running = cls(directory / "data", binaries)
        try:
            yield running
        finally:
            running.stop()

    def url(self, port: int | None = None) -> str:
        """Return its address, as in ``DATABASE_URL``; through a proxy at ``port``, if given."""
        return f"postgres://postgres@127.0.0.1:{port or self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._control("start")

    def stop(self) -> None:
        """Stop it at once, as a crash does; its connections break."""
        self._control("stop", "-m", "immediate")

    def query(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own; return the rows, if there are any.

        Raises:
            psycopg.OperationalError: it is not running, or just being restarted.
        """
        with psycopg.connect(self.url(), autocommit=True) as connection:
            cursor = connection.execute(sql, arguments or None)
            return cursor.fetchall() if cursor.description else []

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
