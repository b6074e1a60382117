"""The extensions of drf-spectacular: one for the authentication, one for each view."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiViewExtension,
)
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from tokenauth.authentication import AccessTokenAuthentication
from tokenauth.conf import config
from tokenauth.cookies import access_cookie_name, step_cookie_name
from tokenauth.models import MAX_DEVICE_NAME
from tokenauth.schema.answers import (
    Body,
    Me,
    Session,
    Sessions,
    Tokens,
    body_of,
    choice,
    credentials,
    object_of,
    operation,
    text,
)
from tokenauth.serializers import MAX_CREDENTIAL

__all__ = ["AccessTokenScheme", "ViewExtension"]

ACCESS_SCHEME = "tokenauthAccess"
COOKIE_SCHEME = "tokenauthAccessCookie"

_BODY = ("bad_request", "unsupported_media_type")
_TOKEN = ("access_invalid", "not_authenticated")
_COOKIE = ("refresh_ambiguous", "csrf_failed")


class AccessTokenScheme(OpenApiAuthenticationExtension):
    """The access token: a Bearer header, or the access cookie where that is on."""

    target_class = "tokenauth.authentication.AccessTokenAuthentication"
    match_subclasses = True

    @property
    def name(self) -> list[str]:  # type: ignore[override]  # which schemes there are is a setting
        """The names of the security schemes."""
        return [ACCESS_SCHEME, COOKIE_SCHEME] if config.access_cookie else [ACCESS_SCHEME]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Return that any one of the schemes is enough."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        """Return the schemes, in the order of their names."""
        header = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        cookie = {"type": "apiKey", "in": "cookie", "name": access_cookie_name(HttpRequest())}
        return [header, cookie][: len(self.name)]


class BodyExtension(OpenApiSerializerExtension):
    """The request bodies, as they are written."""

    target_class = "tokenauth.schema.answers.Body"
    match_subclasses = True

    def get_identity(self, auto_schema: Any, direction: Any) -> str:
        """Return the name: endpoints that take the same share a component."""
        return f"tokenauth {_class_of(self.target).__name__}"

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the schema."""
        return _class_of(self.target).raw


def _class_of(body: Any) -> type[Body]:
    return body if isinstance(body, type) else type(body)


def _proof() -> tuple[str, ...]:
    """What whoever ends other sessions may be answered, if a recent proof is asked for."""
    return () if config.revoke_max_age is None else ("insufficient_user_authentication",)


_Operations = dict[str, Callable[..., Any]]


class ViewExtension(OpenApiViewExtension):
    """Base of the extensions, one for each view: they add ``extend_schema`` to its methods."""

    match_subclasses = True

    @abstractmethod
    def operations(self) -> _Operations:
        """Return the decorator of each method, by its name."""

    def view_replacement(self) -> Any:
        """Return the view as the schema shows it; settings are read now."""
        changes: dict[str, Any] = {"__doc__": self.target.__doc__}
        if self.target.authentication_classes:
            # Two classes would be two security schemes of one name; a project's views use this.
            changes["authentication_classes"] = (AccessTokenAuthentication,)
        view = type(self.target.__name__, (self.target,), changes)
        return extend_schema_view(**self.operations())(view)


class LoginExtension(ViewExtension):
    """``POST login/``."""

    target_class = "tokenauth.views.LoginView"

    def operations(self) -> _Operations:
        """See :class:`ViewExtension`."""
        clients = [client.name for client in config.clients.values() if client.login]
        body = body_of(
            "AuthLogin",
            ("username", "password"),
            username=text(MAX_CREDENTIAL, minLength=1),
            password=text(MAX_CREDENTIAL, minLength=1, format="password", writeOnly=True),
            remember={"type": "boolean", "default": True},
            device_name=text(MAX_DEVICE_NAME, default=""),
            client=choice(*clients, default=next(iter(config.clients))),
        )
        errors = ("login_failed", "mfa_required", *_BODY, *_COOKIE)
        post = operation(
            *("login", 200, Tokens, errors),
            takes=credentials(),
            body=body,
            cookies_on=[200, 400, 401],  # the 401 of a challenge binds it to the browser
        )
        return {"post": post}


