"""PostgreSQL's own programs, for the proofs that make a cluster of their own."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

__all__ = ["find_binaries", "free_port"]


def find_binaries() -> Path | None:
    """Return the folder of ``initdb`` and ``pg_ctl``: the newest that is installed, or ``None``."""
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    for folder in sorted(installed, key=lambda path: -float(path.parent.name)):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return None if found is None else Path(found).resolve().parent


def free_port() -> int:
    """Return a TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
