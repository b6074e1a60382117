"""The middleware: directly after ``AuthenticationMiddleware``, under WSGI and ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.core.checks import ERROR, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from tokenauth import current, deferred
from tokenauth.exceptions import AccessInvalid, SessionEnded, TryAgain
from tokenauth.responses import ERRORS, RETRY_AFTER, challenge, complete, error_body
from tokenauth.revocation_list import revocation_list

__all__ = ["TokenAuthMiddleware"]

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class TokenAuthMiddleware:
    """Authenticate pages by the access cookie, and write what views have asked for.

    Before the view: with our access cookie, ``request.user``, ``request.auser`` and
    ``request.auth_session`` become lazy; without it nothing is read, and ``request.auth_session``
    is ``None``. The revocation list, if it is in use, is brought up to date: here, because the
    view's transaction might see the past. After the view: the cookies of ``login()`` and
    ``logout()``, and the first use of a refresh token's generation, outside the view's
    transaction. REST framework's answer to a request without a token gets its ``code``.

    Raises:
        ImproperlyConfigured: at start, on a setting that the system checks refuse. Checks do not
            run under gunicorn or uvicorn, and a wrong setting must not serve a single request.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        _refuse_wrong_settings()
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        self.process_template_response = self._aname_fault if self.is_async else self._name_fault
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Serve a request; under ASGI, return the coroutine that does."""
        if self.is_async:
            return self.__acall__(request)
        if current.needs_list(request):
            revocation_list.update()
        response = self._before(request)
        if response is None:
            response = cast("HttpResponseBase", self.get_response(request))
        self._record(request)
        return self._after(request, response)

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """See __call__()."""
        if current.needs_list(request) and revocation_list.is_due():
            await sync_to_async(revocation_list.update)()
        response = self._before(request)
        if response is None:
            response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
        if current.first_use(request) or deferred.is_waiting(request):
            await sync_to_async(self._record)(request)
        return self._after(request, response)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Answer what a view could not know: its user or session is gone, or others were faster."""
        if isinstance(exception, AccessInvalid):
            return _error("access_invalid", {"WWW-Authenticate": challenge(request)})
        if isinstance(exception, SessionEnded):
            return _error(
                "session_ended", {"WWW-Authenticate": challenge(request)}, exception.reason
            )
        if isinstance(exception, TryAgain):
            return _error("try_again", {"Retry-After": str(RETRY_AFTER)})
        return None

    def _name_fault(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Have a request without an access token answered as such in a project's views too."""
        complete(response)
        return response

    async def _aname_fault(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        # Of a function that is not async Django makes one that goes through a thread.
        return self._name_fault(request, response)

    def _before(self, request: HttpRequest) -> HttpResponseBase | None:
        request.auth_session = None  # type: ignore[attr-defined]  # added here
        raw = current.read_cookie(request)
        if raw is None:
            return None
        if current.is_forged(request, raw):
            return _error("csrf_failed")
        current.CookieUser(request, raw).attach()
        return None

    def _record(self, request: HttpRequest) -> None:
        """What the database has to be asked or told once the view's transaction has ended."""
        deferred.settle(request)
        if access := current.first_use(request):
            current.record_first_use(access)

    def _after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        deferred.apply_deferred(request, response)
        found = current.cookie_user(request)
        if found is not None and found.was_asked:
            patch_vary_headers(response, ["Cookie"])
        return response


def _error(
    code: str, headers: Mapping[str, str] | None = None, reason: str | None = None
) -> HttpResponseBase:
    sent = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})}
    return JsonResponse(error_body(code, reason=reason), status=ERRORS[code][0], headers=sent)


def _refuse_wrong_settings() -> None:
    messages = run_checks(tags=["tokenauth"])
    errors = [message for message in messages if message.is_serious(ERROR)]
    loud = [str(message) for message in errors if not message.is_silenced()]
    if loud:
        raise ImproperlyConfigured("\n".join(["tokenauth does not start:", *loud]))
