"""A client without a memory: every request says itself which tokens it carries."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Any, Self

import httpx

from benchmarks.comparison.projects.middleware import HEADER

__all__ = ["Answer", "Http"]

PATIENCE = 60
"""Seconds that an answer may take."""


@dataclass(frozen=True)
class Answer:
    """What came back.

    Args:
        status: of HTTP.
        statements: that the request cost the server.
        data: the JSON body, or nothing.
        cookies: that it set, by name.
        location: where it redirects.
    """

    status: int
    statements: int
    data: dict[str, Any] = field(repr=False)
    cookies: dict[str, str] = field(repr=False)
    location: str = ""
    text: str = field(default="", repr=False)

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return self.status == 200


class Http:
    """Requests to one server, over a connection that stays open.

    Args:
        address: such as ``http://127.0.0.1:8000``.
    """

    def __init__(self, address: str) -> None:
        limits = httpx.Limits(keepalive_expiry=PATIENCE)
        self._client = httpx.Client(base_url=address, timeout=PATIENCE, limits=limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        authorization: str = "",
        cookies: dict[str, str] | None = None,
        **body: Any,
    ) -> Answer:
        """Send one request and return the answer; redirects are not followed.

        Args:
            method: of HTTP.
            path: with its query.
            authorization: the whole value of that header.
            cookies: by name.
            body: ``json``, ``data`` or ``headers``, as httpx takes them.
        """
        headers = dict(body.pop("headers", {}))
        if authorization:
            headers["Authorization"] = authorization
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        response = self._client.request(method, path, headers=headers, **body)
        self._client.cookies.clear()
        return _answer(response)


def _answer(response: httpx.Response) -> Answer:
    cookies: SimpleCookie = SimpleCookie()
    for line in response.headers.get_list("set-cookie"):
        cookies.load(line)
    is_json = "json" in response.headers.get("content-type", "")
    data = response.json() if is_json and response.content else {}
    return Answer(
        status=response.status_code,
        statements=int(response.headers.get(HEADER, 0)),
        data=data if isinstance(data, dict) else {},
        cookies={name: morsel.value for name, morsel in cookies.items()},
        location=response.headers.get("location", ""),
        text=response.text,
    )
