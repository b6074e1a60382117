"""The protected endpoint of the demo: an ordinary DRF view."""

from typing import cast

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


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
