"""The Content-Security-Policy that the pages of the seeded project are sent with."""

from collections.abc import Callable

from django.apps import apps
from django.http import HttpRequest, HttpResponse

__all__ = ["POLICY", "UNFOLD", "StrictPolicy"]

POLICY = "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
"""Nothing inline, nothing from elsewhere."""

UNFOLD = (
    f"{POLICY}; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'"
)
"""What django-unfold's own pages need: Alpine evaluates what stands in their attributes."""


class StrictPolicy:
    """Middleware that sends the policy with every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.policy = UNFOLD if apps.is_installed("unfold") else POLICY

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with the policy."""
        response = self.get_response(request)
        response["Content-Security-Policy"] = self.policy
        return response
