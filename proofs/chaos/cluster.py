"""The database of the chaos: crashed, restarted, its connections cut, and all of it counted."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from proofs import cluster

__all__ = ["APPLICATION", "Cluster"]

APPLICATION = "chaos-server"
"""The ``application_name`` of the server's connections: only those are cut."""


class Cluster(cluster.Cluster):
    """A running cluster. Arguments as for its base.

    Attributes:
        restarts: how often it was restarted, by mode.
        cuts: how many connections were cut from outside.
    """

    options: ClassVar = {
        # What is committed must survive a crash, or every invariant about restarts says nothing.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "shared_buffers": "64MB",
        "max_connections": "60",
        # A crash must find work to redo.
        "checkpoint_timeout": "1h",
        "autovacuum_naptime": "5s",
    }

    def __init__(self, directory: Path, binaries: Path) -> None:
        super().__init__(directory, binaries)
        self.restarts = {"fast": 0, "immediate": 0}
        self.cuts = 0

    def restart(self, mode: str) -> None:
        """Restart: ``fast`` ends connections in order; ``immediate`` is a crash, with recovery."""
        self._control("restart", "-m", mode)
        self.restarts[mode] += 1

    def start_over(self) -> None:
        """Forget all sessions, and count from 0 again."""
        tables = "tokenauth_authsession, tokenauth_refreshtoken, tokenauth_authevent"
        self.query(f"TRUNCATE {tables}")
        self.restarts, self.cuts = {"fast": 0, "immediate": 0}, 0

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
