"""URLs of the projects: those of the tests, and the pages of an app on the API's own origin."""

from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.exceptions import Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from tests import urls
from tests.deployments import pages


@api_view(["GET"])
@permission_classes([AllowAny])
def busy(request: Request) -> Response:
    """Answer as a throttle does."""
    raise Throttled(7)


def page(request: HttpRequest) -> HttpResponse:
    """Answer with a page of the app."""
    found = pages.content(request.get_full_path())
    assert found is not None
    kind, headers, body = found
    return HttpResponse(body, content_type=kind, headers=headers)


urlpatterns = [
    *urls.urlpatterns,
    re_path(r"^api/busy$", busy),
    re_path(r"^(?:|app\.js|bare|frameable)$", page),
]
