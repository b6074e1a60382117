"""Ours without login, and allauth's: the way in is the provider's."""

from django.urls import include, path

from tests.urls import page, whoami

urlpatterns = [
    path("auth/", include("tokenauth.urls_without_login")),
    path("accounts/", include("allauth.urls")),
    path("api/whoami", whoami, name="whoami"),
    path("page", page, name="page"),
]
