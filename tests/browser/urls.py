"""The page, ``tokenauth`` at ``/auth/``, the demo's protected view, and an echo."""

import hashlib

from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import TemplateView
from rest_framework.request import Request
from rest_framework.views import APIView

from demo_project.views import ProfileView


@csrf_exempt
def echo(request: HttpRequest) -> JsonResponse:
    """Say what arrived; whoever it is."""
    kind, _, boundary = request.headers.get("Content-Type", "").partition("; boundary=")
    # The boundary of multipart/form-data is drawn anew for each request.
    body = request.body.replace(boundary.encode(), b"") if boundary else request.body
    return JsonResponse(
        {
            "method": request.method,
            "type": kind,
            "length": len(body),
            "digest": hashlib.sha256(body).hexdigest(),
            "query": request.GET.urlencode(),
            "header": request.headers.get("X-Test", ""),
        }
    )


class PrivateEcho(APIView):
    """Say the same to those who are logged in."""

    def post(self, request: Request) -> JsonResponse:
        """Answer POST."""
        return echo(request._request)

    put = post


urlpatterns = [
    path("", TemplateView.as_view(template_name="browser/page.html")),
    path("auth/", include("tokenauth.urls")),
    path("api/profile/", ProfileView.as_view()),
    path("api/echo/", echo),
    path("api/private-echo/", PrivateEcho.as_view()),
    *staticfiles_urlpatterns(),
]
