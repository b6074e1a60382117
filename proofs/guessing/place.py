"""Where it runs: a PostgreSQL, a Redis and a gunicorn of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from proofs.cluster import Cluster
from proofs.postgresql import free_port
from proofs.redis_server import RedisServer

__all__ = ["Place", "run_redis"]

ROOT = Path(__file__).resolve().parents[2]
WORKERS, THREADS = 4, 4


@contextmanager
def run_redis(program: str, folder: Path) -> Iterator[int]:
    """Run a Redis while the block lasts; yield its port."""
    server = RedisServer(program, folder)
    try:
        yield server.port
    finally:
        server.stop()


class Place:
    """A server of four workers, to be attacked.

    Args:
        cluster: the database, migrated, with the owner in it.
        redis: the port of the cache.
        folder: for the log.
    """

    def __init__(self, cluster: Cluster, redis: int, folder: Path) -> None:
        self.cluster, self.port = cluster, free_port()
        self._redis, self._log = redis, folder / "server.log"

    @contextmanager
    def serve(self) -> Iterator[None]:
        """Run it while the block lasts."""
        command = [
            *(sys.executable, "-m", "gunicorn", "proofs.guessing.wsgi:application"),
            *("--config", "python:proofs.revocation.gunicorn_conf"),
            *(f"--workers={WORKERS}", "--worker-class=gthread", f"--threads={THREADS}"),
            f"--bind=127.0.0.1:{self.port}",
        ]
        with self._log.open("w") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
            )
        try:
            self._wait(process)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def forget(self) -> None:
        """Begin with an empty cache and no events."""
        self.cluster.query("TRUNCATE tokenauth_authsession, tokenauth_authevent")
        with Redis(port=self._redis) as client:
            client.flushall()

    def tracebacks(self) -> int:
        """Return how many errors the server has logged."""
        return self._log.read_text().count("Traceback")

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + 90
        while "Booting worker" not in self._log.read_text():
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server did not start:\n{self._log.read_text()}")
            time.sleep(0.1)
        time.sleep(1)
