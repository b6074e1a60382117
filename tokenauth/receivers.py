"""What happens to users elsewhere, passed on to the domain."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save

from tokenauth import system
from tokenauth.accounts import carry_over, list_changed_account, note_rehash
from tokenauth.changes import end_after_save, end_of_members, memberships, note_account
from tokenauth.conf import config
from tokenauth.revocation import forget_user

__all__ = ["connect"]


def connect() -> None:
    """Connect the receivers to the project's user model, and to every proxy of it.

    A signal names the class that was saved or deleted, and a project may delete its users through
    a proxy: the admin of "customers", say. Without a sender they would hear of every model, and
    Django could no longer delete any rows in one statement.
    """
    for model in _user_models():
        pre_save.connect(_before_user_save, sender=model, dispatch_uid="tokenauth")
        post_save.connect(_after_user_save, sender=model, dispatch_uid="tokenauth")
        pre_delete.connect(_before_user_delete, sender=model, dispatch_uid="tokenauth")
    for field in memberships():
        m2m_changed.connect(
            partial(_on_membership, field),
            sender=field.remote_field.through,
            weak=False,
            dispatch_uid="tokenauth",
        )
    user_logged_in.connect(_after_login, dispatch_uid="tokenauth")


def _user_models() -> list[type[Model]]:
    concrete = get_user_model()._meta.concrete_model
    return [model for model in apps.get_models() if model._meta.concrete_model is concrete]


def _before_user_save(
    instance: Any,
    *,
    using: str,
    raw: bool = False,
    update_fields: frozenset[str] | None = None,
    **_kwargs: Any,
) -> None:
    note_rehash(instance, update_fields)
    if not raw:
        note_account(instance, using, update_fields)


def _after_user_save(
    instance: Any,
    *,
    created: bool = False,
    raw: bool = False,
    update_fields: frozenset[str] | None = None,
    **_kwargs: Any,
) -> None:
    # last_login is saved by every login.
    if created or raw or update_fields == frozenset({"last_login"}):
        return
    end_after_save(instance, update_fields)
    # The session check sees the account itself.
    if config.uses_revocation_list:
        list_changed_account(instance, system.now())


def _on_membership(
    field: Any,
    *,
    action: str,
    instance: Any,
    pk_set: set[Any] | None,
    reverse: bool,
    using: str,
    **_kwargs: Any,
) -> None:
    end_of_members(field, action, instance, pk_set, using, reverse=reverse)


def _before_user_delete(instance: Any, **_kwargs: Any) -> None:
    forget_user(instance)


def _after_login(user: Any, **_kwargs: Any) -> None:
    carry_over(user)
