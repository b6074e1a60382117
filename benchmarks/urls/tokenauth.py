"""A project with this package."""

from django.urls import include, path

from benchmarks.urls import api
from tokenauth.authentication import AccessTokenAuthentication

urlpatterns = [
    path("auth/", include("tokenauth.urls")),
    *api("tokenauth", AccessTokenAuthentication),
]
