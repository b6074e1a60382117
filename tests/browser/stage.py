"""What every scenario needs: the network, the server behind it, browser profiles, and a record."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.browser.proxy import PATIENCE, Proxy
from tests.browser.server import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page

__all__ = ["COOKIE", "NO_LOCKS", "Profile", "Record", "Stage"]

COOKIE = "tokenauth-refresh"
"""The end of the refresh cookie's name: plain http has no prefix."""
NO_LOCKS = "delete Navigator.prototype.locks"
"""A browser without Web Locks, as an init script."""
OVER_GRACE = timedelta(seconds=90)
LOGIN = "args => outcome(() => client.login(args))"


@dataclass
class Record:
    """What a scenario saw: figures for the page of the proof, and every promise that was broken."""

    figures: dict[str, float] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def count(self, name: str, number: float = 1) -> None:
        """Add to a figure."""
        self.figures[name] = self.figures.get(name, 0) + number

    def most(self, name: str, number: float) -> None:
        """Keep the largest of a figure."""
        self.figures[name] = max(self.figures.get(name, 0), number)

    def must(self, held: object, broken: str) -> None:
        """Note what is broken, unless it held."""
        if not held:
            self.broken.append(broken)

    def none(self, name: str, number: int) -> None:
        """Add to a figure that has to stay 0."""
        self.count(name, number)
        self.must(number == 0, f"{name}: {number}")


class Profile:
    """One browser profile with its tabs, which notes what they complain about.

    Args:
        browser: the browser.
        address: of the proxy.
        script: runs before everything else in each page.

    Attributes:
        errors: of the consoles, and exceptions that nobody caught.
        refusals: what the browser itself prints of an answer above 399 and of a lost one.
    """

    def __init__(self, browser: Browser, address: str, script: str = "") -> None:
        self.context: BrowserContext = browser.new_context(base_url=address)
        self.context.set_default_timeout(PATIENCE * 1000)
        self.tabs: list[Page] = []
        self.errors: list[str] = []
        self.refusals: list[str] = []
        if script:
            self.context.add_init_script(script)

    def open(self, number: int = 1) -> list[Page]:
        """Open so many tabs and wait until each knows who is logged in."""
        opened = [self.context.new_page() for _ in range(number)]
        for tab in opened:
            tab.on("pageerror", lambda error: self.errors.append(str(error)))
            tab.on("console", self._note)
            tab.goto("/", wait_until="commit")
        for tab in opened:
            tab.wait_for_function("window.boot")
        self.tabs += opened
        return opened

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            own = message.text.startswith("Failed to load resource")
            (self.refusals if own else self.errors).append(message.text)

    def log_in(self, tab: Page, client: str = "browser") -> str:
        """Log in as demo in a tab; return the session's id."""
        args = {"username": "demo", "password": "demo", "client": client}
        outcome = tab.evaluate(LOGIN, args)
        assert "value" in outcome, outcome
        return str(outcome["value"]["sid"])

    def all_show(self, who: str | None) -> None:
        """Wait until every tab shows that session; ``None``: that nobody is logged in."""
        for tab in self.tabs:
            tab.wait_for_function("w => who.textContent === w", arg=who or "nobody")

    def log_in_everywhere(self, client: str = "browser") -> str:
        """Log in in the first tab and wait until all others show it; return the session's id."""
        sid = self.log_in(self.tabs[0], client)
        self.all_show(sid)
        return sid

    def ends(self) -> int:
        """Return how often the tabs were told that a session is over, since they were loaded."""
        told = "changes.filter((c, i) => i && c.sid === null).length"
        return sum(tab.evaluate(told) for tab in self.tabs)

    def cdp(self, tab: Page) -> CDPSession:
        """Return a line to the browser's own protocol."""
        return self.context.new_cdp_session(tab)

    def start_reload(self, tabs: list[Page]) -> None:
        """Load these tabs again, all at once, and wait for nothing."""
        lines = [self.cdp(tab) for tab in tabs]
        for tab in tabs:
            tab.evaluate("window.old = true")
        for line in lines:
            line.send("Page.reload")
        for line in lines:
            line.detach()

    def reload_all(self) -> list[str | None]:
        """Load all tabs again at once; return who each says is logged in."""
        self.start_reload(self.tabs)
        return [self.booted(tab) for tab in self.tabs]

    def booted(self, tab: Page) -> str | None:
        """Wait for what a page found when it was loaded: a session's id; ``None``: nobody."""
        tab.wait_for_function("!window.old && window.boot")
        outcome: dict[str, str | None] = tab.evaluate("boot")
        return outcome["value"] if "value" in outcome else str(outcome)

    def ask_all(self, call: str) -> list[Any]:
        """Have all tabs run something at once; return what each came to."""
        for tab in self.tabs:
            tab.evaluate(f"window.done = undefined; outcome(() => {call}).then(o => (done = o)); 0")
        for tab in self.tabs:
            tab.wait_for_function("window.done")
        return [tab.evaluate("done") for tab in self.tabs]

    def cookies(self) -> list[str]:
        """Return the values of the refresh cookies that the browser holds."""
        kept = self.context.cookies()
        return [str(c["value"]) for c in kept if str(c["name"]).endswith(COOKIE)]


class Stage:
    """The browser, the bad network and the server.

    Args:
        browser: Chromium.
        server: runs already.
    """

    def __init__(self, browser: Browser, server: Server) -> None:
        self.browser, self.server, self.rows = browser, server, server.rows
        self.proxy = Proxy(server.port)

    def close(self) -> None:
        """End the network; browser and server go on."""
        self.proxy.stop()

    @contextmanager
    def profile(self, script: str = "") -> Iterator[Profile]:
        """Open a profile in a world where nothing has happened yet, and close it at the end."""
        self.rows.clear()
        self.proxy.forget()
        profile = Profile(self.browser, self.proxy.address, script)
        try:
            yield profile
        finally:
            profile.context.close()

    def let_grace_pass(self) -> None:
        """Make the sessions old enough to be rotated by the next refresh."""
        self.rows.age(OVER_GRACE)

    @contextmanager
    def asleep(self, seconds: float) -> Iterator[None]:
        """Stop all processes of the browser for so long, and then for the block: a closed lid."""
        session = self.browser.new_browser_cdp_session()
        listed = session.send("SystemInfo.getProcessInfo")["processInfo"]
        session.detach()
        ids = [int(process["id"]) for process in listed]
        for process in ids:
            os.kill(process, signal.SIGSTOP)
        try:
            time.sleep(seconds)  # what is waited for is time itself: a token expires
            yield
        finally:
            for process in ids:
                os.kill(process, signal.SIGCONT)

    def restart(self) -> None:
        """Start the server again after it was killed; the network finds it."""
        self.server.start()
        self.proxy.target = self.server.port
