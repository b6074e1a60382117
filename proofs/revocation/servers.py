"""The servers: gunicorn and uvicorn as they are deployed, with several processes and threads."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofs.postgresql import free_port

__all__ = ["KINDS", "Kind", "Server", "serve"]

ROOT = Path(__file__).resolve().parents[2]
_GUNICORN = (
    *(sys.executable, "-m", "gunicorn", "--config", "python:proofs.revocation.gunicorn_conf"),
    "proofs.revocation.wsgi:application",
)


@dataclass(frozen=True)
class Kind:
    """A way to serve.

    Attributes:
        name: for the report.
        command: without the address.
        processes: how many answer requests.
        bind: how the address is given.
        paths: which protected views are asked.
        is_preloaded: whether the processes are forked from one that has read the list.
    """

    name: str
    command: tuple[str, ...]
    processes: int
    bind: str = "--bind=127.0.0.1:{port}"
    paths: tuple[str, ...] = ("/probe/",)
    is_preloaded: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("gunicorn, 1 process", (*_GUNICORN, "--workers=1"), 1),
        Kind("gunicorn, 4 processes", (*_GUNICORN, "--workers=4"), 4),
        Kind(
            "gunicorn, 4 processes, --preload",
            (*_GUNICORN, "--workers=4", "--preload"),
            4,
            is_preloaded=True,
        ),
        Kind(
            "gunicorn, 2 processes of 8 threads",
            (*_GUNICORN, "--workers=2", "--worker-class=gthread", "--threads=8"),
            2,
        ),
        Kind(
            "gunicorn, 1 process of 8 threads",
            (*_GUNICORN, "--workers=1", "--worker-class=gthread", "--threads=8"),
            1,
        ),
        Kind(
            "uvicorn, 2 processes",
            (
                *(sys.executable, "-m", "uvicorn", "proofs.revocation.asgi:application"),
                *("--workers=2", "--log-level=error", "--no-access-log"),
            ),
            2,
            bind="--port={port}",
            paths=("/probe/", "/async-probe/"),
        ),
    )
}


class Server:
    """A running server.

    Args:
        kind: the way to serve.
        environment: what the settings read.
        log: the file that it writes to.
    """

    def __init__(self, kind: Kind, environment: Mapping[str, str], log: Path) -> None:
        self.kind, self.port, self._log = kind, free_port(), log
        own = {"DJANGO_SETTINGS_MODULE": "proofs.revocation.settings", "PYTHONPATH": str(ROOT)}
        with log.open("w") as output:
            self._process = subprocess.Popen(
                [*kind.command, kind.bind.format(port=self.port)],
                cwd=ROOT,
                env={**os.environ, **own, **environment},
                stdout=output,
                stderr=output,
                # A group of its own, so that what it started can be ended with it.
                start_new_session=True,
            )

    def get(self, path: str, token: str | None = None) -> tuple[int, int, dict[str, Any]]:
        """Ask once, on a new connection; return the status, the process and the body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = json.loads(answer.read())
            return answer.status, int(answer.headers["X-Process"]), body
        finally:
            connection.close()

    def wait(self, timeout: float = 90) -> None:
        """Wait until every process has answered.

        Raises:
            RuntimeError: they have not, in time.
        """
        seen: set[int] = set()
        end = time.monotonic() + timeout
        while len(seen) < self.kind.processes:
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError(f"{self.kind.name} did not start:\n{self.log()}")
            try:
                seen.add(self.get("/state/")[1])
            except OSError:
                time.sleep(0.1)

    def states(self) -> dict[int, dict[str, Any]]:
        """Return what each process knows of itself."""
        found: dict[int, dict[str, Any]] = {}
        end = time.monotonic() + 30
        while len(found) < self.kind.processes and time.monotonic() < end:
            _, process, body = self.get("/state/")
            found[process] = body
        return found

    def log(self) -> str:
        """Return what it has said."""
        return self._log.read_text()

    def stop(self) -> None:
        """End it, and wait for the end."""
        self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@contextmanager
def serve(kind: Kind, environment: Mapping[str, str], log: Path) -> Iterator[Server]:
    """Run a server while the block lasts. Arguments as for :class:`Server`."""
    running = Server(kind, environment, log)
    try:
        running.wait()
        yield running
    finally:
        running.stop()
