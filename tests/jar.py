"""A browser's cookies: what ``Set-Cookie`` says, strictly read, and a jar that keeps to it.

The rules are those of RFC 6265bis (draft 22): name prefixes, Domain, Path, Secure, Max-Age, the
limits of size, and the order in which cookies are sent.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from django.http.response import HttpResponseBase
from django.test import Client

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
VALUE = re.compile(r'(?:"")|[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*')
ATTRIBUTES = {"Domain", "Path", "Max-Age", "expires", "Secure", "HttpOnly", "SameSite"}
MAX_PAIR = 4096
MAX_AGE = timedelta(days=400)


@dataclass(frozen=True)
class SetCookie:
    """One ``Set-Cookie`` header."""

    name: str
    value: str
    path: str | None = None
    domain: str | None = None
    max_age: int | None = None
    expires: datetime | None = None
    secure: bool = False
    httponly: bool = False
    samesite: str | None = None

    @property
    def is_deletion(self) -> bool:
        """Whether a browser forgets the cookie at once."""
        if self.max_age is not None:
            return self.max_age <= 0
        return self.expires is not None and self.expires <= datetime(1970, 1, 1, tzinfo=UTC)

    @property
    def attributes(self) -> tuple[object, ...]:
        """What a deletion has to repeat."""
        return (self.name, self.path, self.domain, self.secure, self.httponly, self.samesite)


def parse(header: str) -> SetCookie:
    """Read one header as the grammar of the standard has it; anything else fails the test."""
    pair, *parts = header.split("; ")
    name, separator, value = pair.partition("=")
    assert separator
    assert TOKEN.fullmatch(name)
    assert VALUE.fullmatch(value)
    attributes = {}
    for part in parts:
        key, separator, attribute = part.partition("=")
        assert key in ATTRIBUTES
        assert key not in attributes
        assert bool(separator) is (key not in {"Secure", "HttpOnly"})
        attributes[key] = attribute
    assert attributes.get("SameSite") in {None, "Strict", "Lax", "None"}
    return SetCookie(
        name=name,
        value="" if value == '""' else value,
        path=attributes.get("Path"),
        domain=attributes.get("Domain"),
        max_age=int(attributes["Max-Age"]) if "Max-Age" in attributes else None,
        expires=parsedate_to_datetime(attributes["expires"]) if "expires" in attributes else None,
        secure="Secure" in attributes,
        httponly="HttpOnly" in attributes,
        samesite=attributes.get("SameSite"),
    )


def cookies_of(response: Any) -> list[SetCookie]:
    """Return what a response sets, in order, from the very headers that a server sends."""
    return [parse(morsel.OutputString()) for morsel in response.cookies.values()]


@dataclass
class Kept:
    """A cookie in the jar."""

    value: str
    ends: datetime | None
    created: int
    secure: bool


class Jar:
    """The cookies of one browser for one host.

    Args:
        host: the host that the browser talks to.
        now: the time.
        secure: whether it talks https.
    """

    def __init__(self, host: str, now: Callable[[], datetime], *, secure: bool = True) -> None:
        self.host, self.now, self.secure = host, now, secure
        self.cookies: dict[tuple[str, str, bool, str], Kept] = {}
        self.counter = 0

    def take(self, cookie: SetCookie, *, host: str | None = None) -> bool:
        """Keep or delete by one header, as a browser would; return whether it was accepted.

        Args:
            cookie: the header.
            host: who sends it, if it is not the host itself: a sibling or a child of it.
        """
        sender = host or self.host
        if not self._is_allowed(cookie, sender):
            return False
        domain = cookie.domain or sender
        if not _domain_matches(self.host, domain) and cookie.domain is None and sender != self.host:
            return True  # kept, for another host
        key = (cookie.name, domain, cookie.domain is None, cookie.path or "/")
        old = self.cookies.pop(key, None)
        if not cookie.is_deletion:
            self.counter += 1
            self.cookies[key] = Kept(
                value=cookie.value,
                ends=self._end(cookie),
                created=old.created if old else self.counter,
                secure=cookie.secure,
            )
        return True

    def _end(self, cookie: SetCookie) -> datetime | None:
        if cookie.max_age is not None:
            return self.now() + min(timedelta(seconds=cookie.max_age), MAX_AGE)
        return cookie.expires

    def _is_allowed(self, cookie: SetCookie, sender: str) -> bool:
        name, domain = cookie.name.lower(), cookie.domain
        if len(cookie.name) + len(cookie.value) > MAX_PAIR:
            return False
        if domain is not None and ("." not in domain or not _domain_matches(sender, domain)):
            return False
        if cookie.secure and not self.secure:
            return False
        prefixed = name.startswith(("__secure-", "__host-", "__http-"))
        if prefixed and not cookie.secure:
            return False
        if name.startswith(("__http-", "__host-http-")) and not cookie.httponly:
            return False
        return not name.startswith("__host-") or (domain is None and cookie.path == "/")

    def header(self, path: str) -> str:
        """Return the ``Cookie`` header of a request: longer paths first, then older cookies."""
        sent = [
            (-len(cookie_path), kept.created, f"{name}={kept.value}")
            for (name, domain, host_only, cookie_path), kept in self.cookies.items()
            if (self.host == domain if host_only else _domain_matches(self.host, domain))
            and _path_matches(path, cookie_path)
            and (kept.ends is None or kept.ends > self.now())
            and (self.secure or not kept.secure)
        ]
        return "; ".join(pair for _, _, pair in sorted(sent))

    def restart(self) -> None:
        """Close and open the browser: what has no end is gone."""
        self.cookies = {key: kept for key, kept in self.cookies.items() if kept.ends is not None}

    def values(self, name: str) -> list[str]:
        """Return the values that are kept under a name."""
        return [kept.value for key, kept in self.cookies.items() if key[0] == name]


def _domain_matches(host: str, domain: str) -> bool:
    domain = domain.lstrip(".")
    return host == domain or host.endswith(f".{domain}")


def _path_matches(path: str, cookie_path: str) -> bool:
    if path == cookie_path:
        return True
    return path.startswith(cookie_path if cookie_path.endswith("/") else f"{cookie_path}/")


class Tab:
    """A browser's tab, whose requests and answers take their time.

    Args:
        jar: the browser's cookies.
    """

    def __init__(self, jar: Jar) -> None:
        self.jar = jar

    def send(self, path: str, data: Any = None) -> Callable[[], HttpResponseBase]:
        """Send a POST; the result, when called, has the server handle it."""
        headers = {"Sec-Fetch-Site": "same-origin", "Host": self.jar.host}
        if cookie := self.jar.header(path):
            headers["Cookie"] = cookie

        def serve() -> HttpResponseBase:
            client = Client(enforce_csrf_checks=True, raise_request_exception=False)
            body = json.dumps({} if data is None else data)
            response: HttpResponseBase = client.post(
                path,
                body,
                content_type="application/json",
                headers=headers,
                secure=self.jar.secure,
            )
            return response

        return serve

    def receive(self, response: HttpResponseBase) -> None:
        """Let an answer arrive."""
        for cookie in cookies_of(response):
            assert self.jar.take(cookie), f"a browser refuses {cookie}"

    def post(self, path: str, data: Any = None) -> Any:
        """Send, have it handled, receive."""
        response = self.send(path, data)()
        self.receive(response)
        return response


def orders(*lengths: int) -> Iterator[tuple[int, ...]]:
    """Yield every way to interleave several sequences of steps: the owner of each next step."""
    if not any(lengths):
        yield ()
    for index, length in enumerate(lengths):
        if length:
            rest = (*lengths[:index], length - 1, *lengths[index + 1 :])
            for tail in orders(*rest):
                yield (index, *tail)
