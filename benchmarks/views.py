"""The API of every project: two trivial views, so that authentication is what differs."""

from __future__ import annotations

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

__all__ = ["OkView", "UsernameView"]


class OkView(APIView):
    """Needs somebody, and does not ask who."""

    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        """Answer."""
        return Response({"ok": True})


class UsernameView(APIView):
    """Reads a field of the user that is in no token."""

    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        """Answer with the user's name."""
        return Response({"username": request.user.username})
