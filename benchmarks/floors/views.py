"""The endpoints of the floors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import authenticate
from django.db.models import F
from django.utils import timezone
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.floors.authentication import make_token
from benchmarks.floors.models import Row

__all__ = ["LoginView", "RefreshView"]


class _Open(APIView):
    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]


def _members(request: Request) -> Any:
    """Return the members of the JSON object that was sent."""
    return request.data


class LoginView(_Open):
    """The password checked, one row inserted, one JWT signed."""

    def post(self, request: Request) -> Response:
        """Log in."""
        now, data = timezone.now(), _members(request)
        user: Any = authenticate(
            request._request, username=data["username"], password=data["password"]
        )
        row = Row.objects.create(user=user, rotated_at=now, expires_at=now + timedelta(days=14))
        return Response({"access": make_token(row), "refresh": str(row.pk)})


class RefreshView(_Open):
    """One row updated, by one statement."""

    def post(self, request: Request) -> Response:
        """Update the row that the body names."""
        now, key = timezone.now(), _members(request)["refresh"]
        rows = Row.objects.filter(pk=key, revoked_at__isnull=True)
        updated = rows.update(
            generation=F("generation") + 1, rotated_at=now, expires_at=now + timedelta(days=14)
        )
        return Response({"ok": updated == 1, "refresh": key})
