"""The base of the endpoints: what DRF's defaults would otherwise decide is fixed here.

Of a project's ``REST_FRAMEWORK`` only the throttles apply. A login endpoint must not become
unreachable, nor its errors unreadable, because the project set a default for its own views.
"""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterable, Sequence
from types import FrameType
from typing import IO, Any, NoReturn, cast

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import ParseError, Throttled
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from tokenauth import csrf, throttles
from tokenauth.database import exempt_from_atomic_requests
from tokenauth.exceptions import SecondStepFailed
from tokenauth.responses import CsrfFailed, response_for

__all__ = ["MAX_BODY", "HideEverything", "TokenAuthView"]

MAX_BODY = 64 * 1024
"""The largest request body, in bytes. The largest honest one is a fraction of it."""


class _Parser(BaseParser):
    """JSON objects in UTF-8, of bounded size and depth."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        try:
            body = stream.read(MAX_BODY + 1)
            if len(body) > MAX_BODY:
                raise ParseError("The body is too large.")
            data = json.loads(
                body.decode("utf-8"),
                parse_constant=_refuse_constant,
                object_pairs_hook=_refuse_duplicates,
            )
        except (ValueError, RecursionError, OSError):
            raise ParseError("The body is not JSON.") from None
        if not isinstance(data, dict):
            raise ParseError("The body is not a JSON object.")
        return data


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # A filter in front that reads the first of two passwords would count another one than we try.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member appears twice")
    return members


class _Renderer(JSONRenderer):
    compact = True
    ensure_ascii = False
    strict = True
    charset = None

    def get_indent(self, accepted_media_type: str, renderer_context: Any) -> None:
        """Ignore ``Accept: application/json; indent=…``: one answer has one form."""


# What fetch() and curl, most libraries and axios send.
_ACCEPTS_JSON = frozenset({"*/*", "application/json", "application/json, text/plain, */*"})


class _NoFormatOverride:
    URL_FORMAT_OVERRIDE = None


class _Negotiation(DefaultContentNegotiation):
    settings = _NoFormatOverride()  # type: ignore[assignment]  # all that is read of it

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """Answer what nearly every client accepts by a look at the header, the rest as DRF does."""
        if request.META.get("HTTP_ACCEPT", "*/*") in _ACCEPTS_JSON:
            return renderers[0], renderers[0].media_type
        return super().select_renderer(request, renderers, format_suffix)

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> Any:
        """Take JSON and nothing else: for DRF ``Content-Type: */*`` would be JSON too."""
        essence = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == essence), None)


class HideEverything(SafeExceptionReporterFilter):
    """Shows no local variable, header or cookie of a request on any error page or mail.

    Every frame below a view that is sent one handles a password or a token, and Django's own
    filter is off while ``DEBUG`` is on, which is when tracebacks are pasted into chats.
    """

    def is_active(self, request: HttpRequest | None) -> bool:
        """Hide whatever ``DEBUG`` says."""
        return True

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        """Return the names of the variables without their values."""
        return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        """Leave out the headers that hold tokens."""
        hidden = {"HTTP_COOKIE", "HTTP_AUTHORIZATION", "QUERY_STRING"}
        meta = super().get_safe_request_meta(request)
        return {name: value for name, value in meta.items() if name not in hidden}

    def get_safe_cookies(self, request: HttpRequest) -> dict[str, Any]:
        """Return the names of the cookies without their values."""
        return dict.fromkeys(request.COOKIES, self.cleansed_substitute)


# Not refresh_missing, which says nothing, nor refresh_ambiguous, which must delete a cookie.
_UNAUTHENTIC = frozenset({"refresh_invalid", "access_invalid", "bad_request", "csrf_failed"})


class TokenAuthView(APIView):
    """An endpoint of this package, whatever the project's defaults are."""

    authentication_classes: Sequence[type[BaseAuthentication]] = ()
    permission_classes: Sequence[type[BasePermission]] = (AllowAny,)
    parser_classes = (_Parser,)
    renderer_classes = (_Renderer,)
    content_negotiation_class = _Negotiation
    metadata_class = None
    versioning_class = None
    http_method_names = ["get", "post", "patch", "delete", "head"]  # what Allow may name

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view, exempt from ``ATOMIC_REQUESTS``."""
        return exempt_from_atomic_requests(super().as_view(**initkwargs))

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Wrap the request, and have any error page about it hide everything."""
        request.exception_reporter_filter = HideEverything()
        return super().initialize_request(request, *args, **kwargs)

    def get_format_suffix(self, **kwargs: Any) -> None:
        """Have no format suffixes, whatever ``FORMAT_SUFFIX_KWARG`` is."""

    def get_throttles(self) -> list[BaseThrottle]:
        """Apply the project's throttles, as they are set now."""
        classes = cast("list[type[BaseThrottle]]", api_settings.DEFAULT_THROTTLE_CLASSES)
        return [throttle() for throttle in classes]

    def handle_exception(self, exc: Exception) -> Response:
        """Return the response of the error table; raise what nobody expected."""
        response = response_for(exc, self.request._request)
        if response is None:
            raise exc
        response = self._throttled(exc, response) or response
        response.exception = True
        return response

    def _throttled(self, exc: Exception, refusal: Response) -> Response | None:
        """Count what was refused as unauthentic or malformed; return the 429 for one too many."""
        request, code = self.request, refusal.data["code"]
        is_unauthentic = code in _UNAUTHENTIC or isinstance(exc, SecondStepFailed)
        # Who is known by then has been counted, and must not pay for what others send.
        if not is_unauthentic or request.successful_authenticator is not None:
            return None
        try:
            if code == "access_invalid":
                throttles.count_refused_access(request._request)
            else:
                throttles.count_unauthentic(request._request)
        except Throttled as limit:
            return response_for(limit, request._request)
        return None

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Have no answer stored, by anybody (RFC 6749 section 5.1)."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def require_csrf_proof(self) -> None:
        """Refuse a request that a page of another site may have caused.

        Raises:
            CsrfFailed: there is no proof that it was this site's.
        """
        if not csrf.is_proved(self.request._request):
            raise CsrfFailed
