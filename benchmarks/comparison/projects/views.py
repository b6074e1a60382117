"""The API that the tokens are for, protected by the project's default authentication."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

__all__ = ["ProfileView", "admin_and_ready", "urlpatterns"]


class ProfileView(APIView):
    """Tells callers their own name."""

    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        """Answer with the name."""
        return Response({"username": request.user.get_username()})


def ready(_request: HttpRequest) -> HttpResponse:
    """Answer at once: the server listens, and the connection is open."""
    return HttpResponse(status=204)


admin_and_ready = [path("admin/", admin.site.urls), path("ready/", ready)]
urlpatterns = [path("api/", ProfileView.as_view()), *admin_and_ready]
