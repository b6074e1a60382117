"""The page of the demo, and its protected endpoints: ordinary DRF views."""

from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from demo_project.policy import strict_policy
from tokenauth.conf import config
from tokenauth.permissions import RecentlyAuthenticated

PROOF_IS_GOOD_FOR = timedelta(minutes=1)
"""How old the password's last use may be when the e-mail address is changed: short, to see it."""


@strict_policy
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Answer the page, the same for everybody: who is logged in, only its script learns."""
    return render(request, "demo_project/index.html", {"experiments": settings.DEBUG})


class ProfileSerializer(serializers.ModelSerializer[User]):
    """Who is calling, and through which session."""

    session_id = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ["username", "email", "date_joined", "session_id"]

    def get_session_id(self, _user: User) -> str:
        """Return the session that the access token of this request belongs to."""
        return str(self.context["request"].auth["sid"])


class ProfileView(APIView):
    """Answer the caller's own profile; authenticated by the project's defaults."""

    @extend_schema(responses=ProfileSerializer)
    def get(self, request: Request) -> Response:
        """Return the user's name, e-mail address, join date, and the id of the session used."""
        user = cast("User", request.user)  # never anonymous here: the defaults refuse that
        return Response(ProfileSerializer(user, context={"request": request}).data)


class EmailSerializer(serializers.Serializer[User]):
    """A new e-mail address."""

    email = serializers.EmailField(max_length=254)


class EmailView(APIView):
    """Change the e-mail address: what a passer-by at an open screen must not do."""

    permission_classes = [IsAuthenticated, RecentlyAuthenticated(max_age=PROOF_IS_GOOD_FOR)]

    @extend_schema(request=EmailSerializer, responses=EmailSerializer)
    def put(self, request: Request) -> Response:
        """Store and return it, if the password was given within the last minute."""
        data = EmailSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        user = cast("User", request.user)
        user.email = data.validated_data["email"]
        user.save(update_fields=["email"])
        return Response(data.data)


class ProtocolSerializer(serializers.Serializer[Any]):
    """What the server's row says about the refresh token; none of it is a secret."""

    rotations = serializers.IntegerField(source="generation")
    repeated_answers = serializers.IntegerField(source="grace_count")
    rotates_in = serializers.SerializerMethodField()

    def get_rotates_in(self, session: Any) -> float:
        """Return in how many seconds a refresh will rotate again; until then it does not."""
        due: timedelta = session.rotated_at + config.grace_period - timezone.now()
        return max(0.0, due.total_seconds())


class ProtocolView(APIView):
    """Show the protocol at work. An application has no use for this."""

    @extend_schema(responses=ProtocolSerializer)
    def get(self, request: Request) -> Response:
        """Return the number of rotations and of repeated answers of the caller's session."""
        return Response(ProtocolSerializer(request.auth_session).data)  # type: ignore[attr-defined]  # AccessTokenAuthentication's
