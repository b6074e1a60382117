"""``client.fetch`` beside the browser's own: bodies, exceptions and aborts."""

from __future__ import annotations

import re
from typing import Any

from tests.browser.proxy import REFRESH, Exchange, Fault
from tests.browser.restored import HASTY_EXPIRES
from tests.browser.stage import Profile, Record, Stage

__all__ = ["CALLS", "aborted", "compared", "repeated"]

STREAM = "new Blob(['a stream of bytes']).stream()"
FORM = """(() => {
  const form = new FormData();
  form.append("word", "täglich");
  form.append("file", new Blob([new Uint8Array(70_000)], {type: "image/png"}), "a.png");
  return form;
})()"""
BLOB = "new Blob([new Uint8Array(100_000)], {type: 'application/x-test'})"
POST = "f('/api/echo/?a=1', {method: 'POST', body: %s}).then(r => r.json())"
SLOW = "f('/api/echo/?slow', {signal: %s}).then(r => r.json())"
REQUEST = "new Request('/api/echo/', {method: 'PUT', body: 'in a Request'})"

CALLS = {
    "text": POST % "'plain text'",
    "FormData": POST % FORM,
    "Blob": POST % BLOB,
    "ArrayBuffer": POST % "new Uint8Array([1, 2, 3]).buffer",
    "URLSearchParams": POST % "new URLSearchParams({a: 'ä'})",
    "stream": f"f('/api/echo/', {{method: 'POST', duplex: 'half', body: {STREAM}}})",
    "stream without duplex": POST % STREAM,
    "Request": f"f({REQUEST}).then(r => r.json())",
    "Request with init": f"f({REQUEST}, {{headers: {{'X-Test': 'yes'}}}}).then(r => r.json())",
    "URL": "f(new URL('/api/echo/?b', location)).then(r => r.json())",
    "HEAD": "f('/api/echo/', {method: 'HEAD'}).then(async r => [r.status, await r.text()])",
    "not found": "f('/nowhere/').then(r => r.status)",
    "body of a GET": "f('/api/echo/', {body: 'x'})",
    "forbidden method": "f('/api/echo/', {method: 'TRACE'})",
    "no URL": "f('http://')",
    "used body": f"(async () => {{ const r = {REQUEST}; await r.text(); await f(r); }})()",
    "nobody listens": "f('/api/echo/?lost')",
    "aborted before": SLOW % "AbortSignal.abort()",
    "aborted before, with a reason": SLOW % "AbortSignal.abort('my reason')",
    "aborted": SLOW % "soon()",
    "aborted with a reason": SLOW % "soon(new RangeError('enough'))",
    "timed out": SLOW % "AbortSignal.timeout(50)",
}
"""Calls of ``f``, which is one or the other."""

REPEATED = ("text", "FormData", "Blob", "ArrayBuffer", "URLSearchParams")
"""Calls whose bodies are sent again when the access token was refused."""

HELPERS = """window.soon = (reason) => {
  const control = new AbortController();
  setTimeout(() => control.abort(reason), 50);
  return control.signal;
}; 0"""


def _bad(exchange: Exchange) -> Fault | None:
    if exchange.target.endswith("?lost"):
        return Fault(lost=True)
    return Fault(after=0.5) if exchange.target.endswith("?slow") else None


def compared(stage: Stage) -> tuple[Record, dict[str, tuple[Any, Any]]]:
    """Make each call with both, logged in; return what came of each by its name, too."""
    record, found = Record(), {}
    with stage.profile() as profile:
        (tab,) = profile.open()
        profile.log_in(tab)
        tab.evaluate(HELPERS)
        stage.proxy.plan = _bad
        for name, call in CALLS.items():
            asked = f"outcome(() => (f => {call})(%s))"
            plain, ours = tab.evaluate(asked % "fetch"), tab.evaluate(asked % "client.fetch")
            found[name] = plain, ours
            record.count("calls")
            same = _told(plain) == _told(ours)
            record.count("answered otherwise than by fetch", not same)
            record.must(same, f"{name}: fetch {plain}, client.fetch {ours}")
        sent = [one for one in stage.proxy.seen("/api/echo/") if one.bearer]
        record.count("requests with the access token", len(sent))
        record.none("script errors", len(profile.errors))
    return record, found


def _told(outcome: dict[str, Any]) -> dict[str, Any]:
    """Leave out the function's name, which Chromium puts before what is wrong with its input."""
    message = re.sub(r"^Failed to (execute|construct) '.*?': ", "", outcome.get("message", ""))
    return {**outcome, "message": message}


def repeated(stage: Stage) -> Record:
    """Send each kind of body at once with a token that the server refuses: once more, unchanged."""
    record = Record()
    with stage.profile() as profile:
        # The page believes that no time passes, and so that its access token is still good.
        profile.context.clock.install()
        (tab,) = profile.open()
        tab.clock.pause_at(tab.evaluate("Date.now() + 1000"))
        profile.log_in(tab, "hasty")
        with stage.asleep(HASTY_EXPIRES):
            stage.proxy.forget()
        calls = ", ".join(f"(f => {CALLS[name]})(f)" for name in REPEATED)
        asked = f"outcome(() => (f => Promise.all([{calls}]))(%s))"
        plain = tab.evaluate(asked % "fetch")
        ours = tab.evaluate(asked.replace("/api/echo/", "/api/private-echo/") % "client.fetch")
        record.must(len(plain["value"]) == len(REPEATED), f"fetch: {plain}")
        record.must(ours == plain, f"fetch {plain}, client.fetch {ours}")
        statuses = [one.status for one in stage.proxy.seen("/api/private-echo/")]
        record.count("bodies refused", statuses.count(401))
        record.count("bodies sent again", statuses.count(200))
        expected = [*[401] * len(REPEATED), *[200] * len(REPEATED)]
        record.must(sorted(statuses, reverse=True) == expected, f"answers: {statuses}")
        record.count("refresh requests", len(stage.proxy.seen(REFRESH)))
        record.must(len(stage.proxy.seen(REFRESH)) == 1, "they did not share one refresh")
        record.none("script errors", len(profile.errors))
    return record


def aborted(stage: Stage, rounds: int) -> Record:
    """Abort one of two calls that wait for the same refresh."""
    record = Record()
    with stage.profile() as profile:
        (tab,) = profile.open()
        sid = profile.log_in(tab)
        for _ in range(rounds):
            stage.let_grace_pass()
            stage.proxy.forget()
            _abort_one(stage, record, profile, sid)
    return record


def _abort_one(stage: Stage, record: Record, profile: Profile, sid: str) -> None:
    (tab,) = profile.tabs
    with stage.proxy.gate(REFRESH) as gate:
        profile.start_reload([tab])
        gate.wait()
        tab.wait_for_function("!window.old && !!window.booted")
        tab.evaluate("""
            window.control = new AbortController();
            const { signal } = control;
            const ask = (init) => client.fetch("/api/profile/", init).then(r => r.json());
            window.mine = outcome(() => ask({ signal }));
            window.others = outcome(() => ask());
            control.abort(); 0""")
        mine = tab.evaluate("mine")
        record.must(mine.get("name") == "AbortError", f"the aborted call: {mine}")
    others = tab.evaluate("others")
    (refresh,) = stage.proxy.seen(REFRESH)
    record.count("aborted while a refresh was under way")
    record.none("refreshes aborted with it", refresh.outcome != "passed")
    answer = others.get("value", others)
    record.must(answer.get("session_id") == sid, f"the other call: {others}")
    record.must(len(stage.proxy.seen("/api/profile/")) == 1, "the aborted call was sent")
