"""What happens to a session beside its refresh: ends, step-ups, changes of the account, time.

As :mod:`proofs.model.programs`, and to be read in the same way.
"""

from __future__ import annotations

from typing import Any

from proofs.model.programs import (
    ATTEMPTS,
    LEEWAY,
    LISTED,
    TRY_AGAIN,
    Program,
    Rules,
    end_of,
    mark_revoked,
    next_end,
    rotate,
    unmoved,
    use,
)
from proofs.model.state import (
    Commit,
    Condition,
    Delete,
    Deliver,
    Now,
    Outcome,
    Refused,
    Rollback,
    Row,
    Select,
    Take,
    Tick,
    Update,
)

__all__ = [
    "change_password",
    "change_password_elsewhere",
    "deactivate",
    "logout",
    "prune",
    "revoke",
    "step_up",
    "tab_refresh",
    "tab_use",
    "wait",
]


def logout(rules: Rules) -> Program:
    """Logout: ``issuing.find_sessions``, then ``revocation.revoke_sessions``."""
    now: int = yield Now()
    where: tuple[Condition, ...] = (
        ("revoked_at", "is null", None),
        ("expires_at", ">", now - LEEWAY),
    )
    try:
        row, _ = yield Select(where)
    except Refused:
        return TRY_AGAIN
    if row is None:
        return Outcome("revoked", reason="nothing was left to end")
    return (yield from revoke(rules, "logout"))


def revoke(_rules: Rules, reason: str) -> Program:
    """Staff or another device: ``revocation.revoke_session`` or ``revoke_user_sessions``."""
    for _ in range(ATTEMPTS):
        now: int = yield Now()
        try:
            if (yield mark_revoked("revoke", now, reason)):
                yield Commit()
        except Refused:
            continue
        return Outcome("revoked", reason=reason)
    return TRY_AGAIN


def step_up(rules: Rules) -> Program:
    """A gain of privilege: the view reads the session, then ``stepup.step_up``."""
    try:
        row, user = yield Select()
    except Refused:
        return TRY_AGAIN
    now: int = yield Now()
    if row is None or end_of(row, user, now):
        return Outcome("refused")
    for _ in range(ATTEMPTS):
        try:
            if not _is_repeated(rules, row, now):
                values = (*_jump(rules, row, now), ("auth_time", now))
                if (yield Update("step-up", _living(row, now), values, commits=False)):
                    yield Commit()
                    return Outcome("tokens", None, row.generation + rules.jump, refresh=True)
            row, user = yield Select()
        except Refused:
            continue
        if row is None or end_of(row, user, now):
            return Outcome("refused")
        if _is_repeated(rules, row, now):
            return Outcome("tokens", None, row.generation, refresh=True)
    return TRY_AGAIN


def _is_repeated(rules: Rules, row: Row, now: int) -> bool:
    at_floor = row.generation == row.floor and row.floor > 0
    return at_floor and abs(now - row.auth_time) < rules.grace


def _living(row: Row, now: int) -> tuple[Condition, ...]:
    return (*unmoved(row), ("expires_at", ">", now))


def _jump(rules: Rules, row: Row, now: int) -> tuple[tuple[str, Any], ...]:
    ahead = row.generation + rules.jump
    return (
        ("generation", ahead),
        ("floor", ahead),
        ("rotated_at", now),
        ("listed_at", now),
        ("expires_at", next_end(rules, row, now)),
    )


def change_password(rules: Rules) -> Program:
    """In this session: save the user, then ``renew_after_password_change``, in atomic().

    Whatever the database refuses rolls all of it back, and the caller is told.
    """
    try:
        row, user = yield Select()
        if row is None or end_of(row, user, (yield Now())):
            return Outcome("refused")
        yield Update("set password", (), (("password", 1),), "user", commits=False)
        now: int = yield Now()
        for _ in range(ATTEMPTS):
            values = (*_jump(rules, row, now), ("auth_hash", 1))
            if (yield Update("password", _living(row, now), values, commits=False)):
                yield Commit()
                return Outcome("tokens", None, row.generation + rules.jump, refresh=True)
            row, user = yield Select()
            if row is None or row.end_recorded_at is not None or now >= row.expires_at:
                break
    except Refused:
        return TRY_AGAIN
    yield Rollback()
    return TRY_AGAIN


def change_password_elsewhere(_rules: Rules) -> Program:
    """In another of the user's sessions: this one ends, in the transaction of the password."""
    try:
        yield Update("set password", (), (("password", 1),), "user", commits=False)
        now: int = yield Now()
        yield mark_revoked("revoke", now, "password")
        yield Commit()
    except Refused:
        return TRY_AGAIN
    return Outcome("revoked", reason="password")


def deactivate(_rules: Rules) -> Program:
    """Staff deactivate the account: one UPDATE of the user, which names no session."""
    try:
        yield Update("deactivate", (), (("is_active", False),), "user")
    except Refused:
        return TRY_AGAIN
    return Outcome("done")


def prune(_rules: Rules) -> Program:
    """Pruning: ``pruning.prune``, which reads keys and removes them without a second look."""
    now: int = yield Now()
    try:
        row, _ = yield Select((("absolute_expires_at", "<", now - LEEWAY),))
        if row is not None and (row.listed_at is None or row.listed_at < now - LISTED):
            yield Delete("prune", ())
    except Refused:
        return TRY_AGAIN
    return Outcome("done")


def wait(_rules: Rules, seconds: int) -> Program:
    """Time passes, at any point between the statements of the others."""
    yield Tick(seconds)
    return Outcome("done")


def tab_refresh(rules: Rules) -> Program:
    """A tab of a browser renews with the token that the tabs share."""
    presented: int = yield Take("refresh")
    outcome = yield from rotate(rules, presented)
    yield Deliver(outcome)
    return outcome


def tab_use(rules: Rules) -> Program:
    """A tab uses the newest access token."""
    presented: int = yield Take("access")
    outcome = yield from use(rules, presented)
    yield Deliver(outcome)
    return outcome
