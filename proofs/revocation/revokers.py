"""What ends a session or an access token, as functions that have committed when they return."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from proofs.revocation.servers import Server
from tokenauth import sessions, system
from tokenauth.issuing import Tokens
from tokenauth.models import AuthSession, RevokedReason

__all__ = [
    "JUMP",
    "change_password",
    "deactivate",
    "delete_user",
    "fill",
    "jump",
    "late",
    "login",
    "logout",
    "new_user",
    "revoke",
    "set_lifetime",
    "shifted",
]

_step_up: Any = getattr(sessions, "step_up", None)
JUMP = "a step-up" if _step_up else "a password change that keeps the session"
User: Any = get_user_model()
Act = Callable[[], object]

_shift = threading.local()
_right_now = system.now


def _now() -> datetime:
    return _right_now() + timedelta(seconds=getattr(_shift, "seconds", 0.0))


# One thread at a time may live on a host whose clock is off.
system.now = _now


@contextmanager
def _clock_off(seconds: float) -> Iterator[None]:
    _shift.seconds = seconds
    try:
        yield
    finally:
        _shift.seconds = 0.0


def set_lifetime(seconds: float) -> None:
    """Choose how long the access tokens live that this process issues from now on."""
    settings.TOKENAUTH_ACCESS_TOKEN_LIFETIME = timedelta(seconds=seconds)


def new_user() -> Any:
    """Return a new user."""
    return User.objects.create_user(f"user-{system.new_id()}", password="first")  # noqa: S106 - of a proof


def login(user: Any = None) -> Tokens:
    """Start a session of a user, a new one unless named."""
    return sessions.start_session(user or new_user(), client="app")


def revoke(tokens: Tokens) -> Act:
    """Revoke here, in a process that is not the server's."""
    return lambda: _ended(
        sessions.revoke_session(tokens.session, reason=RevokedReason.ADMIN), tokens
    )


def _ended(was_ended: bool, tokens: Tokens) -> None:  # noqa: FBT001 - what revoke_session says
    if not was_ended:
        raise RuntimeError(f"the session {tokens.session.pk} had ended before")


def shifted(tokens: Tokens, seconds: float) -> Act:
    """Revoke on a host whose clock is off."""

    def act() -> None:
        with _clock_off(seconds):
            revoke(tokens)()

    return act


def late(tokens: Tokens, seconds: float) -> Act:
    """Revoke in a transaction that commits so much later; others are revoked meanwhile.

    Those others move on whoever would read only what is newer than the newest.
    """
    others = [login(), login()]

    def act() -> None:
        with transaction.atomic():
            revoke(tokens)()
            for other in others:
                time.sleep(seconds / 3)
                thread = threading.Thread(target=_elsewhere, args=(revoke(other),))
                thread.start()
                thread.join()
            time.sleep(seconds / 3)

    return act


def _elsewhere(act: Act) -> None:
    try:
        act()
    finally:
        connection.close()


def logout(server: Server, tokens: Tokens) -> Act:
    """Log out at the server; committed, at the latest, when the answer is here."""

    def act() -> None:
        caller = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        headers = {"Authorization": f"Bearer {tokens.access}", "Content-Type": "application/json"}
        caller.request("POST", "/auth/logout/", body="{}", headers=headers)
        status = caller.getresponse().status
        caller.close()
        if status != 204:
            raise RuntimeError(f"logout answered {status}")

    return act


def deactivate(user: Any) -> Act:
    """Deactivate the account, as the admin does."""

    def act() -> None:
        user.is_active = False
        user.save()

    return act


def change_password(user: Any) -> Act:
    """Change the password, as the admin does."""

    def act() -> None:
        user.set_password("second")
        user.save()

    return act


def delete_user(user: Any) -> Act:
    """Delete the user."""
    act: Act = user.delete
    return act


def jump(tokens: Tokens, kept: list[Tokens]) -> Act:
    """Raise the floor: a step-up, or a password change that keeps its session.

    Args:
        tokens: from before.
        kept: where the tokens from after are put.
    """
    if _step_up:
        return lambda: kept.append(_step_up(tokens.session, amr=["pwd"]))
    return lambda: kept.append(
        sessions.renew_after_password_change(tokens.session, tokens.session.user)
    )


def fill(user: Any, count: int) -> None:
    """Give a user so many sessions more: copies of one, with ids of their own."""
    template = login(user).session
    columns = [field.column for field in AuthSession._meta.local_fields if not field.primary_key]
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO tokenauth_authsession (id, {names}) "  # noqa: S608 - names of columns
            f"SELECT gen_random_uuid(), {names} FROM tokenauth_authsession, "
            "generate_series(1, %s) WHERE id = %s",
            [count - 1, template.pk],
        )
