"""What scenarios and traffic share: users, staff, clients, and time that passes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore

from proofs.chaos.client import Client
from proofs.chaos.cluster import Cluster
from proofs.chaos.faults import Plan
from proofs.chaos.journal import Story
from proofs.chaos.line import Line

__all__ = ["Staff", "Stage"]

SLEEP = 90
"""Seconds that a laptop sleeps: longer than any grace here, and than the time of a race."""
_CSRF = "c" * 32


class Staff:
    """A superuser in the admin, with a session of Django's.

    Args:
        line: to the server.
        user: a superuser.
    """

    def __init__(self, line: Line, user: User) -> None:
        store = SessionStore()
        store["_auth_user_id"] = str(user.pk)
        store["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[0]
        store["_auth_user_hash"] = user.get_session_auth_hash()
        store.create()
        self._line = line
        self._cookies = f"sessionid={store.session_key}; csrftoken={_CSRF}"

    def revoke(self, story: Story, plan: Plan) -> None:
        """End a session on its page in the admin."""
        story.doom()
        response = self._line.insist(
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
        if response.status_code == 302:
            story.end("admin revoke")
        else:
            text = f"the admin answered {response.status_code} to a revocation"
            self._line.journal.breach("answer", text, story)


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
