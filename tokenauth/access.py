"""What an API request does with an access token: the check that sees a revocation at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async

from tokenauth import system
from tokenauth.accounts import end_of
from tokenauth.database import write_alias
from tokenauth.exceptions import AccessInvalid
from tokenauth.issuing import read_token
from tokenauth.models import AuthSession
from tokenauth.tokens.access import AccessToken

__all__ = ["Access", "averify_access_token", "verify_access_token", "verify_for_step_up"]


@dataclass(frozen=True, slots=True)
class Access:
    """Who an access token speaks for, at the moment it was verified.

    Attributes:
        user: the user, active.
        token: the claims.
        session: the living session.
    """

    user: Any
    token: AccessToken
    session: AuthSession

    @property
    def is_first_use(self) -> bool:
        """Whether nobody was known to have used the token's generation."""
        return self.session.confirmed_generation < self.token.generation


def verify_access_token(raw: str) -> Access:
    """Verify an access token exactly as an API request does: for WebSockets, streams, commands.

    The signature, the claims and the time first, without the database; then, in one query, that
    the session lives, is this user's, is not from before a step-up, and that the account is
    active and has its password unchanged. Whatever the token says of the user is not used.

    Args:
        raw: the token as it was sent; anything at all.

    Raises:
        AccessInvalid: any fault. The message is for the log: tell the client nothing of it.
    """
    access = verify_for_step_up(raw)
    if access.token.generation < access.session.floor:
        raise AccessInvalid("from before a step-up")
    return access


def verify_for_step_up(raw: str) -> Access:
    """Verify an access token of any generation, for an endpoint that asks for the password too.

    Whoever lost the answer to a step-up holds tokens from before it, and must be able to repeat
    it. Always with the session's row, whatever an API request reads.

    Args:
        raw: the token as it was sent; anything at all.

    Raises:
        AccessInvalid: any fault but a generation below the floor.
    """
    now = system.now()
    token = read_token(raw, now)
    rows = AuthSession.objects.using(write_alias()).with_user()
    session = rows.filter(pk=token.session_id).first()
    if session is None:
        raise AccessInvalid("no such session")
    if token["sub"] != str(session.user_id):
        raise AccessInvalid("another user's session")
    if ended := end_of(session, now):
        raise AccessInvalid(f"the session has ended: {ended}")
    return Access(user=session.user, token=token, session=session)


averify_access_token = sync_to_async(verify_access_token)
"""The same for async code."""
