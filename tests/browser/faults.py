"""Navigations that are cut off, and a network and a server that fail."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.browser.proxy import REFRESH, Exchange, Fault
from tests.browser.restored import HASTY_EXPIRES
from tests.browser.stage import NO_LOCKS, Profile, Record, Stage

try:
    from playwright.sync_api import Error
except ModuleNotFoundError:  # without it the fixture `chromium` fails
    Error = Exception  # type: ignore[assignment,misc]  # as said

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

__all__ = ["delayed", "hurried", "interrupted", "late", "lost", "restarted", "slept"]

RELOADS = 20
ASK = "client.fetch('/api/profile/').then(r => r.json()).then(b => b.session_id)"
# A token of two seconds can be too old when a slow machine comes to look at it: that is no logout.
ASK_AGAIN = f"""(async () => {{
  for (;;) {{
    const {{ value }} = await outcome(() => {ASK});
    if (value || !(await client.session())) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }}
}})()"""
POLL = f"""
window.good = 0;
window.bad = 0;
(async () => {{
  for (;;) {{
    const {{ value }} = await outcome(() => {ASK});
    value ? window.good++ : window.bad++;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }}
}})(); 0"""


def hurried(stage: Stage, rounds: int) -> Record:
    """Reload 20 times as fast as possible."""
    record = Record()
    with stage.profile() as profile:
        (tab,) = profile.open()
        sid = profile.log_in(tab)
        line = profile.cdp(tab)
        for _ in range(rounds):
            stage.let_grace_pass()
            for _ in range(RELOADS):
                _insist(lambda: line.send("Page.reload"))
            record.count("reloads", RELOADS)
            _insist(lambda: tab.goto("/"))
            _judge(stage, record, profile, [profile.booted(tab)], sid)
    return record


def _insist(work: Callable[[], object]) -> None:
    """Do it; again if the page was just going and the next had not come."""
    while True:
        try:
            work()
        except Error:
            continue
        return


def interrupted(stage: Stage, rounds: int) -> Record:
    """Reload 20 times, each just when the server has answered the page's refresh."""
    record = Record()
    with stage.profile() as profile:
        (tab,) = profile.open()
        sid = profile.log_in(tab)
        for _ in range(rounds):
            stage.let_grace_pass()
            stage.proxy.forget()
            before = stage.rows.generation()
            with stage.proxy.gate(REFRESH) as gate:
                for _ in range(RELOADS):
                    profile.start_reload([tab])
                    gate.wait()
            profile.booted(tab)
            found = profile.reload_all()
            unheard = sum(one.outcome == "left" for one in stage.proxy.seen(REFRESH))
            record.count("answers that no page waited for", unheard)
            record.must(unheard >= RELOADS - 1, f"answers that no page waited for: {unheard}")
            record.count("rotations", stage.rows.generation() - before)
            _judge(stage, record, profile, found, sid)
    return record


def delayed(stage: Stage, rounds: int, *, locks: bool) -> Record:
    """Load five tabs at once, over a network that delays each message by a time of its own."""
    record, chance = Record(), random.Random(5)

    def slow(exchange: Exchange) -> Fault | None:
        if not exchange.path.startswith(("/auth/", "/api/")):
            return None
        return Fault(before=chance.uniform(0, 0.2), after=chance.uniform(0, 0.4))

    with stage.profile("" if locks else NO_LOCKS) as profile:
        profile.open(5)
        sid = profile.log_in_everywhere()
        for _ in range(rounds):
            stage.let_grace_pass()
            stage.proxy.forget()
            stage.proxy.plan = slow
            found = profile.reload_all()
            found += [outcome.get("value") for outcome in profile.ask_all(ASK)]
            overtaken = _overtaken(stage.proxy.seen(REFRESH))
            record.count("refresh answers overtaken by a later one", overtaken)
            _judge(stage, record, profile, found, sid)
        record.must(locks or record.figures["refresh answers overtaken by a later one"], "no order")
    return record


def _overtaken(exchanges: list[Exchange]) -> int:
    ordered = sorted(exchanges, key=lambda exchange: exchange.asked)
    return sum(
        any(later.over < one.over for later in ordered[place + 1 :])
        for place, one in enumerate(ordered)
    )


