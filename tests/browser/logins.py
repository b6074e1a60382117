"""Login and logout in one tab, while others are busy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.browser.proxy import REFRESH
from tests.browser.stage import NO_LOCKS, Profile, Record, Stage

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["AT_ONCE_MS", "answered_late", "logged_in", "logged_out", "visited"]

TABS = 6
AT_ONCE_MS = 200
"""Within so many milliseconds all tabs show a logout."""
NO_CHANNEL = f"delete window.BroadcastChannel; {NO_LOCKS}"
SPEAK = """async (name) => {
  window.rest = Infinity;
  for (window.asked = 0; rest > 0; asked++, rest--) {
    const asked = Date.now();
    await outcome(() => client.fetch(`/api/profile/?tab=${name}&asked=${asked}`));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}"""
LOG_OUT = "() => { const at = Date.now(); window.left = client.logout(); return at; }"
LAST_CHANGE = "changes.at(-1)"
RAW = """() => {
  const init = { method: "POST", headers: { "X-Requested-With": "another script" } };
  window.raw = fetch("/auth/refresh/", init).then((r) => r.status);
}"""


def logged_out(stage: Stage, rounds: int) -> Record:
    """Log out in one of six tabs: half of them send requests all the time, half do nothing."""
    record = Record()
    with stage.profile() as profile:
        profile.open(TABS)
        for _ in range(rounds):
            profile.log_in_everywhere()
            stage.proxy.forget()
            busy, idle = profile.tabs[::2], profile.tabs[1::2]
            _speak(profile, busy)
            for tab in busy:
                tab.wait_for_function("asked > 1")
            at = profile.tabs[0].evaluate(LOG_OUT)
            profile.all_show(None)
            shown = [int(tab.evaluate(LAST_CHANGE)["at"]) for tab in profile.tabs]
            _speak(profile, idle)
            for tab in profile.tabs:
                tab.evaluate("window.rest = 3")
            for tab in profile.tabs:
                tab.wait_for_function("rest === 0")
            record.count("rounds")
            record.most("longest until all tabs showed it (ms)", max(shown) - at)
            record.count("of them, within 200 ms", max(shown) - at <= AT_ONCE_MS)
            _judge_requests(stage, record, shown)
            record.must(stage.rows.living() == [], f"sessions: {stage.rows.living()}")
            record.none("refresh cookies kept", len(profile.cookies()))
        record.none("script errors", len(profile.errors))
    return record


def _speak(profile: Profile, tabs: list[Page]) -> None:
    for tab in tabs:
        tab.evaluate(f"({SPEAK})({profile.tabs.index(tab)}); 0")


def _judge_requests(stage: Stage, record: Record, shown: list[int]) -> None:
    """Count what the tabs asked after they had shown the logout, and what of it held a token."""
    before = after = carried = 0
    for exchange in stage.proxy.seen("/api/profile/"):
        words = parse_qs(urlsplit(exchange.target).query)
        if int(words["asked"][0]) > shown[int(words["tab"][0])]:
            after += 1
            carried += bool(exchange.bearer)
        else:
            before += bool(exchange.bearer)
    record.must(before, "no request carried the access token before the logout")
    record.must(after, "no request came after the logout")
    record.count("requests made after it", after)
    record.none("of them, with the old access token", carried)


def answered_late(stage: Stage, rounds: int, kind: str) -> Record:
    """Log out while the answer of a refresh is on its way.

    Args:
        stage: where.
        rounds: how often.
        kind: who waits for that answer. ``tab``: another tab's client; ``alone``: likewise, in a
            browser without Web Locks and BroadcastChannel; ``script``: a script that nobody can
            stop, so that its Set-Cookie arrives after the logout.
    """
    record = Record()
    for _ in range(rounds):
        with stage.profile(NO_CHANNEL if kind == "alone" else "") as profile:
            first, second = profile.open(2)
            profile.log_in_everywhere()
            stage.let_grace_pass()
            with stage.proxy.gate(REFRESH) as gate:
                if kind == "script":
                    second.evaluate(RAW)
                else:
                    profile.start_reload([second])
                gate.wait()
                first.evaluate(LOG_OUT)
                first.evaluate("left")
            if kind == "script":
                record.must(second.evaluate("raw") == 200, "the refresh was refused")
                record.count("cookies of the dead session that came back", len(profile.cookies()))
            else:
                record.none("refresh cookies kept", len(profile.cookies()))
            profile.booted(second)
            _judge_nobody(stage, record, profile)
    return record


def _judge_nobody(stage: Stage, record: Record, profile: Profile) -> None:
    """Nobody is logged in: in the tabs as they are, when they are loaded again, if they insist."""
    profile.all_show(None)
    held = [tab.evaluate("client.timeLeft()") for tab in profile.tabs]
    found: list[Any] = [*held, *profile.reload_all()]
    found += [o.get("value", f"{o}") for o in profile.ask_all("client.session({ask: true})")]
    record.count("rounds")
    record.none("sessions that came back", sum(one is not None for one in found))
    record.must(stage.rows.living() == [], f"sessions: {stage.rows.living()}")
    record.none("script errors", len(profile.errors))


def logged_in(stage: Stage, rounds: int, kind: str) -> Record:
    """Log in in one of five tabs while the others refresh with the cookie of a dead session.

    Args:
        stage: where.
        rounds: how often.
        kind: ``race``: all at the same time; ``held``: the others are answered after the login;
            ``alone``: likewise, in a browser without Web Locks.
    """
    record = Record()
    for _ in range(rounds):
        with stage.profile(NO_LOCKS if kind == "alone" else "") as profile:
            profile.open(5)
            old = profile.log_in_everywhere()
            stage.rows.revoke()
            stage.proxy.forget()
            first, *others = profile.tabs
            sid = _log_in_among(stage, profile, first, others, kind)
            record.must(sid != old, "the login changed nothing")
            refused = [one for one in stage.proxy.seen(REFRESH) if one.status == 401]
            record.count("refreshes with the dead cookie", len(refused))
            record.must(refused or kind == "race", "nobody refreshed with the dead cookie")
            for tab in others:
                profile.booted(tab)
            profile.all_show(sid)
            found = profile.reload_all()
            record.count("rounds")
            record.none("tabs without the new session", sum(one != sid for one in found))
            record.must(stage.rows.living() == [sid], f"sessions: {stage.rows.living()}")
            record.must(len(profile.cookies()) == 1, f"cookies: {len(profile.cookies())}")
            record.none("script errors", len(profile.errors))
    return record


def _log_in_among(
    stage: Stage, profile: Profile, first: Page, others: list[Page], kind: str
) -> str:
    if kind == "race":
        profile.start_reload(others)
        return profile.log_in(first)
    with stage.proxy.gate(REFRESH) as gate:
        profile.start_reload(others)
        gate.wait(len(others) if kind == "alone" else 1)
        return profile.log_in(first)


def visited(stage: Stage, rounds: int) -> Record:
    """Come as somebody who has never logged in: load, use, and leave a page, and come back."""
    record = Record()
    for _ in range(rounds):
        with stage.profile() as profile:
            tab, _ = profile.open(2)
            status = "client.fetch('/api/echo/').then(r => r.status)"
            for _ in range(2):
                found = [o.get("value") for o in profile.ask_all(status)]
                record.must(found == [200, 200], f"answers: {found}")
                tab.evaluate(
                    "dispatchEvent(new Event('focus')), dispatchEvent(new Event('online'))"
                )
                record.must(profile.reload_all() == [None, None], "somebody is logged in")
            asked = [one for one in stage.proxy.exchanges if one.path.startswith("/auth/")]
            record.count("rounds")
            record.none("requests to the auth endpoints", len(asked))
            record.none("console errors", len(profile.errors) + len(profile.refusals))
            sid = profile.log_in_everywhere()
            record.must(profile.reload_all() == [sid, sid], "the login was forgotten")
            record.must(len(stage.proxy.seen(REFRESH)) >= 2, "no refresh was seen after a login")
    return record
