"""The floors' project."""

from django.urls import path
from rest_framework.permissions import AllowAny

from benchmarks.floors.authentication import JoinedRowAuthentication, JwtAuthentication
from benchmarks.floors.views import LoginView, RefreshView
from benchmarks.urls import api

urlpatterns = [
    path("login/", LoginView.as_view()),
    path("refresh/", RefreshView.as_view()),
    *api("bare", None, permission_classes=[AllowAny]),
    *api("pyjwt", JwtAuthentication),
    *api("joined-row", JoinedRowAuthentication),
]
