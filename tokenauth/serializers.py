"""The shapes of request and response bodies. No queries, no rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rest_framework import serializers

from tokenauth.models import MAX_DEVICE_NAME, AuthSession
from tokenauth.sessions import Tokens

__all__ = [
    "DeviceNameSerializer",
    "LoginSerializer",
    "ReauthenticateSerializer",
    "RefreshSerializer",
    "RevokeSerializer",
    "SecondStepSerializer",
    "refresh_token_of",
    "session_data",
    "tokens_data",
]

MAX_CREDENTIAL = 4096


class _Text(serializers.CharField):
    """A JSON string as it was sent. DRF's own field takes numbers, and strips passwords."""

    default_error_messages = {"invalid": "Not a string."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class _Flag(serializers.BooleanField):
    """A JSON boolean. DRF's own field takes ``"on"`` and ``1``."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=type(data).__name__)
        return data


class LoginSerializer(serializers.Serializer[Any]):
    """Credentials, and how the session is to be."""

    username = _Text(max_length=MAX_CREDENTIAL)
    password = _Text(max_length=MAX_CREDENTIAL)
    remember = _Flag(default=True)
    device_name = _Text(max_length=MAX_DEVICE_NAME, default="", allow_blank=True)
    client = _Text(max_length=64, required=False)


class SecondStepSerializer(serializers.Serializer[Any]):
    """A challenge; what else there is, is the answer, which the project's function reads."""

    challenge = _Text(max_length=MAX_CREDENTIAL)


class ReauthenticateSerializer(serializers.Serializer[Any]):
    """The password of whoever sends the access token."""

    password = _Text(max_length=MAX_CREDENTIAL)


class RefreshSerializer(serializers.Serializer[Any]):
    """A refresh token in a body, as the schema shows it; :func:`refresh_token_of` reads it."""

    refresh = _Text(max_length=MAX_CREDENTIAL, required=False, allow_blank=True)


_refresh = _Text(max_length=MAX_CREDENTIAL, allow_blank=True)


def refresh_token_of(body: Any) -> str | None:
    """Return the refresh token in a body, or ``None``; by one field, not a serializer's copies.

    Raises:
        ValidationError: it is no string, or longer than any.
    """
    if "refresh" not in body:
        return None
    sent = body["refresh"]
    if (
        isinstance(sent, str)
        and len(sent) <= MAX_CREDENTIAL
        and sent.isascii()
        and sent.isprintable()
    ):
        return sent or None  # whatever every honest client sends; the field judges the rest
    try:
        return _refresh.run_validation(sent) or None
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"refresh": error.detail}) from None


class DeviceNameSerializer(serializers.Serializer[Any]):
    """A new name for a device."""

    device_name = _Text(max_length=MAX_DEVICE_NAME, allow_blank=True)


class _Choice(serializers.ChoiceField):
    """One of some JSON strings. DRF's own field repeats, in its error, whatever was sent."""

    default_error_messages = {"invalid_choice": "Not one of the choices."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice")
        return data


class RevokeSerializer(serializers.Serializer[Any]):
    """Which of the caller's sessions to revoke."""

    scope = _Choice(choices=("others", "all"))


def session_data(session: AuthSession, current: AuthSession | None) -> dict[str, Any]:
    """Return the session object of the API.

    Args:
        session: the session.
        current: the caller's own, if the request has one.
    """
    return {
        "sid": str(session.pk),
        "client": session.client,
        "device_name": session.device_name,
        # Where the text is not kept, what it said of the device is what its user knows it by.
        "user_agent": session.last_user_agent or session.device,
        "ip": session.last_ip,
        "created_at": _timestamp(session.created_at),
        "last_seen_at": _timestamp(session.last_seen_at),
        "expires_at": _timestamp(session.expires_at),
        "auth_time": _timestamp(session.auth_time),
        "amr": session.amr,
        "current": current is not None and current.pk == session.pk,
    }


def tokens_data(tokens: Tokens) -> dict[str, Any]:
    """Return the answer to a login or a refresh.

    A refresh token is in it for body clients only, and only if it changed.
    """
    data = {
        "access": tokens.access,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "session": session_data(tokens.session, tokens.session),
    }
    if tokens.session.transport == "body" and tokens.refresh is not None:
        data["refresh"] = tokens.refresh
        data["refresh_expires_in"] = tokens.refresh_expires_in
    return data


def _timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with ``Z``, whatever DRF's and Django's formats are."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
