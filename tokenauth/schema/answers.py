"""What the endpoints take and answer, as parts of a schema.

The error answers are made from the table of :mod:`tokenauth.responses`, so the schema cannot fall
behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.http import HttpRequest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers

from tokenauth.cookies import refresh_cookie_name
from tokenauth.models import EndReason
from tokenauth.responses import ERRORS

__all__ = [
    "Body",
    "Me",
    "Session",
    "Sessions",
    "Tokens",
    "body_of",
    "choice",
    "credentials",
    "object_of",
    "operation",
    "text",
]

TAG = "auth"

_NO_NUL = "^[^\\u0000]*$"  # PostgreSQL's text cannot hold it, so no endpoint takes it
_ALWAYS = ("method_not_allowed", "not_acceptable", "throttled", "try_again")


def choice(*values: str, **more: Any) -> dict[str, Any]:
    """Return the schema of one of some texts."""
    # In allOf, because drf-spectacular makes a component of a plain enum, named by its member:
    # a project's own "client" would collide with it.
    return {"allOf": [{"type": "string", "enum": list(values)}], **more}


def text(length: int, **more: Any) -> dict[str, Any]:
    """Return the schema of a text of at most so many characters."""
    return {"type": "string", "maxLength": length, "pattern": _NO_NUL, **more}


@extend_schema_serializer(component_name="AuthSession")
class Session(serializers.Serializer[Any]):
    """The session object."""

    sid = serializers.UUIDField()
    client = serializers.CharField()
    device_name = serializers.CharField()
    user_agent = serializers.CharField()
    ip = serializers.IPAddressField(allow_null=True)
    created_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    auth_time = serializers.DateTimeField()
    amr = serializers.ListField(child=serializers.CharField())
    current = serializers.BooleanField()


@extend_schema_field({"type": "string", "pattern": "^Bearer$"})
class TokenType(serializers.CharField):
    """``token_type``: always ``Bearer``."""


@extend_schema_serializer(component_name="AuthTokens")
class Tokens(serializers.Serializer[Any]):
    """The answer to a login and to a refresh."""

    access = serializers.CharField()
    token_type = TokenType()
    expires_in = serializers.IntegerField(min_value=0)
    session = Session()
    refresh = serializers.CharField(
        required=False, help_text="For clients of transport `body`, if it changed."
    )
    refresh_expires_in = serializers.IntegerField(required=False, min_value=0)


@extend_schema_serializer(component_name="AuthUser")
class User(serializers.Serializer[Any]):
    """The caller."""

    id = serializers.CharField()
    username = serializers.CharField()


@extend_schema_serializer(component_name="AuthMe")
class Me(serializers.Serializer[Any]):
    """The answer of ``me/``."""

    user = User()
    session = Session(allow_null=True)


@extend_schema_serializer(component_name="AuthSessions", many=False)
class Sessions(serializers.Serializer[Any]):
    """The answer of ``sessions/``."""

    sessions = Session(many=True)


def object_of(required: Sequence[str] = (), **properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with these members."""
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return {**schema, "required": list(required)} if required else schema


class Body(serializers.Serializer[Any]):
    """A request body whose schema is written by hand.

    From a serializer's fields, every member of a PATCH would be optional.
    """

    raw: ClassVar[dict[str, Any]] = {}


def body_of(name: str, required: Sequence[str], **properties: Mapping[str, Any]) -> type[Body]:
    """Return a request body with these members, as the component ``name``."""
    return type(name, (Body,), {"raw": object_of(required, **properties)})


def _errors(codes: Sequence[str]) -> dict[int, OpenApiResponse]:
    """Return the error answers with these codes, by status."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in codes:
        by_status[ERRORS[code][0]].append(code)
    return {
        status: OpenApiResponse(_error(same), description=" ".join(str(ERRORS[c][1]) for c in same))
        for status, same in sorted(by_status.items())
    }


def _error(codes: Sequence[str]) -> dict[str, Any]:
    members: dict[str, dict[str, Any]] = {
        "detail": {"type": "string", "description": "For people."},
        "code": {"type": "string", "enum": list(codes), "description": "For programs."},
    }
    if "bad_request" in codes:
        texts = {"type": "array", "items": {"type": "string"}}
        members["errors"] = {"type": "object", "additionalProperties": texts}
    if "session_ended" in codes:
        members["reason"] = {"type": "string", "enum": list(EndReason.values)}
    if "mfa_required" in codes:
        # The gate's own members, and what completes the login where the project does so here.
        ours: dict[str, Any] = {
            "token": {"type": "string"},
            "expires_in": {"type": "integer", "minimum": 0},
        }
        members["challenge"] = {**object_of(**ours), "additionalProperties": {}}
    return object_of(("detail", "code"), **members)


def _headers(statuses: Sequence[int], cookies_on: Sequence[int]) -> list[OpenApiParameter]:
    """Return the headers of answers with these statuses."""
    described: list[tuple[str, Sequence[int], str]] = [
        ("Cache-Control", statuses, "Always `no-store`."),
        ("Allow", [405], "The methods of this path."),
        ("WWW-Authenticate", [401], "`Bearer`, and why, if a token was sent (RFC 6750)."),
        ("Retry-After", [429, 503], "Seconds; the request is safe to repeat."),
        ("Set-Cookie", cookies_on, "The cookies of a session of transport `cookie`."),
    ]
    return [
        OpenApiParameter(
            name,
            OpenApiTypes.STR,
            OpenApiParameter.HEADER,
            response=list(on),
            description=description,
        )
        for name, on, description in described
        if set(on) & set(statuses)
    ]


def credentials() -> list[OpenApiParameter]:
    """Return what an endpoint takes that is sent the refresh cookie."""
    return [
        OpenApiParameter(
            refresh_cookie_name(HttpRequest()),
            OpenApiTypes.STR,
            OpenApiParameter.COOKIE,
            description="The refresh token of a session of transport `cookie`.",
        ),
        OpenApiParameter(
            "X-Requested-With",
            OpenApiTypes.STR,
            OpenApiParameter.HEADER,
            description="Proof of the origin, for clients that use cookies and send neither "
            "`Sec-Fetch-Site` nor `Origin`; any value.",
        ),
    ]


def operation(
    name: str,
    success: int,
    answer: Any,
    errors: Sequence[str],
    *,
    takes: Sequence[OpenApiParameter] = (),
    body: type[Body] | None = None,
    **more: Any,
) -> Callable[..., Any]:
    """Return the decorator of one method.

    Args:
        name: its operation id, after ``tokenauth_``.
        success: the status of its success.
        answer: the body of its success.
        errors: the codes that it has beside those of every endpoint.
        takes: its parameters.
        body: its JSON.
        more: ``auth``; ``cookies_on``, the statuses that set cookies.
    """
    responses = {success: answer, **_errors([*errors, *_ALWAYS])}
    sets_cookies = "refresh_ambiguous" in errors
    cookies_on = more.pop("cookies_on", [success, 400] if sets_cookies else [])
    return extend_schema(
        operation_id=f"tokenauth_{name}",
        tags=[TAG],
        request=None if body is None else {"application/json": body},
        responses=responses,
        parameters=[*takes, *_headers(list(responses), cookies_on)],
        **more,
    )
