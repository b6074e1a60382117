"""The two views that the package's README tells a project to write."""

from typing import cast

from django.contrib.auth import authenticate
from django.urls import path
from drf_sessions.services import SessionService
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.comparison.projects import views


class LoginView(APIView):
    """Exchange a user name and a password for a session."""

    permission_classes = [AllowAny]

    def post(self, request: Request) -> Response:
        """Log in."""
        data = cast("dict[str, str]", request.data)
        user = authenticate(username=data.get("username"), password=data.get("password"))
        if not user:
            return Response({"error": "Invalid credentials"}, status=401)
        context = {
            "ip_address": request.META.get("REMOTE_ADDR"),
            "user_agent": request.META.get("HTTP_USER_AGENT"),
        }
        issued = SessionService.create_header_session(user=user, context=context)
        return Response({"access": issued.access_token, "refresh": issued.refresh_token})


class RefreshView(APIView):
    """Exchange a refresh token for its successor."""

    permission_classes = [AllowAny]

    def post(self, request: Request) -> Response:
        """Refresh."""
        data = cast("dict[str, str]", request.data)
        issued = SessionService.refresh_token(data.get("refresh"))
        if not issued:
            return Response({"error": "Invalid or expired token"}, status=401)
        return Response({"access": issued.access_token, "refresh": issued.refresh_token})


urlpatterns = [
    path("login/", LoginView.as_view()),
    path("refresh/", RefreshView.as_view()),
    *views.urlpatterns,
]
