"""What a client and a member of staff can do with a package."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.apps import apps
from django.db.models import Manager

from benchmarks.comparison.staff import Staff
from benchmarks.comparison.wire import Answer, Http

__all__ = ["PASSWORD", "Candidate", "Reply", "Tokens", "rows_of"]

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Tokens:
    """What a client holds.

    Args:
        access: for the API.
        refresh: to get new ones; empty where there is none.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)


@dataclass(frozen=True)
class Reply:
    """The answer to a login or a refresh.

    Args:
        status: of HTTP; 200 is success.
        statements: that it cost the server.
        tokens: that the client holds afterwards; those it held before, if it got none.
    """

    status: int
    statements: int
    tokens: Tokens

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return self.status == 200


class Candidate:
    """One package, in one configuration.

    A subclass in ``projects/<name>/client.py`` says where the package's endpoints are and what
    they call things.
    """

    title: ClassVar[str]
    """The name in the tables, without its version."""

    distribution: ClassVar[str]
    """The name on the package index."""

    configuration: ClassVar[str]
    """Which of the package's own switches are on, in a sentence without its full stop."""

    staff_way: ClassVar[str]
    """How staff end a session, in a few words."""

    rotates: ClassVar[bool] = True
    """Whether there is a refresh token that is exchanged for another."""

    quiet: ClassVar[float] = 0
    """Seconds after a login or a rotation in which nothing rotates."""

    grace: ClassVar[float] = 0
    """Seconds in which the package may forgive that a token is presented again."""

    scheme: ClassVar[str] = "Bearer"
    api: ClassVar[str] = "/api/"
    login_path: ClassVar[str]
    refresh_path: ClassVar[str]
    access_name: ClassVar[str] = "access"
    refresh_name: ClassVar[str] = "refresh"
    login_extra: ClassVar[dict[str, str]] = {}

    def prepare(self) -> None:
        """Make what the package needs beside users; called once, after the migrations."""

    def login(self, http: Http, username: str) -> Reply:
        """Log a user in."""
        body = {"username": username, "password": PASSWORD, **self.login_extra}
        return self.reply(http.send("POST", self.login_path, json=body), Tokens("", ""))

    def refresh(self, http: Http, held: Tokens) -> Reply:
        """Present the refresh token."""
        body = {self.refresh_name: held.refresh}
        return self.reply(http.send("POST", self.refresh_path, json=body), held)

    def call(self, http: Http, access: str) -> Answer:
        """Call the API."""
        return http.send("GET", self.api, authorization=f"{self.scheme} {access}")

    def revoke(self, staff: Staff, user: Any) -> None:
        """End all sessions of a user, as staff would."""
        raise NotImplementedError  # each package has a way of its own, and none may be forgotten

    def other_credential(self, http: Http, rows: str) -> str:
        """Return what else in the database is accepted as it stands, in words; mostly nothing.

        Args:
            http: to try it.
            rows: all that is in the database, as text.
        """
        return ""

    def reply(self, answer: Answer, held: Tokens) -> Reply:
        """Read the tokens of an answer; what it does not bring stays as it was."""
        found = self.found(answer) if answer.ok else {}
        access = found.get(self.access_name) or held.access
        refresh = found.get(self.refresh_name) or held.refresh
        return Reply(answer.status, answer.statements, Tokens(access, refresh))

    def found(self, answer: Answer) -> dict[str, Any]:
        """Return the part of a successful answer that has the tokens by name."""
        return answer.data


def rows_of(label: str) -> Manager[Any]:
    """Return the manager of a model.

    Args:
        label: such as ``knox.AuthToken``.
    """
    manager: Manager[Any] = apps.get_model(label)._default_manager
    return manager
