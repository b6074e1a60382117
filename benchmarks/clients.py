"""Requests through Django's WSGI handler, and the clients that make them.

What is sent and taken apart here is the same work for every candidate, and small: a dictionary is
copied, a JSON object read.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import cycle
from typing import Any, Protocol

from django.core.handlers.wsgi import WSGIHandler

from benchmarks.projects import PASSWORD, Candidate, Project

__all__ = ["Api", "Client", "Login", "Refresh", "Wsgi", "client_for"]

SESSIONS = 100
_ENVIRON: dict[str, Any] = {
    "SERVER_NAME": "api.example.com",
    "SERVER_PORT": "443",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "SCRIPT_NAME": "",
    "QUERY_STRING": "",
    "REMOTE_ADDR": "192.0.2.1",
    "HTTP_HOST": "api.example.com",
    "HTTP_ACCEPT": "application/json",
    "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "https",
    "wsgi.errors": None,
    "wsgi.multithread": False,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


class Wsgi:
    """Django's own handler, with everything that a server would call."""

    def __init__(self) -> None:
        self.handler = WSGIHandler()

    def get(self, path: str, authorization: str) -> bytes:
        """Send a GET; return the body of a 200."""
        environ = {
            **_ENVIRON,
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "HTTP_AUTHORIZATION": authorization,
            "wsgi.input": BytesIO(),
        }
        return self._send(environ)

    def post(self, path: str, body: dict[str, str], **headers: str) -> Any:
        """Send JSON; return the JSON of a 200."""
        raw = json.dumps(body).encode()
        environ = {
            **_ENVIRON,
            **headers,
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(raw)),
            "wsgi.input": BytesIO(raw),
        }
        return json.loads(self._send(environ))

    def _send(self, environ: dict[str, Any]) -> bytes:
        status = ""

        def start_response(
            line: str, _headers: Any, _failure: Any = None
        ) -> Callable[[bytes], object]:
            nonlocal status
            status = line
            return _write_nothing

        response = self.handler(environ, start_response)
        body = b"".join(response)
        response.close()
        if not status.startswith("200"):
            raise RuntimeError(f"{environ['PATH_INFO']}: {status} {body[:500]!r}")
        return body


def _write_nothing(_data: bytes) -> None:
    """Stand in for the old way to send a body (PEP 3333); Django never takes it."""


class Client(Protocol):
    """Something that makes one request after another."""

    def request(self) -> None:
        """Make one request, and take from its answer what the next one needs."""


def _member(body: Any, *paths: tuple[str, ...]) -> str | None:
    """Return the first of ``paths`` through nested objects that leads to something."""
    for path in paths:
        found = body
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if found is not None:
            return str(found)
    return None


class Login:
    """Logs one user in after the other.

    Args:
        wsgi: by which.
        project: where.
        prefix: whom: the beginning of the users' names.
    """

    def __init__(self, wsgi: Wsgi, project: Project, prefix: str) -> None:
        self.wsgi, self.project = wsgi, project
        self.names: Iterator[str] = cycle([f"{prefix}{number}" for number in range(SESSIONS)])

    def request(self) -> None:
        """Log the next user in."""
        if _member(self.log_in(), self.project.access) is None:
            raise RuntimeError("a login gave no access token")

    def log_in(self) -> Any:
        """Log the next user in; return the answer."""
        name, project = next(self.names), self.project
        if project.basic:
            word = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
            return self.wsgi.post(project.login, {}, HTTP_AUTHORIZATION=f"Basic {word}")
        body = {"username": name, "password": PASSWORD, **project.login_members}
        return self.wsgi.post(project.login, body)


class Api:
    """Reads one path of the API, as one session after the other."""

    def __init__(self, wsgi: Wsgi, project: Project, path: str) -> None:
        self.wsgi, self.path = wsgi, path
        login = Login(wsgi, project, "api")
        tokens = [_member(login.log_in(), project.access) for _ in range(SESSIONS)]
        self.headers = cycle([f"{project.scheme} {token}" for token in tokens])

    def request(self) -> None:
        """Read it as the next session."""
        self.wsgi.get(self.path, next(self.headers))


class Refresh:
    """Refreshes one session after the other, each with the refresh token that it has by then."""

    def __init__(self, wsgi: Wsgi, project: Project) -> None:
        self.wsgi, self.project = wsgi, project
        login = Login(wsgi, project, "refresh")
        self.tokens = [_member(login.log_in(), *project.refresh) for _ in range(SESSIONS)]
        self.numbers = cycle(range(SESSIONS))
        self.rotations = 0

    def request(self) -> None:
        """Refresh the next session."""
        number = next(self.numbers)
        body = {self.project.refresh_member: str(self.tokens[number])}
        answer = self.wsgi.post(self.project.refresh_path, body)
        token = _member(answer, *self.project.refresh)
        if token is not None and token != self.tokens[number]:
            self.tokens[number] = token
            self.rotations += 1


def client_for(case: str, candidate: Candidate, project: Project, wsgi: Wsgi) -> Client:
    """Return a client that makes the requests of one case at one candidate, logged in."""
    if case == "login":
        return Login(wsgi, project, "login")
    if case == "refresh":
        return Refresh(wsgi, project)
    path = "ok" if case == "api" else case
    return Api(wsgi, project, f"/{candidate.path}/{path}")
