"""The endpoints, login included.

Mount it once: ``path("auth/", include("tokenauth.urls"))``. Every path answers with and without
its last slash: a redirect would lose the body of a POST.
"""

from __future__ import annotations

from tokenauth.endpoints import endpoint, without_login
from tokenauth.views import LoginView, SecondStepView

app_name = "tokenauth"

urlpatterns = [
    *endpoint("login/", LoginView, "login"),
    *endpoint("login/second-step/", SecondStepView, "second-step"),
    *without_login(),
]
