"""django-axes: its lockouts in the words of the endpoints.

::

    AXES_LOCKOUT_CALLABLE = "tokenauth.integrations.axes.lockout_response"
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils.module_loading import import_string

from tokenauth.responses import ERRORS, error_body

__all__ = ["lockout_response"]

_NEVER_ENDS = timedelta(days=1)
"""When to come again after a lockout that only staff can end: the header has no "never"."""


def lockout_response(request: HttpRequest, *_: Any) -> JsonResponse:
    """Return what the endpoints answer to too many guesses: 429 ``throttled``, as JSON.

    ``Retry-After`` is the whole cool-off of axes, of which some may have passed. Says nothing of
    the account, so one that does not exist is locked out alike.

    Args:
        request: Django's request.
    """
    # Its models need its app in INSTALLED_APPS, so it is imported when it calls.
    get_cool_off = import_string("axes.helpers.get_cool_off")
    cool_off: timedelta = get_cool_off(request) or _NEVER_ENDS
    headers = {
        "Retry-After": str(max(1, round(cool_off.total_seconds()))),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return JsonResponse(error_body("throttled"), status=ERRORS["throttled"][0], headers=headers)
