"""Ours for the app, allauth's for the pages on which users set up their second factor."""

from django.urls import include, path

from tests.urls import whoami

urlpatterns = [
    path("auth/", include("tokenauth.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/whoami", whoami, name="whoami"),
]
