"""A site that sends e-mails, and its user, who signs in here and there and reads them."""

from __future__ import annotations

import email
import email.policy
import re
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import httpx

from tests.demo.server import Demo
from tests.notices.agents import CHROME, FIREFOX, SAFARI

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

__all__ = ["Mail", "Site"]

NOW = datetime.fromisoformat("2026-03-12T14:30:00+00:00")


class Mail:
    """An e-mail as it arrived.

    Attributes:
        subject: of it.
        text: of it.
        html: of it.
        path: the path of its link.
    """

    def __init__(self, raw: bytes) -> None:
        message: EmailMessage = email.message_from_bytes(raw, policy=email.policy.default)
        plain, html = (message.get_body([kind]) for kind in ("plain", "html"))
        assert plain is not None
        assert html is not None
        self.subject = str(message["Subject"])
        self.text, self.html = plain.get_content(), html.get_content()
        found = re.search(r"https://example\.com(/auth/end-session/\S+)", self.text)
        assert found
        self.path = found[1]


class Site(Demo):
    """The demo, whose e-mails are files; and its user ``demo``, who has one browser already."""

    def __init__(self, directory: Path) -> None:
        self.mails = directory / "mails"
        self._now = directory / "now"
        self._set(NOW)
        self._devices = 0
        super().__init__(
            directory,
            DJANGO_SETTINGS_MODULE="tests.notices_browser.settings",
            NOTICES_FOLDER=str(directory),
            TRUSTED_PROXIES="127.0.0.1",
        )

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Serve it, and sign in with the browser that is known from then on."""
        with super().serve() as address:
            self.sign_in(address, FIREFOX, "192.0.2.1")
            self.advance(hours=1)
            yield address

    def advance(self, **duration: float) -> None:
        """Let time go by."""
        self._set(datetime.fromisoformat(self._now.read_text()) + timedelta(**duration))

    def _set(self, now: datetime) -> None:
        self._now.write_text(now.isoformat())

    def new_device(self, address: str, language: str = "en") -> Mail:
        """Sign in with a device for the first time, each time another, and return the e-mail."""
        count = len(self._files())
        agent = dict(enumerate((SAFARI, CHROME))).get(count, f"Reader{count}/1.0 (iPhone)")
        self._devices += 1
        if self._devices % 4 == 0:  # a user is told of five in an hour
            self.advance(hours=1)
        self.sign_in(address, agent, "203.0.113.9", language)
        return self._newest(count)

    def reuse(self, address: str) -> Mail:
        """Present an old refresh token of the browser that is known, and return the e-mail."""
        count = len(self._files())
        first = self.sign_in(address, FIREFOX, "192.0.2.1")
        token = first
        for _ in range(2):
            self.advance(minutes=10)
            token = self._post(address, "refresh", {"refresh": token}).json()["refresh"]
        self.advance(minutes=10)
        assert self._post(address, "refresh", {"refresh": first}).status_code == 401
        return self._newest(count)

    def sign_in(self, address: str, agent: str, ip: str, language: str = "en") -> str:
        """Sign in from a device; return its refresh token."""
        data = {"username": "demo", "password": "demo", "client": "app"}
        answer = self._post(address, "login", data, agent, ip, language)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["refresh"])

    @staticmethod
    def _post(
        address: str,
        path: str,
        data: dict[str, str],
        agent: str = FIREFOX,
        ip: str = "192.0.2.1",
        language: str = "en",
    ) -> httpx.Response:
        headers = {"User-Agent": agent, "X-Forwarded-For": ip, "Accept-Language": language}
        return httpx.post(f"{address}/auth/{path}/", json=data, headers=headers)

    def _files(self) -> list[Path]:
        return sorted(self.mails.glob("*"), key=lambda path: path.stat().st_mtime_ns)

    def _newest(self, count: int) -> Mail:
        files = self._files()
        assert len(files) == count + 1, "no e-mail was sent"
        # Django's backend ends each message with a line of dashes.
        return Mail(re.sub(rb"\n-{70,}\n\Z", b"\n", files[-1].read_bytes()))
