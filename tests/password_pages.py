"""A project's own pages for passwords: those of Django, and an API's."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView
from django.db import transaction
from django.http import HttpResponse
from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView

import tokenauth
from tokenauth.authentication import AccessTokenAuthentication
from tokenauth.permissions import RecentlyAuthenticated


class KeepThisSession(PasswordChangeView):
    """Changes the password; the session in use goes on, the others end."""

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        """Save the password, and keep the session."""
        response = super().form_valid(form)
        tokenauth.update_session_auth_hash(self.request, form.user)
        return response


class PasswordView(APIView):
    """Changes the password in an API; the answer has what a client in memory goes on with."""

    authentication_classes = [AccessTokenAuthentication]
    permission_classes = [RecentlyAuthenticated(max_age=timedelta(minutes=5))]

    @transaction.atomic
    def post(self, request: Any) -> Response:
        """Save the password, and keep the session."""
        request.user.set_password(request.data["password"])
        request.user.save()
        tokens = tokenauth.update_session_auth_hash(request, request.user)
        return Response({"access": tokens and tokens.access, "refresh": tokens and tokens.refresh})


class CarelessPasswordView(APIView):
    """The same, without the line."""

    authentication_classes = [AccessTokenAuthentication]

    def post(self, request: Any) -> Response:
        """Save the password."""
        request.user.set_password(request.data["password"])
        request.user.save()
        return Response({})


urlpatterns = [
    path("", include("tests.urls")),
    path("keep", KeepThisSession.as_view(success_url="/page")),
    path("plain", PasswordChangeView.as_view(success_url="/page")),
    path("reset/<uidb64>/<token>/", PasswordResetConfirmView.as_view(success_url="/page")),
    path("api/keep", PasswordView.as_view()),
    path("api/plain", CarelessPasswordView.as_view()),
]
