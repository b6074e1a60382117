"""Proof that a request comes from the site itself, wherever a cookie authenticates or is set.

A page of another site can make a browser send our cookies; it cannot change ``Sec-Fetch-Site`` or
``Origin``, nor add a header of its own without asking first (RFC 10017 section 6.1.3.3, OWASP
CSRF Prevention, "Fetch Metadata" and "Custom Headers"). No token has to be kept, in step or bound
to a session.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.utils.http import is_same_domain

__all__ = ["SAFE_METHODS", "is_proved"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def is_proved(request: HttpRequest) -> bool:
    """Return whether a request was made by the site itself.

    ``Sec-Fetch-Site: same-origin`` proves it. Otherwise an ``Origin`` must be this host's or
    match ``CSRF_TRUSTED_ORIGINS``. A request with neither header comes from a client that no
    other site can steer, or from a browser too old to send them: it must carry
    ``X-Requested-With``, which a form cannot add.

    Whether the method is safe is the caller's to ask: a WebSocket handshake is a GET.
    """
    if getattr(request, "_dont_enforce_csrf_checks", False):
        return True
    site = request.META.get("HTTP_SEC_FETCH_SITE")
    if site == "same-origin":
        return True
    origin = request.META.get("HTTP_ORIGIN")
    if origin is not None:
        return _is_good_origin(request, origin)
    return site is None and "HTTP_X_REQUESTED_WITH" in request.META


def _is_good_origin(request: HttpRequest, origin: str) -> bool:
    try:
        if origin == f"{request.scheme}://{request.get_host()}":
            return True
    except DisallowedHost:
        return False
    trusted = settings.CSRF_TRUSTED_ORIGINS
    if origin in trusted and "*" not in origin:
        return True
    try:
        sent = urlsplit(origin)
        wildcards = [urlsplit(entry) for entry in trusted if "*" in entry]
        return any(
            sent.scheme == entry.scheme
            and is_same_domain(sent.netloc, entry.netloc.removeprefix("*"))
            for entry in wildcards
        )
    except ValueError:
        return False
