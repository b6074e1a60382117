"""The way to the server: every request goes through here, and is written down."""

from __future__ import annotations

import base64
import json
import time
from http.cookiejar import DefaultCookiePolicy
from http.cookies import SimpleCookie
from typing import Any

import httpx

from proofs.chaos.faults import STATEMENTS, Plan
from proofs.chaos.journal import Entry, Journal, Story, generation_of

__all__ = ["COOKIE", "NO_FAULT", "Line", "claims_of", "token_in"]

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
