"""A user who is known by key alone, and is loaded when somebody wants to know more.

Without a query an access token says who the user is and nothing about them. Many views need no
more than the key; for the others the first field that is asked for loads all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist, ValidationError

from tokenauth.database import write_alias
from tokenauth.exceptions import AccessInvalid

__all__ = ["lazy_user", "refuse_with"]

Refusal = Callable[[str], Exception]


def lazy_user(subject: str) -> Any:
    """Return an instance of the user model of which only the key is known yet.

    Asking it for any other field loads them all, in one query; a user who is gone or not active
    by then raises :class:`~tokenauth.exceptions.AccessInvalid`.

    Args:
        subject: the key as text, as an access token has it in ``sub``.

    Raises:
        AccessInvalid: no user of this model can have such a key.
    """
    model = get_user_model()
    key = model._meta.pk
    try:
        value = key.to_python(subject)
        if value is None or str(value) != subject:
            raise AccessInvalid("sub is not a canonical key")
        user: Any = model.from_db(write_alias(), [key.attname], [value])
    except (ValidationError, ValueError, ObjectDoesNotExist) as error:
        # The last: a model whose __init__ reads a field has looked for the user already.
        raise AccessInvalid("sub is not the key of a user") from error
    user.refresh_from_db = _Loader(user)
    return user


def refuse_with(user: Any, refusal: Refusal) -> None:
    """Choose what a lazy user raises once gone or not active; other users are left alone.

    Args:
        user: any user.
        refusal: makes the exception from a message for the log.
    """
    loader = user.__dict__.get("refresh_from_db")
    if isinstance(loader, _Loader):
        loader.refusal = refusal


class _Loader:
    """Stands in for ``refresh_from_db()``, which Django calls for a field that is not loaded."""

    def __init__(self, user: Any) -> None:
        self.refusal: Refusal = AccessInvalid
        self._user = user

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        user = self._user
        found = type(user)._default_manager.using(write_alias()).filter(pk=user.pk).first()
        if found is None or not getattr(found, "is_active", True):
            raise self.refusal("the user is gone or not active")
        # Only what is missing: the view may have set a field already.
        for name in user.get_deferred_fields():
            user.__dict__[name] = found.__dict__[name]
        del user.refresh_from_db
        if args or kwargs.get("fields") is None:
            user.refresh_from_db(*args, **kwargs)
