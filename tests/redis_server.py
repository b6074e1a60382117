"""A Redis of one's own, which a test may kill."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import redis

from proofs.postgresql import free_port


class RedisServer:
    """A Redis process on a free port, with nothing on disk.

    Args:
        directory: where it runs.
    """

    def __init__(self, directory: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            assert "CI" not in os.environ, "install redis-server"
            pytest.skip("redis-server is not installed")
        self._program = program
        self._directory = directory
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.client = redis.Redis(port=self._port)
        self.start()

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        own = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", "."]
        self._process = subprocess.Popen(
            [self._program, *own], cwd=self._directory, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        while b"Ready to accept connections" not in (line := self._process.stdout.readline()):
            assert line, "redis-server did not start"

    def kill(self) -> None:
        """Kill it, as a crash does."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def stop(self) -> None:
        """Kill it if it runs, and close what is open."""
        if self._process.poll() is None:
            self.kill()
        self.client.close()
