"""Which view answers at which path."""

from __future__ import annotations

from django.urls import URLPattern, path

from tokenauth.rest import TokenAuthView
from tokenauth.views import (
    EndSessionView,
    LogoutView,
    MeView,
    ReauthenticateView,
    RefreshView,
    SessionListView,
    SessionRevokeView,
    SessionView,
)

__all__ = ["endpoint", "without_login"]


def endpoint(route: str, view: type[TokenAuthView], name: str) -> list[URLPattern]:
    """Return the patterns of one endpoint, with and without the last slash.

    Only the first is named, and only it is in the schema.
    """
    bare = route.removesuffix("/")
    return [path(route, view.as_view(), name=name), path(bare, view.as_view(schema=None))]


def without_login() -> list[URLPattern]:
    """Return the patterns of every endpoint but login."""
    return [
        *endpoint("refresh/", RefreshView, "refresh"),
        *endpoint("logout/", LogoutView, "logout"),
        *endpoint("reauthenticate/", ReauthenticateView, "reauthenticate"),
        *endpoint("me/", MeView, "me"),
        *endpoint("sessions/", SessionListView, "sessions"),
        *endpoint("sessions/revoke/", SessionRevokeView, "sessions-revoke"),
        *endpoint("sessions/<str:sid>/", SessionView, "session"),
        *_page("end-session/<str:value>/", EndSessionView, "end-session"),
    ]


def _page(route: str, view: type[EndSessionView], name: str) -> list[URLPattern]:
    """Return the patterns of a page for people, likewise; no schema has it."""
    answer = view.as_view()
    return [path(route, answer, name=name), path(route.removesuffix("/"), answer)]
