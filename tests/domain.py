"""Words for tests of the domain: start, refresh, look, and let something happen in between."""

from collections.abc import Callable
from typing import Any

import pytest

from tokenauth import protocol
from tokenauth.access import verify_access_token
from tokenauth.exceptions import AccessInvalid, RefreshFailed, SessionEnded
from tokenauth.issuing import Tokens, next_end
from tokenauth.models import AuthEvent, AuthSession
from tokenauth.sessions import rotate, start_session


def start(user: Any, **options: Any) -> Tokens:
    """Start a session of the mobile app."""
    return start_session(user, client="app", **options)


def refresh(tokens: Tokens) -> Tokens:
    """Refresh with what was issued; what is not sent again stays with the client."""
    assert tokens.refresh is not None
    return rotate(tokens.refresh, transport="body")


def row(tokens: Tokens) -> AuthSession:
    """Return the session's row as it is now."""
    return AuthSession.objects.get(pk=tokens.session.pk)


def end_reason(tokens: Tokens) -> str:
    """Refresh, which must fail because the session has ended; return the reason."""
    with pytest.raises(SessionEnded) as raised:
        refresh(tokens)
    return str(raised.value.reason)


def is_usable(tokens: Tokens) -> bool:
    """Return whether the access token is accepted."""
    try:
        verify_access_token(tokens.access)
    except AccessInvalid:
        return False
    return True


def is_refreshed(tokens: Tokens) -> bool:
    """Return whether the refresh token gets an answer."""
    try:
        refresh(tokens)
    except RefreshFailed:
        return False
    return True


def events(*kinds: str) -> list[tuple[str, str]]:
    """Return type and reason of the audit rows, the oldest first; of these kinds, if any."""
    rows = AuthEvent.objects.order_by("pk")
    if kinds:
        rows = rows.filter(type__in=kinds)
    return [(event.type, event.reason) for event in rows]


def interleave_jump(monkeypatch: pytest.MonkeyPatch, *actions: Callable[[], object]) -> None:
    """Do something real after the row was read and before a jump is written; one for each try."""
    turns, busy = iter(actions), False

    def beside(*args: Any) -> Any:
        nonlocal busy
        if not busy and (action := next(turns, None)) is not None:
            busy = True
            try:
                action()
            finally:
                busy = False
        return next_end(*args)

    monkeypatch.setattr("tokenauth.stepup.next_end", beside)


def interleave(
    monkeypatch: pytest.MonkeyPatch, *actions: Callable[[], object]
) -> list[protocol.Verdict]:
    """Do something real after the row was read and before the decision is written.

    Args:
        monkeypatch: puts it back.
        actions: one for each decision; a decision made by an action itself is left alone.

    Returns:
        The verdicts, as they come; without those of the actions.
    """
    turns, busy = iter(actions), False
    verdicts: list[protocol.Verdict] = []

    def decide(*args: Any) -> protocol.Decision:
        nonlocal busy
        decision = protocol.decide(*args)
        if not busy:
            verdicts.append(decision.verdict)
            if (action := next(turns, None)) is not None:
                busy = True
                action()
                busy = False
        return decision

    monkeypatch.setattr("tokenauth.rotation.decide", decide)
    return verdicts