def lost(stage: Stage, rounds: int) -> Record:
    """Lose the answers of one to three refreshes in a row; the page goes on asking."""
    record = Record()
    with stage.profile() as profile:
        (tab,) = profile.open()
        sid = profile.log_in(tab)
        for number in range(rounds):
            stage.let_grace_pass()
            stage.proxy.forget()
            _lose(stage, 1 + number % 3)
            before = stage.rows.generation()
            found = profile.reload_all()
            _count_lost(stage, record, 1 + number % 3)
            record.must(stage.rows.generation() == before + 1, "rotations in a round")
            _judge(stage, record, profile, found, sid)
    return record


def late(stage: Stage, rounds: int) -> Record:
    """Lose a refresh's answer, leave the page, and come back when the grace period is over."""
    record = Record()
    with stage.profile() as profile:
        (tab,) = profile.open()
        sid = profile.log_in(tab)
        for _ in range(rounds):
            stage.let_grace_pass()
            stage.proxy.forget()
            with stage.proxy.gate(REFRESH) as gate:
                profile.start_reload([tab])
                gate.wait()
                tab.goto("about:blank")
            record.count("answers that no page waited for")
            stage.rows.age(timedelta(hours=1))
            tab.goto("/")
            found = [profile.booted(tab)]
            _judge(stage, record, profile, found, sid)
            # An honest browser does not lose every answer: the next one arrives.
            stage.let_grace_pass()
            _judge(stage, record, profile, profile.reload_all(), sid)
    return record


def _lose(stage: Stage, number: int) -> None:
    left = iter(range(number))

    def losing(exchange: Exchange) -> Fault | None:
        if exchange.path == REFRESH and next(left, None) is not None:
            return Fault(lost=True)
        return None

    stage.proxy.plan = losing


def _count_lost(stage: Stage, record: Record, expected: int) -> None:
    number = sum(one.outcome == "lost" for one in stage.proxy.seen(REFRESH))
    record.count("answers lost", number)
    record.must(number == expected, f"answers lost: {number}")


def restarted(stage: Stage, rounds: int) -> Record:
    """Kill the server under three busy tabs and start it again."""
    record = Record()
    with stage.profile() as profile:
        profile.open(3)
        sid = profile.log_in_everywhere("hasty")
        for tab in profile.tabs:
            tab.evaluate(POLL)
        for _ in range(rounds):
            for tab in profile.tabs:
                tab.wait_for_function("good > 2")
            stage.proxy.forget()
            stage.server.kill()
            for tab in profile.tabs:
                # What it has is still good for a moment; then it needs the server to renew it.
                tab.wait_for_function("client.timeLeft().left === 0")
            stage.restart()
            refused = sum(one.outcome == "unreachable" for one in stage.proxy.exchanges)
            record.count("requests that reached no server", refused)
            record.must(refused, "no request came while there was no server")
            for tab in profile.tabs:
                tab.evaluate("window.good = 0")
                tab.wait_for_function("good > 2")
            found = [outcome.get("value") for outcome in profile.ask_all(ASK_AGAIN)]
            _judge(stage, record, profile, found, sid)
    return record


def slept(stage: Stage, rounds: int, *, jump: bool) -> Record:
    """Close the lid for an hour.

    Args:
        stage: where.
        rounds: how often.
        jump: move the clocks of the pages by an hour, and fire each of their timers at most once;
            otherwise the browser's processes stand still until every access token has expired.
    """
    record, hour = Record(), timedelta(hours=1)
    with stage.profile() as profile:
        if jump:
            profile.context.clock.install()
        profile.open(3)
        sid = profile.log_in_everywhere("browser" if jump else "hasty")
        for _ in range(rounds):
            before = stage.rows.generation()
            if jump:
                stage.rows.age(hour)
                _jump(profile.tabs[0], hour)
            else:
                with stage.asleep(HASTY_EXPIRES):
                    stage.rows.age(hour)
            found = [outcome.get("value") for outcome in profile.ask_all(ASK_AGAIN)]
            rotations = stage.rows.generation() - before
            record.must(rotations == 1, f"rotations after an hour: {rotations}")
            _judge(stage, record, profile, found, sid)
    return record


def _jump(tab: Page, by: timedelta) -> None:
    tab.context.clock.fast_forward(int(by.total_seconds() * 1000))


def _judge(
    stage: Stage, record: Record, profile: Profile, found: list[str | None], sid: str
) -> None:
    """Count a round: nobody may have been logged out, and no script may have failed."""
    record.count("rounds")
    record.none("logouts", sum(one != sid for one in found) + profile.ends())
    record.none("script errors", len(profile.errors))
    record.must(stage.rows.living() == [sid], f"sessions: {stage.rows.living()}")
    record.must(stage.rows.count() == 1, f"sessions ever: {stage.rows.count()}")
