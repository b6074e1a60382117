"""A browser: tabs that share one cookie jar, one lock, and the fate of one machine."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from random import Random

from proofs.simulation.engine import Engine
from proofs.simulation.requests import Answer, Request, Token
from proofs.simulation.rules import Row
from proofs.simulation.server import Server
from proofs.simulation.world import World

__all__ = ["BEST", "NAIVE", "Behaviour", "Browser", "Tab"]

LOCK_WAIT = 5.0
"""As LOCK_MS of the demo project's session.js: then a tab goes on without the lock."""

FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0
NEXT_TRY = 1 / 60  # per second: when a client without retries is used again
MEAN_PAUSE = 1 / 10  # per second: between the end of an access token and its next use


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a client is written.

    Attributes:
        name: for the tables.
        careful: it has one refresh under way in each tab, holds a Web Lock across the tabs,
            retries with a growing pause, and tries once more after a 401. A client that is not
            sends as many refreshes as it has calls waiting, in every tab, takes each 401 for
            the end, and tries again only when it is used again.
    """

    name: str
    careful: bool


BEST = Behaviour("best practice", careful=True)
NAIVE = Behaviour("naive", careful=False)


class Browser:
    """One user's browser, with one session at a time.

    Args:
        engine: the time.
        world: how bad it is.
        random: where to draw from.
        server: whom to ask.
        behaviour: how the page's script is written.
        row: the session.

    Attributes:
        jar: the refresh token in the cookie jar.
        stored: every token that the jar has held, with when: what a disk may still hold.
        awake: the machine is, and the browser is running.
        wakes: when it will be awake again, while it is not.
        logouts: how often it was told that its session was over, by the reason.
    """

    __slots__ = (
        *("engine", "world", "random", "server", "behaviour", "jar", "stored", "awake", "wakes"),
        *("logouts", "tabs", "epoch", "_holder", "_waiting", "on_logout"),
    )

    def __init__(
        self,
        engine: Engine,
        world: World,
        random: Random,
        server: Server,
        behaviour: Behaviour,
        row: Row,
    ) -> None:
        self.engine, self.world, self.random = engine, world, random
        self.server, self.behaviour = server, behaviour
        self.jar: Token = (row, 0)
        self.stored: deque[tuple[float, Token]] = deque([(engine.now, self.jar)])
        self.awake = False
        self.wakes = 0.0
        self.epoch = 0
        self.logouts: list[str] = []
        self.on_logout = lambda: None
        self._holder: Tab | None = None
        self._waiting: deque[Tab] = deque()
        self.tabs = [
            Tab(self, polls=random.random() < world.polls) for _ in range(random.choice(world.tabs))
        ]

    def store(self, token: Token) -> None:
        """Put the cookie of an answer into the jar."""
        self.jar = token
        self.stored.append((self.engine.now, token))
        if self.world.snapshot == 0 and len(self.stored) > 8:
            self.stored.popleft()

    def wake(self) -> None:
        """Wake up: every timer that is due fires at once."""
        self.awake = True
        for tab in self.tabs:
            tab.want(self.random.random() * 0.5)

    def sleep(self, until: float) -> None:
        """Sleep: what is under way is lost."""
        self.awake, self.wakes = False, until
        self._cut()

    def crash(self, until: float) -> None:
        """Crash: as sleep, and nothing is kept but what the cookie store had written."""
        self.sleep(until)
        self._forget_tokens()
        if self.world.flush:
            self.put_back(self.random.random() * self.world.flush)

    def put_back(self, age: float) -> None:
        """Put the jar back to what it held some seconds ago, if that was in this session."""
        held = [token for when, token in self.stored if when <= self.engine.now - age]
        if held and held[-1][0] is self.jar[0]:
            self.jar = held[-1]

    def restore(self) -> None:
        """Start the browser: all its tabs load, and refresh, at once."""
        self.awake = True
        for tab in self.tabs:
            tab.used_until = max(tab.used_until, self.engine.now + 5)
            tab.want(self.random.expovariate(3.0))

    def log_out(self, row: Row) -> None:
        """Be told that the session is over; the user logs in again, and every tab notices."""
        self.logouts.append(row.why or "401")
        self._cut()
        self._forget_tokens()
        self.on_logout()
        self.store((Row(self.engine.now), 0))
        for tab in self.tabs:
            tab.want(self.random.random() * 5)

    def _cut(self) -> None:
        self.epoch += 1
        self._holder = None
        self._waiting.clear()
        for tab in self.tabs:
            tab.cut()

    def _forget_tokens(self) -> None:
        for tab in self.tabs:
            tab.access_until = -1.0

    # The Web Lock

    def acquire(self, tab: Tab) -> None:
        """Let a tab refresh when no other one does, or after the longest wait."""
        if not self.behaviour.careful:
            tab.refresh()
        elif self._holder is None:
            self._holder = tab
            tab.refresh()
        else:
            self._waiting.append(tab)
            turn = tab.turn
            self.engine.at(self.engine.now + LOCK_WAIT, self._go_without, tab, turn)

    def _go_without(self, tab: Tab, turn: int) -> None:
        if tab.turn == turn and tab in self._waiting:
            self._waiting.remove(tab)
            tab.refresh()

    def release(self, tab: Tab) -> None:
        """Give the lock to the next tab, if this one holds it."""
        if tab in self._waiting:
            self._waiting.remove(tab)
        if self._holder is tab:
            self._holder = self._waiting.popleft() if self._waiting else None
            if self._holder is not None:
                self._holder.refresh()


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
            self.want(self.access_until - now + browser.random.expovariate(MEAN_PAUSE))
            return
        self._waits = True
        browser.acquire(self)

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
        if not browser.behaviour.careful:
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
        pause = browser.random.expovariate(MEAN_PAUSE)
        self.want(max(0.0, self.access_until - browser.engine.now) + pause)

    def _refused(self, row: Row) -> None:
        if self.browser.behaviour.careful and not self._again:
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
        if browser.behaviour.careful:
            self.want(self._backoff * (0.5 + browser.random.random()))
            self._backoff = min(2 * self._backoff, LONGEST_BACKOFF)
        else:
            self.want(browser.random.expovariate(NEXT_TRY))
