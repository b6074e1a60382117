"""``RecentlyAuthenticated`` in the views of a project."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny, BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from tests.conftest import Clock
from tests.domain import refresh, row, start
from tokenauth.authentication import AccessTokenAuthentication
from tokenauth.models import AuthSession
from tokenauth.permissions import RecentlyAuthenticated
from tokenauth.rest import TokenAuthView
from tokenauth.sessions import Tokens, step_up
from tokenauth.views import SessionRevokeView

pytestmark = pytest.mark.req("REQ-51")

RECENT = RecentlyAuthenticated(max_age=timedelta(minutes=5))
CHALLENGE = (
    'Bearer error="insufficient_user_authentication", '
    'error_description="More recent authentication is required", max_age="300"'
)
REFUSED = {
    "detail": "Prove again who you are, then repeat this.",
    "code": "insufficient_user_authentication",
}


class Odd(BaseAuthentication):
    """Authenticates everybody as Ada, with something that looks like a token of ours."""

    auth: Any = {"auth_time": 2**40, "amr": ["pwd"]}

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        """Return Ada."""
        return User.objects.get(), self.auth


def view_of(*permissions: Any, base: type[APIView] = APIView, **more: Any) -> Any:
    """Return a view with these permissions."""

    def get(_self: Any, _request: Request) -> Response:
        return Response({"done": True})

    more = {"authentication_classes": [AccessTokenAuthentication], **more}
    view: Any = type("View", (base,), {"permission_classes": permissions, "get": get, **more})
    return view.as_view()


def ask(view: Any, tokens: Tokens | None = None) -> Response:
    """Ask a view, with the access token or without one."""
    headers = {} if tokens is None else {"Authorization": f"Bearer {tokens.access}"}
    # A transaction of its own, as under ATOMIC_REQUESTS: DRF rolls back what answers an error.
    with transaction.atomic():
        response: Response = view(APIRequestFactory().get("/", headers=headers))
    return response


@pytest.fixture
def tokens(user: User, clock: Clock) -> Tokens:
    """Ada's tokens, after her login."""
    return start(user)


@pytest.fixture
def old(tokens: Tokens, clock: Clock) -> Tokens:
    """Tokens of now, of a login an hour ago."""
    clock.advance(hours=1)
    return refresh(tokens)


class TestAge:
    @pytest.mark.parametrize(("seconds", "status"), [(0, 200), (299, 200), (300, 200), (301, 401)])
    def test_is_of_the_proof(self, tokens: Tokens, clock: Clock, seconds: int, status: int):
        """Up to ``max_age`` seconds ago, and a refresh makes nobody younger."""
        clock.advance(seconds=seconds)
        assert ask(view_of(IsAuthenticated, RECENT), refresh(tokens)).status_code == status

    def test_a_step_up_renews_it(self, old: Tokens):
        """What a client does when it is refused."""
        view = view_of(IsAuthenticated, RECENT)
        assert ask(view, old).status_code == 401
        assert ask(view, step_up(row(old), amr=("pwd",))).status_code == 200

    def test_is_of_the_token(self, old: Tokens, clock: Clock):
        """The row says when the newest token was proved, not when this one was."""
        AuthSession.objects.update(auth_time=clock())
        assert ask(view_of(RECENT), old).status_code == 401

    def test_from_a_host_whose_clock_is_ahead(self, tokens: Tokens, clock: Clock):
        """A proof a few seconds in the future is a proof."""
        clock.advance(seconds=-5)
        assert ask(view_of(RECENT), tokens).status_code == 200

    @pytest.mark.parametrize("short", [timedelta(0), timedelta(seconds=-1), timedelta(seconds=0.9)])
    def test_of_nothing_is_a_mistake(self, short: timedelta):
        """Nobody could ever be that recent."""
        with pytest.raises(ValueError, match="shorter than a second"):
            RecentlyAuthenticated(max_age=short)


