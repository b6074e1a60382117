"""Making the tokens of a session, and finding the sessions that tokens belong to."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from tokenauth import system
from tokenauth.conf import config
from tokenauth.database import write_alias
from tokenauth.exceptions import AccessInvalid
from tokenauth.models import AuthSession
from tokenauth.tokens.access import (
    LEEWAY,
    AccessToken,
    Audience,
    make_access_token,
    read_access_token,
)
from tokenauth.tokens.refresh import PresentedToken, make_refresh_token, parse_refresh_token

__all__ = [
    "FoundToken",
    "Tokens",
    "find_sessions",
    "identify_token",
    "issue_tokens",
    "next_end",
    "read_token",
]


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets. The only time that the tokens exist as text; ``repr`` hides them.

    Attributes:
        session: the session they belong to.
        access: the access token.
        expires_in: the access token's remaining lifetime in seconds.
        refresh: the refresh token, or ``None`` if the client already holds the right one.
        refresh_expires_in: the session's remaining lifetime in seconds, as of now.
    """

    session: AuthSession
    access: str = field(repr=False)
    expires_in: int
    refresh: str | None = field(repr=False)
    refresh_expires_in: int


def _audience() -> Audience:
    return Audience(config.issuer, config.audience, config.longest_access_lifetime)


def next_end(session: AuthSession, now: datetime) -> datetime:
    """Return when a session that is used at ``now`` ends: idle or absolute, whichever is first."""
    return min(now + config.idle_lifetime_of(session.client), session.absolute_expires_at)


def issue_tokens(session: AuthSession, now: datetime, *, with_refresh: bool) -> Tokens:
    """Return tokens of a session's current generation.

    Args:
        session: as it now is in the database.
        now: when the request arrived: before the row was read, so that a token never outlives
            what was true of the row.
        with_refresh: whether the client needs the refresh token. An unchanged one is never
            repeated: it could arrive after a newer one and put the old one back.
    """
    expires_at = min(now + config.access_lifetime_of(session.client), session.expires_at)
    access = make_access_token(
        config.signing_keys,
        _audience(),
        subject=str(session.user_id),
        client=session.client,
        session_id=session.pk,
        generation=session.generation,
        issued_at=now,
        expires_at=expires_at,
        auth_time=session.auth_time,
        amr=session.amr,
    )
    return Tokens(
        session=session,
        access=access,
        expires_in=int(expires_at.timestamp()) - int(now.timestamp()),
        refresh=_refresh_token(session) if with_refresh else None,
        refresh_expires_in=max(0, int((session.expires_at - now).total_seconds())),
    )


def _refresh_token(session: AuthSession) -> str:
    return make_refresh_token(
        config.refresh_keys,
        seed=bytes(session.seed),
        session_id=session.pk,
        generation=session.generation,
    )


def read_token(raw: str, now: datetime, *, accept_expired: bool = False) -> AccessToken:
    """Verify an access token against the settings, without the database.

    Args:
        raw: the token as it was sent.
        now: the time to judge by.
        accept_expired: whether a token that is authentic but too old will do.

    Raises:
        AccessInvalid: any fault.
    """
    return read_access_token(
        raw, config.signing_keys, _audience(), now=now, accept_expired=accept_expired
    )


def find_sessions(
    *, refresh_tokens: Iterable[str] = (), access_tokens: Iterable[str] = ()
) -> list[AuthSession]:
    """Return the living sessions to which authentic tokens belong, for logout or a login over one.

    A refresh token of any generation and an access token of any age name their session, without
    alarm. Whatever is not authentic names nothing. One query, and none for garbage.

    Args:
        refresh_tokens: as they were sent.
        access_tokens: as they were sent.
    """
    now = system.now()
    presented = _parse_all(refresh_tokens)
    proven = _read_all(access_tokens, now)
    wanted = proven.keys() | {token.session_id for token in presented}
    if not wanted:
        return []
    rows = AuthSession.objects.using(write_alias()).with_user()
    rows = rows.filter(pk__in=wanted, revoked_at__isnull=True, expires_at__gt=now - LEEWAY)
    keys = config.refresh_keys
    return [
        row
        for row in rows
        if proven.get(row.pk) == str(row.user_id)
        or any(
            token.session_id == row.pk and token.is_authentic(keys, bytes(row.seed))
            for token in presented
        )
    ]


@dataclass(frozen=True, slots=True)
class FoundToken:
    """Which session an authentic token belongs to.

    Attributes:
        session: living or ended.
        kind: ``refresh`` or ``access``.
        generation: of the session, at which the token was made.
    """

    session: AuthSession
    kind: str
    generation: int


def identify_token(raw: str) -> FoundToken | None:
    """Return to which session a token belongs, for staff: of any age, generation and state.

    Nothing is changed or recorded by it, and no alarm raised. ``None`` for what is not authentic,
    and for the token of a session that is no longer kept. One query, and none for garbage.

    Args:
        raw: the token, of either kind.
    """
    keys = config.refresh_keys
    sessions = AuthSession.objects.using(write_alias()).with_user()
    if presented := parse_refresh_token(raw, keys):
        session = sessions.filter(pk=presented.session_id).first()
        if session is None or not presented.is_authentic(keys, bytes(session.seed)):
            return None
        return FoundToken(session, "refresh", presented.generation)
    try:
        token = read_token(raw, system.now(), accept_expired=True)
    except AccessInvalid:
        return None
    session = sessions.filter(pk=token.session_id).first()
    return FoundToken(session, "access", token["gen"]) if session else None


def _parse_all(raw_tokens: Iterable[str]) -> list[PresentedToken]:
    keys = config.refresh_keys
    parsed = (parse_refresh_token(raw, keys) for raw in raw_tokens)
    return [token for token in parsed if token is not None]


def _read_all(raw_tokens: Iterable[str], now: datetime) -> dict[uuid.UUID, str]:
    found = {}
    for raw in raw_tokens:
        try:
            token = read_token(raw, now, accept_expired=True)
        except AccessInvalid:
            continue
        found[token.session_id] = token["sub"]
    return found
