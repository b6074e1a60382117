"""The Content-Security-Policy of the page: nothing inline, nothing from elsewhere, no frames."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

__all__ = ["POLICY", "strict_policy"]

# The forms are sent by script: if it fails, no password travels in an address.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def strict_policy(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Send :data:`POLICY` with the answers of a view, also under a Django that cannot itself."""

    @wraps(view)
    def with_policy(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response["Content-Security-Policy"] = POLICY
        return response

    return with_policy
