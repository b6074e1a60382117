"""A project with djangorestframework-simplejwt."""

from django.urls import path
from rest_framework_simplejwt.authentication import (
    JWTAuthentication,
    JWTStatelessUserAuthentication,
)
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from benchmarks.urls import api

urlpatterns = [
    path("login/", TokenObtainPairView.as_view()),
    path("refresh/", TokenRefreshView.as_view()),
    *api("default", JWTAuthentication),
    *api("stateless", JWTStatelessUserAuthentication),
]
