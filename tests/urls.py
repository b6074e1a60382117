"""URLs of the project that the tests run in."""

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response


@api_view(["GET", "POST"])
def whoami(request: Request) -> Response:
    """Answer who the access token in the request belongs to."""
    return Response({"username": request.user.get_username()})


def page(request: HttpRequest) -> JsonResponse:
    """Answer who the middleware says is asking; nobody is the empty name."""
    return JsonResponse({"username": request.user.get_username()})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("auth/", include("tokenauth.urls")),
    path("api/whoami", whoami, name="whoami"),
    path("page", page, name="page"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
]
