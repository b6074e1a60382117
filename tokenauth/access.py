"""What an API request does with an access token: its signature, and what came after it was signed.

Three ways to know of the second (``TOKENAUTH_ACCESS_TOKEN_CHECK``):

``"session"``
    The session's row, with its user, in one query: a revocation is seen at once.
``"revocation-list"``
    This process's list of the sessions that need a closer look, and the row for those alone: no
    query, amortised, and a revocation is seen within a second.
``"signature"``
    Nothing: a revocation is seen when the token expires.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError
from django.utils.functional import SimpleLazyObject

from tokenauth import system
from tokenauth.accounts import end_of
from tokenauth.conf import AccessCheck, config
from tokenauth.exceptions import AccessInvalid, TryAgain
from tokenauth.first_uses import first_uses
from tokenauth.issuing import read_token
from tokenauth.lazy_user import lazy_user
from tokenauth.logs import log_use_after_end
from tokenauth.models import AuthSession
from tokenauth.revocation_list import Standing, revocation_list
from tokenauth.statements import load_session
from tokenauth.tokens.access import AccessToken

__all__ = [
    "Access",
    "averify_access_token",
    "check_access_token",
    "verify_access_token",
    "verify_for_step_up",
]


logger = logging.getLogger("tokenauth.access")


@dataclass(frozen=True, slots=True)
class Access:
    """Who an access token speaks for, at the moment it was verified.

    Attributes:
        user: the user; if no row was read, known by key alone until another field is asked for.
        token: the claims.
        session: the session; if no row was read, loaded when somebody asks.
        is_first_use: whether nobody is known to have used the token's generation.
    """

    user: Any = field(repr=False)  # as text, a lazily loaded one would cost a query
    token: AccessToken
    session: AuthSession = field(repr=False)
    is_first_use: bool


def verify_access_token(raw: str) -> Access:
    """Verify an access token exactly as an API request does: for WebSockets, streams, commands.

    The signature, the claims and the time first, without the database; then what
    ``TOKENAUTH_ACCESS_TOKEN_CHECK`` says. Whatever the token says of the user beyond the key is
    not used.

    Args:
        raw: the token as it was sent; anything at all.

    Raises:
        AccessInvalid: any fault. The message is for the log: tell the client nothing of it. Also
            raised later, by the first field of a user who is gone or not active by then.
        TryAgain: the database does not answer, or for so long that revocations are not known.
    """
    return check_access_token(raw, config.access_token_check)


averify_access_token = sync_to_async(verify_access_token)
"""The same for async code."""


def check_access_token(raw: str, check: AccessCheck) -> Access:
    """Do as :func:`verify_access_token`, with a check of the caller's choice.

    Args:
        raw: the token as it was sent.
        check: one of :data:`tokenauth.conf.ACCESS_CHECKS`.
    """
    now = system.now()
    token = read_token(raw, now)
    if check == "session":
        return _by_session(token, now)
    if check == "revocation-list":
        standing = revocation_list.look_up(token.session_id)
        if standing is Standing.REVOKED:
            raise AccessInvalid("the session is on the revocation list")
        if standing is Standing.DOUBTFUL:
            return _by_session(token, now)
    return Access(
        user=lazy_user(token["sub"]),
        token=token,
        session=cast("AuthSession", SimpleLazyObject(lambda: load_session(token.session_id))),
        # Where not even the list is read, the database may be out of reach.
        is_first_use=check == "revocation-list" and token not in first_uses,
    )


def verify_for_step_up(raw: str) -> Access:
    """Verify an access token of any generation, for an endpoint that asks for the password too.

    Whoever lost the answer to a step-up holds tokens from before it, and must be able to repeat
    it. Always by the session's row, whatever the setting is. Its use confirms no generation: the
    step-up that follows makes it a thing of the past.

    Args:
        raw: the token as it was sent; anything at all.

    Raises:
        AccessInvalid: any fault but a generation below the floor.
    """
    now = system.now()
    access = _by_session(read_token(raw, now), now, any_generation=True)
    return replace(access, is_first_use=False)


def _by_session(token: AccessToken, now: datetime, *, any_generation: bool = False) -> Access:
    """Check that the session lives and is this user's, the token's floor, and the account."""
    try:
        session = load_session(token.session_id)
    except (OperationalError, InterfaceError) as error:
        logger.exception("an access token was not checked")
        raise TryAgain("the database does not answer") from error
    if session is None:
        raise AccessInvalid("no such session")
    if token["sub"] != str(session.user_id):
        raise AccessInvalid("another user's session")
    if token.generation < session.floor and not any_generation:
        raise AccessInvalid("from before a step-up")
    if token.generation > session.generation:
        raise AccessInvalid("from a jump that was rolled back, or lost by the database")
    if ended := end_of(session, now):
        log_use_after_end(session, ended)
        raise AccessInvalid(f"the session has ended: {ended}")
    return Access(
        user=session.user,
        token=token,
        session=session,
        is_first_use=session.confirmed_generation < token.generation,
    )
