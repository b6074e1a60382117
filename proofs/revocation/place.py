"""Where it all runs: one cluster, and one server at a time beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proofs.revocation import revokers
from proofs.revocation.cluster import Cluster
from proofs.revocation.servers import KINDS, Server, serve

__all__ = ["Place"]


class Place:
    """The cluster, and a folder for the servers' logs.

    Args:
        cluster: the database, migrated.
        directory: for logs.
    """

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        self.cluster = cluster
        self._directory = directory

    @contextmanager
    def serve(
        self,
        kind: str,
        *,
        check: str = "revocation-list",
        lifetime: float,
        persistent: bool = False,
        port: int | None = None,
    ) -> Iterator[Server]:
        """Run a server on an empty table of sessions while the block lasts.

        Args:
            kind: one of :data:`~proofs.revocation.servers.KINDS`.
            check: ``TOKENAUTH_ACCESS_TOKEN_CHECK``.
            lifetime: of access tokens, in seconds; also for what this process issues.
            persistent: whether connections to the database are kept.
            port: of a proxy before the database.

        Raises:
            RuntimeError: the server has logged a traceback.
        """
        self.cluster.query(
            "TRUNCATE tokenauth_authsession, tokenauth_refreshtoken, tokenauth_authevent"
        )
        revokers.set_lifetime(lifetime)
        environment = {
            "DATABASE_URL": self.cluster.url(port),
            "REVOCATION_APPLICATION": "server",
            "REVOCATION_CHECK": check,
            "REVOCATION_LIFETIME": str(lifetime),
            "REVOCATION_PERSISTENT": "1" if persistent else "0",
        }
        if KINDS[kind].is_preloaded and check == "revocation-list":
            environment["REVOCATION_READ_BEFORE_FORK"] = revokers.login().access
        print(f"{kind}, {check}", flush=True)
        with serve(KINDS[kind], environment, self._directory / "server.log") as server:
            yield server
