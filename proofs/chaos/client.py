"""Clients that do what a client must: repeat what got no answer, with the same token.

Two transports. The cookie is kept by hand, because it is Secure and this is plain http; the
attributes are another program's business.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from http.cookies import SimpleCookie
from typing import Any

import httpx

from proofs.chaos.faults import STATEMENTS, Plan
from proofs.chaos.journal import Entry, Journal, Story, generation_of

__all__ = ["PASSWORD", "Client", "Jar", "Line", "claims_of", "token_in"]

PASSWORD = "correct horse battery staple"  # noqa: S105 - of users that live for a minute
COOKIE = "__Secure-tokenauth-refresh"
PATIENCE = 60.0
"""Seconds after which a client gives a whole exchange up: a violation by itself."""
PAUSE = 0.1
"""Seconds between two attempts: less than Retry-After asks for, which is the harder case."""
NO_FAULT = Plan()


class Line:
    """The way to the server: one connection pool for all clients.

    Args:
        address: of the server.
        journal: where everything is written.
    """

    def __init__(self, address: str, journal: Journal) -> None:
        self.journal = journal
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
        self._http = httpx.Client(base_url=address, timeout=PATIENCE, limits=limits)
        # httpx would keep cookies for all clients together.
        self._http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        action: str,
        story: Story | None = None,
        presented: str = "",
        plan: Plan = NO_FAULT,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response | None:
        """Send one request once, and write it down; ``None`` if there was no answer."""
        asked = time.monotonic()
        response = None
        try:
            sent = {**(headers or {}), **plan.header()}
            response = self._http.request(method, path, headers=sent, **more)
        except httpx.TimeoutException:
            self.journal.breach("answer", f"{action}: nothing for {PATIENCE} s", story)
        except httpx.TransportError:
            pass
        body = _body(response)
        token = token_in(response)
        if token and story is not None:
            story.tokens[generation_of(token)].add(token)
        entry = Entry(
            asked=asked,
            answered=time.monotonic(),
            action=action,
            presented=generation_of(presented) if presented else -1,
            status=response.status_code if response is not None else 0,
            code=str(body.get("reason") or body.get("code") or ""),
            given=generation_of(token) if token else -1,
            access=claims_of(body["access"])["gen"] if "access" in body else -1,
            fault=" ".join(plan.header().values()),
        )
        self.journal.write(entry, story, body)
        return response

    def insist(self, method: str, path: str, *, plan: Plan = NO_FAULT, **more: Any) -> Any:
        """Send a request until there is an answer that is not "try again"; return that.

        Only the first attempt meets the planned fault.

        Raises:
            TimeoutError: no such answer came within a minute.
        """
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            response = self.ask(method, path, plan=plan, **more)
            if plan is not NO_FAULT:
                plan.statements = _statements(response)
            plan = NO_FAULT
            if response is not None and response.status_code < 500:
                return response
            time.sleep(PAUSE)
        self.journal.breach("answer", f"{more['action']}: no answer in {PATIENCE} s")
        raise TimeoutError(path)


def _statements(response: httpx.Response | None) -> list[str]:
    text = "" if response is None else response.headers.get(STATEMENTS, "")
    return [word for word in text.split(", ") if word]


def _body(response: httpx.Response | None) -> dict[str, Any]:
    if response is None or "json" not in response.headers.get("Content-Type", ""):
        return {}
    found: dict[str, Any] = response.json()
    return found


def token_in(response: httpx.Response | None) -> str:
    """Return the refresh token of an answer, from its cookie or its body; empty without one."""
    if response is None:
        return ""
    for line in response.headers.get_list("Set-Cookie"):
        if (morsel := SimpleCookie(line).get(COOKIE)) and morsel.value:
            return morsel.value
    token: str = _body(response).get("refresh", "")
    return token


def claims_of(access: str) -> dict[str, Any]:
    """Return the claims of an access token, unverified: what its holder can read."""
    part = access.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


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
    def request(self) -> Any:
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
        before = self.jar.story
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
        if before is not None and self.transport == "cookie":
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
    def _turn(self) -> Any:
        if not self._takes_turns:
            yield
            return
        with self.jar.turn:
            yield
