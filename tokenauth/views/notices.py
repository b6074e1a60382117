"""The page behind the link of an e-mail: it asks, and its form ends the session."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.templatetags.static import static
from django.utils import translation
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import Throttled

from tokenauth import throttles
from tokenauth.addresses import origin_of
from tokenauth.database import exempt_from_atomic_requests
from tokenauth.exceptions import TryAgain
from tokenauth.notices.ending import Report, find_report
from tokenauth.notices.mail import facts_about, site_name
from tokenauth.responses import RETRY_AFTER
from tokenauth.rest import HideEverything

__all__ = ["EndSessionView"]


# The link is all that authorises, and it is in the address of the form: a page of another site
# that knows it has no need of this browser. So no cookie is asked for, of ours or of Django's, and
# the page works where a mail program shows it without any.
@method_decorator([csrf_exempt, login_not_required], name="dispatch")
class EndSessionView(View):
    """End a session without logging in, by an e-mail's link.

    GET changes nothing: mail servers and mail programs open links before anybody reads them.
    """

    http_method_names = ["get", "head", "post"]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view, exempt from ``ATOMIC_REQUESTS``."""
        return exempt_from_atomic_requests(super().as_view(**initkwargs))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Find what the link is about, and answer so that nothing is kept, shared or framed."""
        request.exception_reporter_filter = HideEverything()
        try:
            response: HttpResponseBase
            report = find_report(kwargs["value"])
            if report is None:
                throttles.count_unauthentic(request)
                response = _page(request, "end_session_invalid", status=404)
            else:
                with translation.override(report.language):
                    response = super().dispatch(request, report)
        except Throttled as limit:
            response = _busy(request, 429, max(RETRY_AFTER, int(vars(limit)["wait"])))
        except (TryAgain, OperationalError, InterfaceError):
            response = _busy(request, 503, RETRY_AFTER)
        return _sealed(response)

    def get(self, request: HttpRequest, report: Report) -> HttpResponse:
        """Ask."""
        if report.is_over:
            return _page(request, "end_session_done", report, before=True)
        return _page(request, "end_session", report)

    def post(self, request: HttpRequest, report: Report) -> HttpResponse:
        """End the session, or with ``scope=all`` each of its user's; as often as it is sent."""
        everywhere = request.POST.get("scope") == "all"
        before = report.is_over and not everywhere
        if not before:
            report.end(everywhere=everywhere, origin=origin_of(request))
        return _page(request, "end_session_done", report, before=before, everywhere=everywhere)


def _page(
    request: HttpRequest,
    name: str,
    report: Report | None = None,
    *,
    status: int = 200,
    **state: bool,
) -> HttpResponse:
    language = translation.get_language()
    context = {
        "facts": facts_about(report.session) if report else (),
        "site": site_name(),
        "language": language,
        "direction": "rtl" if translation.get_language_bidi() else "ltr",
        **state,
    }
    response = render(request, f"tokenauth/{name}.html", context, status=status)
    response["Content-Language"] = language or ""
    return response


def _busy(request: HttpRequest, status: int, seconds: int) -> HttpResponse:
    response = _page(request, "end_session_busy", status=status)
    response["Retry-After"] = str(seconds)
    return response


def _sealed(response: HttpResponseBase) -> HttpResponseBase:
    styles = _origin_of_styles()
    response["Content-Security-Policy"] = (
        f"default-src 'none'; style-src {styles}; img-src {styles}; font-src {styles}; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    response["Cache-Control"] = "no-store"
    # Not "no-referrer": with it browsers send "Origin: null" with the form, which checks of the
    # origin, Django's and ours, refuse. Of the address no site is told more than the origin.
    response["Referrer-Policy"] = "strict-origin"
    response["X-Content-Type-Options"] = "nosniff"
    response["X-Frame-Options"] = "DENY"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _origin_of_styles() -> str:
    """Return where the project serves static files, for the policy of the page."""
    found = urlsplit(static("tokenauth/page.css"))
    return f"{found.scheme or 'https'}://{found.netloc}" if found.netloc else "'self'"
