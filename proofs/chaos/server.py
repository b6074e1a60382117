"""The server: gunicorn with several workers, which are killed and come back."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["ROOT", "Server", "server"]

ROOT = Path(__file__).resolve().parents[2]
WORKERS = 4
THREADS = 3
_LISTENING = re.compile(r"Listening at: http://127\.0\.0\.1:(\d+)")


class Server:
    """A running server.

    Args:
        directory: for its log and the record of faults.
        kind: gunicorn's worker class, ``sync`` or ``gthread``.
        environment: what the settings and the configuration read.

    Attributes:
        address: where it listens.
        killed_outside: how many workers were killed from outside.
    """

    def __init__(self, directory: Path, kind: str, environment: dict[str, str]) -> None:
        self.killed_outside = 0
        self._log = directory / "gunicorn.log"
        self._faults = directory / "faults.jsonl"
        self._faults.touch()
        own = {
            "DJANGO_SETTINGS_MODULE": "proofs.chaos.settings",
            "CHAOS_LOG": str(self._faults),
            "CHAOS_SKEW_LOCK": str(directory / "skew.lock"),
            "PYTHONPATH": str(ROOT),
        }
        self._process = subprocess.Popen(
            [
                *(
                    sys.executable,
                    "-m",
                    "gunicorn",
                    "--config",
                    "python:proofs.chaos.gunicorn_conf",
                ),
                *("--worker-class", kind, "--workers", str(WORKERS)),
                *(["--threads", str(THREADS)] if kind == "gthread" else []),
                *("--bind", "127.0.0.1:0", "proofs.chaos.wsgi:application"),
            ],
            cwd=ROOT,
            env={**os.environ, **own, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.address = ""
        self._listens = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._listens.wait(60) or not self.address:
            raise RuntimeError(f"the server did not start:\n{self.log()}")

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._log.open("w") as log:
            for line in self._process.stderr:
                log.write(line)
                log.flush()
                if found := _LISTENING.search(line):
                    self.address = f"http://127.0.0.1:{found[1]}"
                    self._listens.set()
        self._listens.set()

    def log(self) -> str:
        """Return what it has said."""
        return self._log.read_text()

    def workers(self) -> list[int]:
        """Return the process ids of the workers that live now: the master's own children."""
        listed = subprocess.run(
            ["ps", "--ppid", str(self._process.pid), "-o", "pid="],
            capture_output=True,
            text=True,
            check=False,
        )
        return [int(word) for word in listed.stdout.split()]

    def kill_worker(self, chance: random.Random) -> None:
        """Kill one worker, wherever it is."""
        workers = self.workers()
        if not workers:
            return
        try:
            os.kill(chance.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            return
        self.killed_outside += 1

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that struck inside workers, in order."""
        return [json.loads(line) for line in self._faults.read_text().splitlines()]

    def count_faults(self) -> Counter[str]:
        """Return how many faults struck inside workers, by kind."""
        return Counter(str(entry["fault"]) for entry in self.faults())

    def count_ended(self) -> int:
        """Return how many workers ended, so far, by anything but SIGKILL."""
        return len(re.findall(r"Worker \(pid:\d+\) (?!was sent SIGKILL)", self.log()))

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            for worker in self.workers():
                os.kill(worker, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        self._reader.join(timeout=5)

    def wait_for_workers(self) -> None:
        """Wait until as many workers live as there should be, at most 10 s."""
        for _ in range(100):
            if len(self.workers()) >= WORKERS:
                return
            time.sleep(0.1)


@contextmanager
def server(directory: Path, kind: str, environment: dict[str, str]) -> Iterator[Server]:
    """Run a server while the block lasts. Arguments as for the class."""
    running = Server(directory, kind, environment)
    try:
        yield running
    finally:
        running.stop()
