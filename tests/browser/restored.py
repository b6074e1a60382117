"""Many tabs of one profile that all need a new access token at the same moment."""

from __future__ import annotations

from tests.browser.proxy import REFRESH
from tests.browser.stage import NO_LOCKS, Profile, Record, Stage

__all__ = ["HASTY_EXPIRES", "restored", "woken"]

TABS = 10
HASTY_EXPIRES = 2.2
"""Seconds after which no access token of the client ``hasty`` is good any more."""


def restored(stage: Stage, rounds: int, *, locks: bool = True) -> Record:
    """Load ten tabs at once: none has an access token, all share one old refresh cookie."""
    record = Record()
    with stage.profile("" if locks else NO_LOCKS) as profile:
        profile.open(TABS)
        sid = profile.log_in_everywhere()
        record.must(
            all(tab.evaluate("!!navigator.locks") == locks for tab in profile.tabs),
            f"Web Locks: expected {locks}",
        )
        for _ in range(rounds):
            _age(stage)
            before = stage.rows.generation()
            found = profile.reload_all()
            _judge(stage, record, profile, found, sid, before, locks=locks)
    return record


def woken(stage: Stage, rounds: int) -> Record:
    """Wake a browser with ten tabs: the access token that each holds has expired meanwhile."""
    record = Record()
    with stage.profile() as profile:
        profile.open(TABS)
        sid = profile.log_in_everywhere("hasty")
        for _ in range(rounds):
            with stage.asleep(HASTY_EXPIRES):
                _age(stage)
                before = stage.rows.generation()
            asked = "client.fetch('/api/profile/').then(r => r.json()).then(b => b.session_id)"
            found = [outcome.get("value", f"{outcome}") for outcome in profile.ask_all(asked)]
            _judge(stage, record, profile, found, sid, before, locks=True)
    return record


def _age(stage: Stage) -> None:
    stage.let_grace_pass()
    stage.proxy.forget()


def _judge(
    stage: Stage,
    record: Record,
    profile: Profile,
    found: list[str | None],
    sid: str,
    generation: int,
    *,
    locks: bool,
) -> None:
    """Count what a round did, and compare it with what must be."""
    record.count("rounds")
    record.none("logouts", sum(one != sid for one in found))
    record.none("console errors", len(profile.errors) + len(profile.refusals))
    record.must(stage.rows.living() == [sid], f"sessions: {stage.rows.living()}")
    record.most("sessions in the database", stage.rows.count())
    rotations = stage.rows.generation() - generation
    record.count("rotations", rotations)
    record.must(rotations == 1, f"rotations in a round: {rotations}")
    refreshes = len(stage.proxy.seen(REFRESH))
    record.count("refresh requests", refreshes)
    record.most("most refresh requests in a round", refreshes)
    at_once = stage.proxy.most_at_once(REFRESH)
    record.most("most refresh requests under way at once", at_once)
    record.must(at_once == 1 or not locks, f"refresh requests at once: {at_once}")
