"""A Redis of one's own, which may be killed: for the proofs, and for the tests."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from proofs.postgresql import free_port

__all__ = ["RedisServer", "find_redis"]


def find_redis() -> str | None:
    """Return the program, or ``None`` where there is none."""
    return shutil.which("redis-server") or shutil.which("valkey-server")


class RedisServer:
    """A Redis process on a free port, with nothing on disk.

    Args:
        program: which :func:`find_redis` has found.
        directory: where it runs.
    """

    def __init__(self, program: str, directory: Path) -> None:
        self._program, self._directory = program, directory
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = Redis(port=self.port)
        self.start()

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        own = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", "."]
        # No pipe, which would fill up in a long run.
        self._process = subprocess.Popen(
            [self._program, *own], cwd=self._directory, stdout=subprocess.DEVNULL
        )
        for _ in range(200):
            try:
                self.client.ping()
            except NoConnection:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("Redis does not answer")

    def kill(self) -> None:
        """Kill it, as a crash does."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Kill it if it runs, and close what is open."""
        if self._process.poll() is None:
            self.kill()
        self.client.close()
