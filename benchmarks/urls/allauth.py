"""A project with django-allauth headless."""

from allauth.headless.contrib.rest_framework.authentication import JWTTokenAuthentication
from django.urls import include, path

from benchmarks.urls import api

urlpatterns = [
    path("_allauth/", include("allauth.headless.urls")),
    path("accounts/", include("allauth.urls")),
    *api("allauth", JWTTokenAuthentication),
]
