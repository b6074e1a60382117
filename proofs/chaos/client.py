"""Clients that do what a client must: repeat what got no answer, with the same token.

Two transports. The cookie is kept by hand, because it is Secure and this is plain http; the
attributes are another program's business.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from proofs.chaos.faults import Plan
from proofs.chaos.journal import Story, generation_of
from proofs.chaos.line import COOKIE, NO_FAULT, Line, token_in

__all__ = ["PASSWORD", "Client", "Jar"]

PASSWORD = "correct horse battery staple"  # noqa: S105 - of users that live for a minute


class Jar:
    """What the tabs of one browser, or the threads of one app, share.

    Attributes:
        refresh: the refresh token.
        story: the session's story.
        turn: held for each refresh, where tabs take turns.
    """

    def __init__(self) -> None:
        self.refresh = ""
        self.story: Story | None = None
        self.turn = threading.RLock()
        self._awake = threading.Condition()
        self._under_way = 0
        self._closed = False

    @contextmanager
    def request(self) -> Iterator[None]:
        """Hold the lid open for one request."""
        with self._awake:
            self._awake.wait_for(lambda: not self._closed)
            self._under_way += 1
        try:
            yield
        finally:
            with self._awake:
                self._under_way -= 1
                self._awake.notify_all()

    def sleep(self, action: Callable[[], None]) -> None:
        """Close the lid once no request is under way, do ``action``, and open it again."""
        with self._awake:
            self._closed = True
            self._awake.wait_for(lambda: not self._under_way)
            try:
                action()
            finally:
                self._closed = False
                self._awake.notify_all()


class Client:
    """One tab or one thread, with an access token of its own.

    Args:
        line: to the server.
        username: whose.
        transport: ``cookie`` or ``body``.
        jar: shared with other tabs; its own without one.
        takes_turns: whether tabs refresh one after the other.
    """

    def __init__(
        self,
        line: Line,
        username: str,
        transport: str,
        *,
        jar: Jar | None = None,
        takes_turns: bool = False,
    ) -> None:
        self.line, self.username, self.transport = line, username, transport
        self.jar = jar or Jar()
        self.access = ""
        self._takes_turns = takes_turns

    @property
    def story(self) -> Story:
        """Its session's story; there is one after the login."""
        assert self.jar.story is not None
        return self.jar.story

    def login(self, plan: Plan = NO_FAULT) -> None:
        """Log in; a login over one of its own ends that one."""
        # Only a cookie tells the server which session is replaced.
        before = self.jar.story if self.transport == "cookie" else None
        if before is not None:
            before.doom()
        body = {
            "username": self.username,
            "password": PASSWORD,
            "client": "browser" if self.transport == "cookie" else "app",
        }
        headers = self._headers(self.jar.refresh)
        response = self.line.insist(
            "POST", "/auth/login/", json=body, headers=headers, action="login", plan=plan
        )
        if response.status_code != 200:
            raise RuntimeError(f"a login was answered {response.status_code} {response.text}")
        sid = uuid.UUID(response.json()["session"]["sid"])
        self.jar.story = self.line.journal.open(sid, self.transport)
        self.take(response)
        if before is not None:
            before.end("login")

    def refresh(self, plan: Plan = NO_FAULT) -> bool:
        """Refresh with what the jar holds; return whether the session still lives."""
        with self._turn(), self.jar.request():
            response = self.send_refresh(self.jar.refresh, plan=plan, insist=True)
            if response.status_code == 200:
                self.take(response)
            return bool(response.status_code == 200)

    def send_refresh(self, token: str, *, plan: Plan = NO_FAULT, insist: bool = False) -> Any:
        """Send a refresh with any token, and take nothing over from the answer."""
        send = self.line.insist if insist else self.line.ask
        more = {} if self.transport == "cookie" else {"json": {"refresh": token}}
        return send(
            "POST",
            "/auth/refresh/",
            headers=self._headers(token),
            action="refresh",
            story=self.story,
            presented=token,
            plan=plan,
            **more,
        )

    def use(self, plan: Plan = NO_FAULT) -> bool:
        """Use the access token; return whether it was accepted."""
        with self.jar.request():
            response = self.line.insist(
                "GET",
                "/auth/me/",
                headers=self.bearer(),
                action="me",
                story=self.story,
                plan=plan,
            )
        return bool(response.status_code == 200)

    def call(self, plan: Plan = NO_FAULT) -> None:
        """Call a view of the project's own, which authenticates by our class."""
        self.line.insist(
            "GET",
            "/api/whoami",
            headers=self.bearer(),
            action="project's view",
            story=self.story,
            plan=plan,
        )

    def logout(self, plan: Plan = NO_FAULT) -> None:
        """Log out."""
        self.story.doom()
        more = {} if self.transport == "cookie" else {"json": {"refresh": self.jar.refresh}}
        response = self.line.insist(
            "POST",
            "/auth/logout/",
            headers=self._headers(self.jar.refresh),
            action="logout",
            story=self.story,
            plan=plan,
            **more,
        )
        if response.status_code == 204:
            self.story.end("logout")

    def revoke(self, other: Client, plan: Plan = NO_FAULT) -> None:
        """End another session of the same user; 404 means that an earlier attempt did it."""
        other.story.doom()
        response = self.line.insist(
            "DELETE",
            f"/auth/sessions/{other.story.sid}/",
            headers=self.bearer(),
            action="revoke",
            story=other.story,
            plan=plan,
        )
        if response.status_code in {204, 404}:
            other.story.end("revoke")

    def revoke_others(self, others: list[Client], plan: Plan = NO_FAULT) -> None:
        """End all other sessions of the same user."""
        for other in others:
            other.story.doom()
        response = self.line.insist(
            "POST",
            "/auth/sessions/revoke/",
            headers=self.bearer(),
            json={"scope": "others"},
            action="revoke others",
            plan=plan,
        )
        if response.status_code == 200:
            for other in others:
                other.story.end("revoke others")

    def step_up(self, plan: Plan = NO_FAULT) -> bool:
        """Prove the password again; the generation jumps by two."""
        self.story.jumps += 1
        with self._turn(), self.jar.request():
            response = self.line.insist(
                "POST",
                "/auth/reauthenticate/",
                headers=self._headers(self.jar.refresh) | self.bearer(),
                json={"password": PASSWORD},
                action="reauthenticate",
                story=self.story,
                plan=plan,
            )
            if response.status_code == 200:
                self.take(response)
        return bool(response.status_code == 200)

    def replay(self, token: str, plan: Plan = NO_FAULT) -> bool:
        """Be the thief who presents a superseded token; return whether that ended the session."""
        self.story.doom()
        response = self.send_refresh(token, plan=plan, insist=True)
        if response.status_code == 401 and response.json()["code"] == "session_ended":
            self.story.end("reuse")
            return True
        text = f"a superseded token was answered {response.status_code}"
        self.line.journal.breach("revocation", text, self.story)
        return False

    def bearer(self) -> dict[str, str]:
        """Return the header with its access token."""
        return {"Authorization": f"Bearer {self.access}"}

    def _headers(self, token: str) -> dict[str, str]:
        if self.transport == "body":
            return {}
        cookie = {"Cookie": f"{COOKIE}={token}"} if token else {}
        return {"Sec-Fetch-Site": "same-origin", **cookie}

    def take(self, response: httpx.Response) -> None:
        """Take the tokens of an answer over."""
        self.access = response.json()["access"]
        token = token_in(response)
        story = self.story
        story.accesses = [*story.accesses[-4:], self.access]
        if token:
            story.tokens[generation_of(token)].add(token)
            self.jar.refresh = token

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._takes_turns:
            yield
            return
        with self.jar.turn:
            yield
