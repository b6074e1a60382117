"""The real server: gunicorn with threads on a SQLite file, which can be killed and come back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.browser.rows import Rows
from tests.demo.server import ROOT, Demo

__all__ = ["Server"]

LISTENING = re.compile(r"Listening at: http://127\.0\.0\.1:(\d+)")
COMMAND = (
    *("gunicorn", "--config", "python:tests.browser.gunicorn_conf", "--bind", "127.0.0.1:0"),
    *("--worker-class", "gthread", "--workers", "1", "--threads", "12"),
    "demo_project.wsgi:application",
)


class Server(Demo):
    """The project of these tests, installed in a directory and started.

    Attributes:
        port: where it listens; another one after each start.
        rows: its sessions.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, DJANGO_SETTINGS_MODULE="tests.browser.settings")
        self.environment["PYTHONPATH"] = str(ROOT)
        self.install()
        self.rows = Rows(self.database)
        self.port = 0
        self.start()

    def start(self) -> None:
        """Start it and wait until it listens."""
        process = subprocess.Popen(
            [sys.executable, "-m", *COMMAND],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that its worker can be killed with it
        )
        listens = threading.Event()
        reader = threading.Thread(target=self._read, args=[process, listens])
        reader.start()
        self._running = process, reader
        if not listens.wait(60):
            raise AssertionError(f"The server did not start:\n{self.log.read_text()}")

    def _read(self, process: subprocess.Popen[str], listens: threading.Event) -> None:
        """Write down what it says, so that its pipe never fills."""
        assert process.stderr is not None
        with process.stderr, self.log.open("a") as log:
            for line in process.stderr:
                log.write(line)
                log.flush()
                if found := LISTENING.search(line):
                    self.port = int(found[1])
                    listens.set()

    def kill(self) -> None:
        """Kill it where it stands: requests under way are never answered."""
        process, reader = self._running
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join()

    close = kill

    def complaints(self) -> list[str]:
        """Return the last lines of its exceptions."""
        return re.findall(r"^Traceback.*\n(?:  .*\n)*(.*)$", self.log.read_text(), re.MULTILINE)
