"""The Content-Security-Policy of the page: nothing inline, nothing from elsewhere, no frames."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

__all__ = ["POLICY", "strict_policy"]

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        # The forms are sent by script. If it fails, no password travels in an address.
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)


def strict_policy(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Send :data:`POLICY` with the answers of a view. (Django has this itself since 6.0.)"""

    @wraps(view)
    def with_policy(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response["Content-Security-Policy"] = POLICY
        return response

    return with_policy