class SecondStepExtension(ViewExtension):
    """``POST login/second-step/``."""

    target_class = "tokenauth.views.SecondStepView"

    def operations(self) -> _Operations:
        """See :class:`ViewExtension`."""
        challenge = text(MAX_CREDENTIAL, minLength=1, writeOnly=True)
        body = body_of("AuthSecondStep", ("challenge",), challenge=challenge)
        errors = ("login_failed", "not_found", *_BODY, *_COOKIE)
        step = OpenApiParameter(
            step_cookie_name(HttpRequest()),
            OpenApiTypes.STR,
            OpenApiParameter.COOKIE,
            description="What binds a challenge to the browser, for clients of transport `cookie`.",
        )
        post = operation(
            "second_step", 200, Tokens, errors, takes=[step, *credentials()], body=body
        )
        return {"post": post}


class RefreshExtension(ViewExtension):
    """``POST refresh/``."""

    target_class = "tokenauth.views.RefreshView"

    def operations(self) -> _Operations:
        """See :class:`ViewExtension`."""
        failures = ("refresh_missing", "refresh_invalid", "refresh_superseded", "session_ended")
        errors = (*failures, *_BODY, *_COOKIE)
        body = body_of("AuthRefresh", (), refresh=text(MAX_CREDENTIAL))
        post = operation("refresh", 200, Tokens, errors, takes=credentials(), body=body)
        return {"post": post}


class LogoutExtension(ViewExtension):
    """``POST logout/``."""

    target_class = "tokenauth.views.LogoutView"

    def operations(self) -> _Operations:
        """See :class:`ViewExtension`."""
        body = body_of("AuthRefresh", (), refresh=text(MAX_CREDENTIAL))
        errors = (*_BODY, *_COOKIE)
        post = operation(
            *("logout", 204, None, errors),
            takes=credentials(),
            body=body,
            auth=[{ACCESS_SCHEME: []}, {}],
        )
        return {"post": post}


class ReauthenticateExtension(ViewExtension):
    """``POST reauthenticate/``."""

    target_class = "tokenauth.views.ReauthenticateView"

    def operations(self) -> _Operations:
        """See :class:`ViewExtension`."""
        password = text(MAX_CREDENTIAL, minLength=1, format="password", writeOnly=True)
        body = body_of("AuthReauthenticate", ("password",), password=password)
        errors = ("login_failed", "session_ended", *_TOKEN, *_BODY, *_COOKIE)
        post = operation("reauthenticate", 200, Tokens, errors, takes=credentials(), body=body)
        return {"post": post}


class MeExtension(ViewExtension):
    """``GET me/``."""

    target_class = "tokenauth.views.MeView"

    def operations(self) -> _Operations:
        """See :class:`ViewExtension`."""
        return {"get": operation("me", 200, Me, _TOKEN)}


class SessionListExtension(ViewExtension):
    """``GET sessions/``."""

    target_class = "tokenauth.views.SessionListView"

    def operations(self) -> _Operations:
        """See :class:`ViewExtension`."""
        return {"get": operation("sessions", 200, Sessions, _TOKEN)}


class SessionExtension(ViewExtension):
    """``PATCH`` and ``DELETE sessions/{sid}/``."""

    target_class = "tokenauth.views.SessionView"

    def operations(self) -> _Operations:
        """See :class:`ViewExtension`."""
        sid = OpenApiParameter("sid", OpenApiTypes.UUID, OpenApiParameter.PATH)
        body = body_of("AuthDeviceName", ("device_name",), device_name=text(MAX_DEVICE_NAME))
        errors = (*_TOKEN, "csrf_failed", "not_found")
        patch = operation(
            *("session_rename", 200, Session, (*errors, *_BODY)), takes=[sid], body=body
        )
        ends = (*errors, *_proof())
        delete = operation("session_end", 204, None, ends, takes=[sid], cookies_on=[204])
        return {"patch": patch, "delete": delete}


class SessionRevokeExtension(ViewExtension):
    """``POST sessions/revoke/``."""

    target_class = "tokenauth.views.SessionRevokeView"

    def operations(self) -> _Operations:
        """See :class:`ViewExtension`."""
        body = body_of("AuthRevoke", ("scope",), scope=choice("others", "all"))
        answer = object_of(("revoked",), revoked={"type": "integer", "minimum": 0})
        errors = (*_TOKEN, *_proof(), "csrf_failed", *_BODY)
        post = operation("sessions_revoke", 200, answer, errors, cookies_on=[200], body=body)
        return {"post": post}
