"""What scenarios and traffic share: users, staff, clients, and time that passes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from proofs.chaos.client import Client
from proofs.chaos.cluster import Cluster
from proofs.chaos.faults import Plan
from proofs.chaos.journal import Story
from proofs.chaos.line import NO_FAULT, Line

__all__ = ["Staff", "Stage"]

SLEEP = 90
"""Seconds that a laptop sleeps: longer than any grace here, and than the time of a race."""
ATTEMPTS = 100
"""So often staff repeat a revocation that the admin says did not happen."""
_CSRF = "c" * 32


class Staff:
    """A superuser in the admin, with a session of Django's.

    Args:
        line: to the server.
        user: a superuser.

    Attributes:
        told_to_repeat: how often the admin said that the database was busy and nothing was done.
    """

    def __init__(self, line: Line, user: User) -> None:
        store = SessionStore()
        store["_auth_user_id"] = str(user.pk)
        store["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[0]
        store["_auth_user_hash"] = user.get_session_auth_hash()
        store.create()
        self.told_to_repeat = 0
        self._line = line
        self._cookies = f"sessionid={store.session_key}; csrftoken={_CSRF}"

    def revoke(self, story: Story, plan: Plan) -> None:
        """End a session on its page in the admin; again, as long as staff are told to.

        The admin redirects either way: whether it revoked is in the message that comes with it.
        """
        story.doom()
        levels: list[str] = []
        for _ in range(ATTEMPTS):
            response = self._send(story, plan)
            plan, levels = NO_FAULT, _levels_of(response)
            if "error" not in levels:
                break
            self.told_to_repeat += 1
            time.sleep(0.2)
        if {"success", "warning"} & set(levels):
            story.end("admin revoke")
        else:
            text = f"the admin answered a revocation with the messages {levels}"
            self._line.journal.breach("answer", text, story)

    def _send(self, story: Story, plan: Plan) -> Any:
        return self._line.insist(
            "POST",
            f"/admin/tokenauth/authsession/{story.sid}/revoke/",
            headers={"Cookie": self._cookies},
            data={
                "csrfmiddlewaretoken": _CSRF,
                "confirmed": "yes",
                "reason": "lost",
                "note": "chaos",
            },
            action="admin revoke",
            story=story,
            plan=plan,
        )


def _levels_of(response: Any) -> list[str]:
    """Return the levels of the messages that the next page will show: success, error, ..."""
    for line in response.headers.get_list("Set-Cookie"):
        if morsel := SimpleCookie(line).get("messages"):
            found = CookieStorage(HttpRequest())._decode(morsel.value)  # type: ignore[attr-defined]  # not in the stubs
            return [message.level_tag for message in found or () if hasattr(message, "level_tag")]
    return []


@dataclass
class Stage:
    """What scenarios and traffic share.

    Attributes:
        line: to the server.
        cluster: the database.
        users: names of users that nobody has used yet.
        staff: who revokes.
        clients: every client that has logged in.
    """

    line: Line
    cluster: Cluster
    users: Iterator[str]
    staff: Staff
    clients: list[Client]

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def client(self, transport: str, username: str = "", **options: Any) -> Client:
        """Return a client of a new user, or of ``username``; not logged in yet."""
        with self._lock:
            client = Client(self.line, username or next(self.users), transport, **options)
            self.clients.append(client)
        return client

    def sleep(self, client: Client) -> None:
        """Let a laptop sleep for a minute and a half: nothing of its session is under way."""
        sql = (
            "UPDATE tokenauth_authsession SET rotated_at = rotated_at - make_interval(secs => %s) "
            "WHERE id = %s"
        )

        def pass_time() -> None:
            for _ in range(200):
                try:
                    self.cluster.query(sql, SLEEP, client.story.sid)
                except psycopg.Error as error:  # it may be down, and comes back
                    refused = error
                    time.sleep(0.1)
                else:
                    return
            raise refused

        client.jar.sleep(pass_time)
