"""A project's own views: plain, async and DRF's, that log in and out by tokenauth's functions."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_not_required, login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

import tokenauth
from tests.urls import urlpatterns as project_urls

NEW_PASSWORD = "another long password"


class Undone(Exception):
    """Raised by a view whose transaction is to be rolled back."""


def facts(request: Any, user: Any) -> dict[str, Any]:
    """Return who is asking, and in which session."""
    session = request.auth_session
    return {"username": user.get_username(), "sid": str(session.pk) if session else None}


@transaction.non_atomic_requests  # its queries are counted
def ask(request: HttpRequest) -> JsonResponse:
    """Ask twice who it is."""
    assert request.user.is_authenticated in {True, False}
    return JsonResponse(facts(request, request.user))


@transaction.non_atomic_requests  # its queries are counted
def ask_session(request: HttpRequest) -> JsonResponse:
    """Ask for the session alone."""
    session = request.auth_session  # type: ignore[attr-defined]  # the middleware's
    return JsonResponse({"sid": str(session.pk) if session else None})


@transaction.non_atomic_requests  # as above
@login_not_required
def ignore(request: HttpRequest) -> HttpResponse:
    """Ask nothing."""
    return HttpResponse("ok")


def boom(request: HttpRequest) -> HttpResponse:
    """Ask, and fail."""
    raise Undone(str(request.user))


@login_required
def private(request: HttpRequest) -> JsonResponse:
    """Be for users only."""
    return JsonResponse(facts(request, request.user))


def _maybe_undo(request: Any) -> None:
    if "undo" in request.GET:
        raise Undone


@login_not_required
def log_in(request: HttpRequest) -> JsonResponse:
    """Log in whom the query names, as a single sign-on's last step would."""
    user = get_user_model().objects.get(username=request.GET["user"])
    tokens = tokenauth.login(request, user, client=request.GET.get("client"), amr=("sso",))
    _maybe_undo(request)
    return JsonResponse({**facts(request, request.user), "has_refresh": bool(tokens.refresh)})


def log_out(request: HttpRequest) -> JsonResponse:
    """Log out."""
    ended = tokenauth.logout(request)
    _maybe_undo(request)
    return JsonResponse({**facts(request, request.user), "ended": ended})


def change_password(request: HttpRequest) -> JsonResponse:
    """Change the password, and keep this session."""
    with transaction.atomic():
        user = request.user
        user.set_password(NEW_PASSWORD)
        user.save()
        tokens = tokenauth.update_session_auth_hash(request, user)
        _maybe_undo(request)
    return JsonResponse({"access": tokens.access if tokens else None})


def step_up(request: HttpRequest) -> JsonResponse:
    """Note a second factor, which the project has checked."""
    tokens = tokenauth.step_up(request, amr=("pwd", "otp"))
    _maybe_undo(request)
    same = tokens is not None and tokens.session is request.auth_session  # type: ignore[attr-defined]  # the middleware's
    return JsonResponse({"access": tokens.access if tokens else None, "is_current": same})


@api_view(["POST"])
def api_step_up(request: Request) -> Response:
    """Do the same in a view of DRF."""
    tokens = tokenauth.step_up(request, amr=("pwd", "otp"))
    _maybe_undo(request)
    refresh = tokens.refresh if tokens and tokens.session.transport == "body" else None
    return Response({"access": tokens.access if tokens else None, "refresh": refresh})


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def api_log_in(request: Request) -> Response:
    """Log in from a view of DRF."""
    user = get_user_model().objects.get(username=request.GET["user"])
    tokens = tokenauth.login(request, user, client=request.GET.get("client"))
    _maybe_undo(request)
    refresh = tokens.refresh if tokens.session.transport == "body" else None
    return Response({"access": tokens.access, "refresh": refresh})


@api_view(["POST"])
def api_log_out(request: Request) -> Response:
    """Log out from a view of DRF."""
    return Response({"ended": tokenauth.logout(request)})


@transaction.non_atomic_requests
async def async_ask(request: HttpRequest) -> JsonResponse:
    """Ask twice who it is, in async code."""
    user = await request.auser()
    assert (await request.auser()) == user
    return JsonResponse(facts(request, user))


@transaction.non_atomic_requests
async def async_ignore(request: HttpRequest) -> HttpResponse:
    """Ask nothing, in async code."""
    return HttpResponse("ok")


@transaction.non_atomic_requests
async def async_log_in(request: HttpRequest) -> JsonResponse:
    """Log in, in async code."""
    user = await get_user_model().objects.aget(username=request.GET["user"])
    await tokenauth.alogin(request, user)
    return JsonResponse(facts(request, await request.auser()))


@transaction.non_atomic_requests
async def async_log_out(request: HttpRequest) -> JsonResponse:
    """Log out, in async code."""
    ended = await tokenauth.alogout(request)
    return JsonResponse({**facts(request, await request.auser()), "ended": ended})


@transaction.non_atomic_requests
async def async_step_up(request: HttpRequest) -> JsonResponse:
    """Do it in async code."""
    await request.auser()
    tokens = await tokenauth.astep_up(request, amr=("pwd", "otp"))
    return JsonResponse({"access": tokens.access if tokens else None})


@transaction.non_atomic_requests
async def async_change_password(request: HttpRequest) -> JsonResponse:
    """Change the password, in async code."""
    user = await get_user_model().objects.aget(username=str(await request.auser()))
    user.set_password(NEW_PASSWORD)
    await user.asave()
    tokens = await tokenauth.aupdate_session_auth_hash(request, user)
    return JsonResponse({"access": tokens.access if tokens else None})


urlpatterns: list[Any] = [
    *project_urls,
    path("ask", ask),
    path("ask-session", ask_session),
    path("ignore", ignore),
    path("boom", boom),
    path("private", private),
    path("in", log_in),
    path("out", log_out),
    path("password", change_password),
    path("step-up", step_up),
    path("api/step-up", api_step_up),
    path("async/step-up", async_step_up),
    path("api/in", api_log_in),
    path("api/out", api_log_out),
    path("async/ask", async_ask),
    path("async/ignore", async_ignore),
    path("async/in", async_log_in),
    path("async/out", async_log_out),
    path("async/password", async_change_password),
]
