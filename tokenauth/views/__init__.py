"""The endpoints: read the request, call one function of the domain, answer."""

from __future__ import annotations

from tokenauth.views.login import LoginView, ReauthenticateView
from tokenauth.views.notices import EndSessionView
from tokenauth.views.own import MeView, SessionListView, SessionRevokeView, SessionView
from tokenauth.views.refresh import LogoutView, RefreshView
from tokenauth.views.second_step import SecondStepView

__all__ = [
    "EndSessionView",
    "LoginView",
    "LogoutView",
    "MeView",
    "ReauthenticateView",
    "RefreshView",
    "SecondStepView",
    "SessionListView",
    "SessionRevokeView",
    "SessionView",
]