class TestRefused:
    def test_answer(self, old: Tokens):
        """By DRF's own handler: RFC 9470 section 3, and the body of every error."""
        response = ask(view_of(IsAuthenticated, RECENT), old)
        assert response.status_code == 401
        assert response["WWW-Authenticate"] == CHALLENGE
        assert response.data == REFUSED

    def test_answer_of_an_endpoint_of_ours(self, old: Tokens):
        """By the handler of the endpoints: the same."""
        response = ask(view_of(RECENT, base=TokenAuthView), old)
        assert response.status_code == 401
        assert response["WWW-Authenticate"] == CHALLENGE
        assert response.data == REFUSED

    def test_max_age_is_in_full_seconds(self, old: Tokens):
        """Rounded down: who is as recent as it says is let in."""
        permission = RecentlyAuthenticated(max_age=timedelta(seconds=90.7))
        assert 'max_age="90"' in ask(view_of(permission), old)["WWW-Authenticate"]

    @pytest.mark.parametrize("order", [(IsAuthenticated, RECENT), (RECENT, IsAuthenticated)])
    def test_nobody_is_told_to_authenticate(self, db: None, order: Any):
        """Without a token it is the usual 401, whichever comes first."""
        response = ask(view_of(*order))
        assert response.status_code == 401
        assert response["WWW-Authenticate"] == "Bearer"
        assert response.data["detail"].code == "not_authenticated"

    def test_nobody_of_a_project_without_anonymous_users(self, db: None, settings: Any):
        """``UNAUTHENTICATED_USER`` may be ``None``."""
        settings.REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None}
        assert ask(view_of(RECENT)).data["detail"].code == "not_authenticated"

    def test_force_authenticate(self, user: User):
        """There is no token that says when."""
        request = APIRequestFactory().get("/")
        force_authenticate(request, user)
        assert view_of(RECENT)(request).data == REFUSED

    @pytest.mark.parametrize("auth", [Odd.auth, None, "token"])
    def test_somebody_elses_token(self, user: User, auth: Any, monkeypatch: Any):
        """What another class put into ``request.auth`` is not ours to read."""
        monkeypatch.setattr(Odd, "auth", auth)
        assert ask(view_of(RECENT, authentication_classes=[Odd])).data == REFUSED


class Yes(BasePermission):
    """Lets everybody in."""


class No(BasePermission):
    """Lets nobody in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Refuse."""
        return False


LET_IN = [
    *(IsAuthenticated & RECENT, RECENT & IsAuthenticated, RECENT | No, No | RECENT),
    *((IsAuthenticated & RECENT) | No, (RECENT | No) & Yes, RECENT & RECENT),
]
LET_IN_THOUGH_OLD = [
    *(RECENT | Yes, Yes | RECENT, RECENT | No | Yes, No | RECENT | Yes, Yes | No | RECENT),
    *((IsAuthenticated & RECENT) | Yes, (RECENT & IsAuthenticated) | Yes),
    *((IsAuthenticated & RECENT) | No | Yes, Yes | (IsAuthenticated & RECENT)),
    (RECENT | Yes) & IsAuthenticated,
]
REFUSED_BY_AGE = [
    *(IsAuthenticated & RECENT, RECENT & IsAuthenticated, RECENT | No, No | RECENT),
    *(RECENT | IsAdminUser, IsAdminUser | RECENT, (RECENT | No) & Yes, RECENT & RECENT),
]


class TestComposed:
    @pytest.mark.parametrize("permission", LET_IN)
    def test_recent(self, tokens: Tokens, permission: Any):
        """As any other permission that says yes."""
        assert ask(view_of(permission), tokens).status_code == 200

    @pytest.mark.parametrize("permission", LET_IN_THOUGH_OLD)
    def test_old_but_let_in_by_another(self, old: Tokens, permission: Any):
        """Its refusal ends the question, so whatever else would let the user in is asked first."""
        assert ask(view_of(permission), old).status_code == 200

    @pytest.mark.parametrize("permission", REFUSED_BY_AGE)
    def test_old(self, old: Tokens, permission: Any):
        """The challenge, not the 403 that DRF has for a permission that says no."""
        response = ask(view_of(permission), old)
        assert (response.status_code, response.data) == (401, REFUSED)

    @pytest.mark.parametrize("permission", [No & RECENT, IsAdminUser & RECENT])
    def test_old_and_refused_by_another(self, old: Tokens, permission: Any):
        """Who may not do it at all is not asked for the password."""
        assert ask(view_of(permission), old).status_code == 403

    @pytest.mark.parametrize("permission", [RECENT | AllowAny, AllowAny | RECENT])
    def test_nobody_let_in_by_another(self, db: None, permission: Any):
        """As any other permission that says no."""
        assert ask(view_of(permission)).status_code == 200

    def test_classes_that_are_made_twice_do_not_share(self, tokens: Tokens, clock: Clock):
        """Each call has its own age."""
        short = RecentlyAuthenticated(max_age=timedelta(seconds=10))
        clock.advance(seconds=60)
        tokens = refresh(tokens)
        assert ask(view_of(RECENT), tokens).status_code == 200
        assert ask(view_of(short), tokens).status_code == 401


class TestSessionEndpoints:
    def test_can_be_asked_for(self, old: Tokens, user: User):
        """A project that wants it mounts the view again, in front of ours."""
        view = SessionRevokeView.as_view(permission_classes=[IsAuthenticated, RECENT])
        other = start(user)

        def revoke(tokens: Tokens) -> Any:
            headers = {"Authorization": f"Bearer {tokens.access}"}
            factory = APIRequestFactory()
            return view(factory.post("/", {"scope": "others"}, format="json", headers=headers))

        assert revoke(old).data == REFUSED
        assert row(other).revoked_at is None
        assert revoke(step_up(row(old), amr=("pwd",))).data == {"revoked": 1}
