"""The caller, and the caller's own sessions."""

from __future__ import annotations

import uuid

from rest_framework.request import Request
from rest_framework.response import Response

from tokenauth.addresses import origin_of
from tokenauth.models import AuthSession, RevokedReason
from tokenauth.responses import error_response
from tokenauth.serializers import DeviceNameSerializer, RevokeSerializer, session_data
from tokenauth.sessions import (
    active_sessions,
    find_own_session,
    rename_session,
    revoke_session,
    revoke_user_sessions,
)
from tokenauth.views.base import ProtectedView

__all__ = ["MeView", "SessionListView", "SessionRevokeView", "SessionView"]


class MeView(ProtectedView):
    """Who the caller is."""

    def get(self, request: Request) -> Response:
        """Return the caller's key and user name, and the session in use."""
        current = self.current_session
        user = {"id": str(request.user.pk), "username": request.user.get_username()}
        session = None if current is None else session_data(current, current)
        return Response({"user": user, "session": session})


class SessionListView(ProtectedView):
    """The caller's sessions."""

    def get(self, request: Request) -> Response:
        """List the active ones, the newest first, at most 100."""
        current = self.current_session
        found = active_sessions(request.user)
        return Response({"sessions": [session_data(session, current) for session in found]})


class SessionView(ProtectedView):
    """One of the caller's sessions."""

    def patch(self, request: Request, sid: str) -> Response:
        """Rename its device."""
        body = DeviceNameSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        session = self._find(sid)
        if session is None:
            return error_response("not_found")
        origin = origin_of(request._request)
        rename_session(session, body.validated_data["device_name"], origin=origin)
        return Response(session_data(session, self.current_session))

    def delete(self, request: Request, sid: str) -> Response:
        """End it; another than the own only after a recent proof, if the project asks for one."""
        if not self._is_current(sid):
            self.require_proof()
        session = self._find(sid)
        if session is None:
            return error_response("not_found")
        revoke_session(
            session,
            reason=RevokedReason.USER,
            actor=request.user,
            origin=origin_of(request._request),
        )
        self.clear_if_current(session)
        return Response(status=204)

    def _is_current(self, sid: str) -> bool:
        current = self.current_session
        return current is not None and str(current.pk) == sid

    def _find(self, sid: str) -> AuthSession | None:
        """Return the caller's living session of this id: another's is as unknown as none."""
        try:
            wanted = uuid.UUID(sid)
        except ValueError:
            return None
        if str(wanted) != sid:
            return None
        return find_own_session(self.request.user, wanted)


class SessionRevokeView(ProtectedView):
    """Many of the caller's sessions at once."""

    def post(self, request: Request) -> Response:
        """End the others, or all of them, the current one too."""
        self.require_proof()
        body = RevokeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        everything = body.validated_data["scope"] == "all"
        revoked = revoke_user_sessions(
            request.user,
            reason=RevokedReason.USER,
            actor=request.user,
            keep=None if everything else self.current_session,
            origin=origin_of(request._request),
        )
        if everything:
            self.clear_if_current(self.current_session)
        return Response({"revoked": revoked})
