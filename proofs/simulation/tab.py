"""A tab: it wants an access token while it is used, and does what its script says to get one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofs.simulation.requests import Answer, Request
from proofs.simulation.rules import Row

if TYPE_CHECKING:
    from proofs.simulation.browser import Browser

__all__ = ["Tab"]

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0  # s


class Tab:
    """One tab, with an access token of its own in memory.

    Args:
        browser: the one it is in.
        polls: it always wants an access token while the machine is awake.

    Attributes:
        used_until: it wants an access token until then.
        access_until: its access token is good until then.
        turn: grows when whatever it waits for is lost.
    """

    __slots__ = (
        *("browser", "polls", "used_until", "access_until", "turn"),
        *("_timer", "_flying", "_waits", "_backoff", "_again"),
    )
    is_thief = False
    has_good_network = False

    def __init__(self, browser: Browser, *, polls: bool) -> None:
        self.browser, self.polls = browser, polls
        self.used_until = self.access_until = -1.0
        self.turn = self._timer = self._flying = 0
        self._waits = False
        self._again = False
        self._backoff = FIRST_BACKOFF

    def use(self, until: float) -> None:
        """Be looked at by the user until then."""
        self.used_until = max(self.used_until, until)
        self.want(0.0)

    def want(self, delay: float) -> None:
        """Want an access token after a delay, in place of whenever it was wanted before."""
        self._timer += 1
        engine = self.browser.engine
        engine.at(engine.now + delay, self._need, self._timer)

    def _need(self, timer: int) -> None:
        browser, now = self.browser, self.browser.engine.now
        if timer != self._timer or not browser.awake or self._waits:
            return
        if not self.polls and now > self.used_until:
            return
        if now < self.access_until:
            self.want(self.access_until - now + self._pause())
            return
        self._waits = True
        browser.acquire(self)

    def _pause(self) -> float:
        world = self.browser.world
        in_use = self.browser.engine.now <= self.used_until
        return self.browser.random.expovariate(
            1 / (world.call_pause if in_use else world.poll_pause)
        )

    def cut(self) -> None:
        """Lose what is under way."""
        self.turn += 1
        self._timer += 1
        self._flying = 0
        self._waits = self._again = False
        self._backoff = FIRST_BACKOFF

    def refresh(self) -> None:
        """Send the refresh, or as many as there are calls waiting for one."""
        browser = self.browser
        calls = 1
        if not browser.behaviour.shares:
            calls += (browser.random.random() < 0.3) + (browser.random.random() < 0.1)
        self._again = False
        for _ in range(calls):
            self._send()
        if browser.random.random() < browser.world.reloads:
            engine = browser.engine
            engine.at(engine.now + browser.random.random() * 3, self._reload, self.turn)

    def _send(self) -> None:
        browser = self.browser
        self._flying += 1
        browser.server.send(
            Request(self, browser.jar, browser.engine.now, self.turn, browser.epoch)
        )

    def _reload(self, turn: int) -> None:
        if turn == self.turn and self._flying:
            self.access_until = -1.0
            self.cut()
            self.browser.release(self)
            self.want(0.2)

    def silent_until(self, request: Request) -> float | None:
        """Answers to a machine that is asleep are lost, or wait for it, as the world has it."""
        browser = self.browser
        if request.epoch == browser.epoch:
            # The network stack may or may not have stored the cookie of a page that has gone.
            gone = request.turn != self.turn and browser.random.random() < 0.5
            return None if gone else 0.0
        waits = not browser.awake and request.epoch == browser.epoch - 1
        if waits and browser.random.random() < browser.world.survives_sleep:
            return browser.wakes + browser.random.random()
        return None

    def hears(self, request: Request, answer: Answer) -> None:
        """Take an answer: the jar takes the cookie, the tab takes the rest if it still waits."""
        browser = self.browser
        row = request.token[0]
        if row is not browser.jar[0]:
            return
        if answer.token is not None:
            browser.store((row, answer.token))
        if request.turn != self.turn:
            return
        self._flying -= 1
        if answer.status == 401:
            self._refused(row)
        elif answer.status == 503:
            self._failed()
        else:
            self._succeeded(request, answer)

    def _succeeded(self, request: Request, answer: Answer) -> None:
        browser = self.browser
        self._backoff = FIRST_BACKOFF
        self.access_until = request.sent + browser.world.access_lifetime
        if browser.world.uses_seen:
            browser.server.use(request.token[0], answer.generation, 0.01)
        self._waits = False
        browser.release(self)
        self.want(max(0.0, self.access_until - browser.engine.now) + self._pause())

    def _refused(self, row: Row) -> None:
        if self.browser.behaviour.retries and not self._again:
            self._again = True
            self._send()
        else:
            self.browser.log_out(row)

    def misses(self, request: Request) -> None:
        """Give up waiting for an answer."""
        if request.turn == self.turn:
            self._flying -= 1
            self._failed()

    def _failed(self) -> None:
        browser = self.browser
        if self._flying or not self._waits:
            return
        self._waits = False
        browser.release(self)
        if browser.behaviour.retries:
            self.want(self._backoff * (0.5 + browser.random.random()))
            self._backoff = min(2 * self._backoff, LONGEST_BACKOFF)
        else:
            self.want(self._pause())
