"""The server of a candidate: gunicorn, with processes and threads."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

__all__ = ["serve"]

WORKERS = 2
THREADS = 4
START = 300
"""Seconds that a server may take to start."""


@contextmanager
def serve(log: Path, *, atomic: bool = False) -> Iterator[str]:
    """Run the project of ``DJANGO_SETTINGS_MODULE`` while the block lasts; yield its address.

    Args:
        log: a file for what it says.
        atomic: with ``ATOMIC_REQUESTS``.
    """
    with socket.socket() as listener:
        # Handed down open, so that nobody else can take the port in between.
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [
            *(sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}"),
            *("--worker-class", "gthread", "--keep-alive", "600", "--log-level", "warning"),
            *("--workers", str(WORKERS), "--threads", str(THREADS), "--timeout", "120"),
            "django.core.wsgi:get_wsgi_application()",
        ]
        environment = {**os.environ, "COMPARISON_ATOMIC": str(int(atomic))}
        with (
            log.open("a") as output,
            subprocess.Popen(
                command,
                env=environment,
                stdout=output,
                stderr=output,
                pass_fds=[listener.fileno()],
            ) as server,
        ):
            try:
                _wait(server, address, log)
                yield address
            finally:
                server.terminate()


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + START
    while time.monotonic() < end and server.poll() is None:
        try:
            if httpx.get(f"{address}/ready/", timeout=30).status_code == 204:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")
