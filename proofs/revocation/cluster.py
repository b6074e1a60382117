"""A database whose statements are counted."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from proofs import cluster

__all__ = ["Cluster"]


class Cluster(cluster.Cluster):
    """A running cluster with ``pg_stat_statements``. Arguments as for its base."""

    options: ClassVar = {
        "shared_buffers": "64MB",
        "max_connections": "100",
        "shared_preload_libraries": "pg_stat_statements",
    }

    def __init__(self, directory: Path, binaries: Path) -> None:
        super().__init__(directory, binaries)
        self.query("CREATE EXTENSION pg_stat_statements")
