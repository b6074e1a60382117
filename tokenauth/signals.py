"""Signals. Each is sent after commit, and a receiver that raises undoes nothing.

``session_started``
    A login. Arguments: ``session`` (the row), ``user``. ``session.new_device`` is true if the user
    has had sessions, and lately none on such a device: a project that tells its users of it by
    other ways than ``TOKENAUTH_SECURITY_EMAILS`` asks for that.
``refresh_rotated``
    A refresh token was exchanged for its successor. Arguments: ``session``.
``refresh_reused``
    A superseded refresh token was presented; the session has been revoked. Arguments:
    ``session``, ``ip``, ``user_agent`` (of whoever presented it).
``session_revoked``
    One or many sessions were revoked. Arguments: ``sessions`` (the rows, or an empty list where
    they were revoked in bulk), ``user`` (``None`` if they belong to several), ``reason``,
    ``actor`` (``None`` if nobody acted), ``count``.

The sender is :class:`tokenauth.models.AuthSession`. No argument holds a token.
"""

from __future__ import annotations

from django.dispatch import Signal

__all__ = ["refresh_reused", "refresh_rotated", "session_revoked", "session_started"]

session_started = Signal()
refresh_rotated = Signal()
refresh_reused = Signal()
session_revoked = Signal()
