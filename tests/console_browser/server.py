"""The seeded project: its database, filled once, and its servers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.demo.server import ROOT, Demo

__all__ = ["Console", "database_beside"]

READ_BY_CONSOLE = ("CONSOLE_THEME", "CONSOLE_NOW", "CONSOLE_ACCESS_CHECK")


class Console(Demo):
    """The demo project with a month of sessions in its database."""

    def __init__(self, directory: Path, **settings: str) -> None:
        chosen = {"DJANGO_SETTINGS_MODULE": "tests.console_browser.settings"} | settings
        super().__init__(directory, **chosen)
        for name in READ_BY_CONSOLE:
            self.environment[name] = chosen.get(name, "")

    def install(self) -> None:
        """Make the tables, the demo's users, and the month."""
        super().install()
        done = subprocess.run(
            [sys.executable, "-m", "tests.console_browser.seed"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@contextmanager
def database_beside(worker: str) -> Iterator[dict[str, str]]:
    """Make a database beside that of ``DATABASE_URL``, if this run is on PostgreSQL.

    Yields:
        The setting for :class:`Console`; empty for a SQLite file.
    """
    url = urlsplit(os.environ.get("DATABASE_URL", ""))
    if not url.scheme.startswith("postgres"):
        yield {}
        return
    import psycopg  # noqa: PLC0415 - only on PostgreSQL is the driver installed

    name = f"{url.path[1:]}_console_{worker}"
    # The names come from this run's own settings.
    with psycopg.connect(url._replace(path="/postgres").geturl(), autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield {"DATABASE_URL": url._replace(path=f"/{name}").geturl()}
        finally:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
