"""The page's experiment "lose a response", as a proxy does that has lost its server."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse

__all__ = ["COOKIE", "LostAnswers"]

COOKIE = "demo-lose-answer"
"""A request to ``refresh/`` with this cookie loses its answer, and the cookie: it works once."""


class LostAnswers:
    """Middleware, the outermost: what was decided is committed, and the browser never learns it.

    The whole answer is dropped, the new refresh cookie with it. Only under DEBUG.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.DEBUG:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer; or 504, after all the work has been done."""
        response = self.get_response(request)
        path = reverse("tokenauth:refresh")
        if COOKIE not in request.COOKIES or request.path != path:
            return response
        response.close()
        lost: HttpResponse = JsonResponse(
            {"detail": "The answer of the server was lost on its way.", "code": "answer_lost"},
            status=504,
        )
        lost.delete_cookie(COOKIE, path=path)
        return lost
