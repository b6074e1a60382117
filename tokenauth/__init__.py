"""Sessions that last and can be revoked, for Django APIs.

The security model on one page:

*   A login makes one **session**, one row. The client gets an **access token**, a JWT that lives
    for minutes, and a **refresh token**, sent to the refresh endpoint only.
*   A refresh token is a function of the row, its generation, and a key that is not in the
    database. It is not stored, not even as a digest; nothing in a dump can be presented.
*   Refresh moves the row from one generation to the next by one guarded UPDATE. The same question
    gets the same answer: two tabs, retries and lost responses meet on one successor.
*   A refresh token that was superseded, and whose successor was used, ends the session: one of
    the two who hold it is a thief.
*   A **step-up**, a user who proves again who they are, jumps two generations: no token from
    before is accepted after it.
*   Every API request reads the session with its user, in the one query that others make for the
    user alone. A revocation is seen at once, and so is a change of password or account. A project
    may ask for no query instead, and sees it within a second, or when the access token expires.
*   A revocation is committed before its response is sent. Nothing that is raised undoes it.

To read it through, in this order: :mod:`~tokenauth.protocol`, the decision;
:mod:`~tokenauth.rotation`, its execution; :mod:`~tokenauth.accounts` and
:mod:`~tokenauth.access`, the checks; :mod:`~tokenauth.revocation`; :mod:`~tokenauth.cookies` and
:mod:`~tokenauth.csrf`.

The functions below can be imported before the app registry is ready.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.apps import apps as registry  # tokenauth.apps is a module

if TYPE_CHECKING:
    from tokenauth.access import averify_access_token, verify_access_token
    from tokenauth.shortcuts import (
        alogin,
        alogout,
        astep_up,
        aupdate_session_auth_hash,
        login,
        logout,
        step_up,
        update_session_auth_hash,
    )

__all__ = [
    "alogin",
    "alogout",
    "astep_up",
    "aupdate_session_auth_hash",
    "averify_access_token",
    "login",
    "logout",
    "step_up",
    "update_session_auth_hash",
    "verify_access_token",
]

_HOMES = {
    "averify_access_token": "tokenauth.access",
    "verify_access_token": "tokenauth.access",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name, "tokenauth.shortcuts")
    return getattr(import_module(home), name) if registry.models_ready else _later(home, name)


def _later(home: str, name: str) -> Callable[..., Any]:
    # For ``from tokenauth import login`` in a module that is imported while the apps are loading,
    # when models cannot be imported yet.
    def later(*args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(home), name)(*args, **kwargs)

    later.__name__ = later.__qualname__ = name
    return later
