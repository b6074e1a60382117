"""The processes of the comparison: one for each project, each with a database of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

__all__ = ["DEFAULT_URL", "Process", "database", "server_facts", "start"]

DEFAULT_URL = "postgres://postgres@127.0.0.1:5432/postgres"
"""The server; the database of this name is connected to, and never written."""


class Process:
    """A worker, from this side of the pipe.

    Args:
        project: its name.
        url: its database.
    """

    def __init__(self, project: str, url: str) -> None:
        self.project = project
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "BENCHMARK_PROJECT": project,
            "BENCHMARK_DATABASE_URL": url,
        }
        processors = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        if len(processors) > 1:
            environment["BENCHMARK_CPU"] = str(processors[-1])
        command = [sys.executable, "-m", "benchmarks.worker"]
        pipe = subprocess.PIPE
        self.popen = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)

    def ask(self, do: str, **facts: Any) -> Any:
        """Have the worker do something; return its answer."""
        self.popen.stdin.write(json.dumps({"do": do, **facts}) + "\n")  # type: ignore[union-attr]  # both ends are pipes
        self.popen.stdin.flush()  # type: ignore[union-attr]  # as above
        return self.answer()

    def answer(self) -> Any:
        """Return the next answer.

        Raises:
            RuntimeError: the worker has ended; it has said why on standard error.
        """
        line = self.popen.stdout.readline()  # type: ignore[union-attr]  # as above
        if not line:
            raise RuntimeError(f"the worker of {self.project} has ended")
        return json.loads(line)

    def stop(self) -> None:
        """End the worker and wait for it, so that its database can be dropped."""
        self.popen.stdin.close()  # type: ignore[union-attr]  # as above
        try:
            self.popen.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


@contextmanager
def database(server: psycopg.Connection[Any], url: str, name: str) -> Iterator[str]:
    """Make a database; yield its URL; drop it."""
    identifier = sql.Identifier(name)
    server.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


@contextmanager
def start(projects: Iterable[str], url: str, warm_up: int) -> Iterator[dict[str, Process]]:
    """Start the workers of some projects; yield them, ready, by name; stop them.

    Args:
        projects: their names.
        url: a database of the PostgreSQL server, of a role that may make databases.
        warm_up: how many requests every client makes before anything is measured.
    """
    with ExitStack() as stack:
        server = stack.enter_context(psycopg.connect(url, autocommit=True))
        running = {}
        for project in projects:
            name = f"benchmark_{os.getpid()}_{project.replace('-', '_')}"
            running[project] = Process(project, stack.enter_context(database(server, url, name)))
            stack.callback(running[project].stop)
        for process in running.values():
            process.answer()
        for process in running.values():
            process.ask("prepare", requests=warm_up)
        yield running


def server_facts(url: str) -> dict[str, str]:
    """Return what of the database server bears on the times."""
    names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
    with psycopg.connect(url) as server:
        rows = [server.execute("SELECT current_setting(%s)", [name]).fetchone() for name in names]
    return {name: str(row[0]) for name, row in zip(names, rows, strict=True) if row}
