"""Hearing of what users are told, once it is committed."""

from __future__ import annotations

import logging
from typing import Any

import django
from django.conf import settings
from django.utils.translation import get_language

from tokenauth.conf import Notice, config
from tokenauth.models import AuthSession
from tokenauth.notices.delivery import deliver, deliver_once, has_room
from tokenauth.notices.mail import language_of
from tokenauth.signals import refresh_reused, session_started

__all__ = ["connect"]

logger = logging.getLogger("tokenauth.notices")


def connect() -> None:
    """Connect the receivers; whether e-mails are on is asked each time."""
    session_started.connect(_after_login, sender=AuthSession, dispatch_uid="tokenauth.notices")
    refresh_reused.connect(_after_reuse, sender=AuthSession, dispatch_uid="tokenauth.notices")


def _after_login(session: AuthSession, user: Any, **_kwargs: Any) -> None:
    if session.new_device and "new_device" in config.security_emails:
        _hand_over("new_device", session, language_of(user, get_language()))


def _after_reuse(session: AuthSession, **_kwargs: Any) -> None:
    if "reuse" in config.security_emails:
        # Not the request's language: it may be the thief's.
        _hand_over("reuse", session, language_of(session.user, None))


def _hand_over(kind: Notice, session: AuthSession, language: str) -> None:
    """Queue the e-mail if there is room and a queue; send it here without one, or if that fails."""
    if not has_room(kind, session):
        return
    if not (django.VERSION >= (6, 0) and settings.is_overridden("TASKS")):
        deliver(kind, session, language)
        return
    try:
        # Here: a task asks the project's queue whether it takes it as soon as it is defined.
        from tokenauth.notices.tasks import send_notice  # noqa: PLC0415

        send_notice.enqueue(kind, str(session.pk), language)
    except Exception:
        logger.exception("the e-mail %s about session %s was not queued", kind, session.pk)
        deliver_once(kind, session, language)
