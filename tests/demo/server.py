"""The demo as a visitor gets it: its own processes, its own SQLite file, no shortcuts."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ_BY_DEMO = {
    "ACCESS_TOKEN_SECONDS",
    "ALLOWED_HOSTS",
    "CACHE_URL",
    "DATABASE_URL",
    "DEBUG",
    "DJANGO_SETTINGS_MODULE",
    "PORT",
    "SECRET_KEY",
    "TRUSTED_PROXIES",
}


class Demo:
    """One demo project with its database in `directory`; `settings` are environment variables."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.log = directory / "server.log"
        self.database = directory / "demo.sqlite3"
        inherited = {name: os.environ[name] for name in os.environ.keys() - READ_BY_DEMO}
        self.environment = inherited | {
            "DJANGO_SETTINGS_MODULE": "demo_project.settings",
            "DATABASE_URL": f"sqlite:///{self.database}",
            "PYTHONUNBUFFERED": "1",
            **settings,
        }

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `manage.py` with the demo's settings and return how it ended and what it said."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def install(self) -> None:
        """Make the tables and the two users, as `make demo` does."""
        for command in (["migrate", "--verbosity=0"], ["demo_setup"]):
            done = self.manage(*command)
            assert done.returncode == 0, done.stderr

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Run the development server on a free port while the block lasts; yield its address."""
        with (
            self.log.open("w") as log,
            subprocess.Popen(
                [sys.executable, "manage.py", "runserver", "--noreload", "127.0.0.1:0"],
                cwd=ROOT,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as server,
        ):
            try:
                yield self._address(server)
            finally:
                server.terminate()
        assert "Traceback" not in self.log.read_text()

    def _address(self, server: subprocess.Popen[str]) -> str:
        """Return the address that the server prints once it listens."""
        assert server.stdout is not None
        for line in server.stdout:
            if found := re.search(r"http://127\.0\.0\.1:[1-9]\d*", line):
                return found[0]
        raise AssertionError(f"The server did not start:\n{self.log.read_text()}")
