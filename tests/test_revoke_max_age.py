"""Ending other sessions asks for a recent proof, if the project wants one."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from tests.conftest import PASSWORD, Api, Clock
from tokenauth.models import AuthSession

pytestmark = pytest.mark.req("REQ-51")

OLD = {"minutes": 5, "seconds": 1}
ALL, OTHERS = {"scope": "all"}, {"scope": "others"}


@pytest.fixture
def here(app: Api, clock: Clock, settings: Any) -> Api:
    """Ada's phone, which has just logged in; a proof holds for five minutes."""
    settings.TOKENAUTH_REVOKE_MAX_AGE = timedelta(minutes=5)
    return app


@pytest.fixture
def there(here: Api) -> Api:
    """Another phone of hers."""
    other = Api()
    assert other.login(client="app").status_code == 200
    return other


def path_of(api: Api) -> str:
    """Return where a client's session is ended."""
    sid = api.get("/auth/me/").json()["session"]["sid"]
    return f"/auth/sessions/{sid}/"


def grow_old(api: Api, clock: Clock) -> None:
    """Let the proof of a session become too old, and renew its access token."""
    clock.advance(**OLD)
    assert api.refresh().status_code == 200


def assert_asks(response: Any) -> None:
    """Check that an answer is the challenge of RFC 9470, with the age that is allowed."""
    assert response.status_code == 401
    assert response.json()["code"] == "insufficient_user_authentication"
    assert 'error="insufficient_user_authentication"' in response["WWW-Authenticate"]
    assert 'max_age="300"' in response["WWW-Authenticate"]


class TestAnother:
    def test_needs_a_recent_proof(self, here: Api, there: Api, clock: Clock) -> None:
        """Stale: a challenge, and nothing ends. After ``reauthenticate/`` the same request: 204."""
        path = path_of(there)
        grow_old(here, clock)
        assert_asks(here.delete(path))
        assert AuthSession.objects.filter(revoked_at=None).count() == 2
        proof = here.post("/auth/reauthenticate/", {"password": PASSWORD})
        here.access = proof.json()["access"]
        assert here.delete(path).status_code == 204
        assert there.refresh().json()["reason"] == "revoked"

    def test_needs_no_other_than_the_login(self, here: Api, there: Api, clock: Clock) -> None:
        """A login is a proof, to the last second."""
        path = path_of(there)
        clock.advance(minutes=4, seconds=59)
        assert here.delete(path).status_code == 204

    def test_is_not_told_from_an_unknown_one(self, here: Api, there: Api, clock: Clock) -> None:
        """Own, another user's, none, and no id at all: the same challenge."""
        get_user_model().objects.create_user("grace", password=PASSWORD)
        grace = Api()
        grace.login("grace", client="app")
        paths = [path_of(there), path_of(grace), f"/auth/sessions/{uuid.uuid4()}/"]
        grow_old(here, clock)
        answers = [here.delete(path) for path in [*paths, "/auth/sessions/x/"]]
        for answer in answers:
            assert_asks(answer)
        assert len({answer.content for answer in answers}) == 1

    def test_may_still_be_renamed(self, here: Api, there: Api, clock: Clock) -> None:
        """A name for a device ends nothing."""
        path = path_of(there)
        grow_old(here, clock)
        assert here.patch(path, {"device_name": "x"}).status_code == 200


class TestMany:
    @pytest.mark.parametrize("body", [ALL, OTHERS, {}])
    def test_need_a_recent_proof(self, here: Api, there: Api, clock: Clock, body: Any) -> None:
        """Both scopes; what is wrong with the body comes second."""
        grow_old(here, clock)
        assert_asks(here.post("/auth/sessions/revoke/", body))
        assert AuthSession.objects.filter(revoked_at=None).count() == 2

    @pytest.mark.parametrize(("body", "count"), [(ALL, 2), (OTHERS, 1)])
    def test_end_after_one(
        self, here: Api, there: Api, clock: Clock, body: Any, count: int
    ) -> None:
        """Fresh: as without the setting."""
        grow_old(here, clock)
        proof = here.post("/auth/reauthenticate/", {"password": PASSWORD})
        here.access = proof.json()["access"]
        assert here.post("/auth/sessions/revoke/", body).json() == {"revoked": count}


class TestOwn:
    def test_ends_without_one(self, here: Api, clock: Clock) -> None:
        """Whoever leaves is not asked who they are."""
        path = path_of(here)
        grow_old(here, clock)
        assert here.delete(path).status_code == 204
        assert here.refresh().json()["code"] == "session_ended"

    def test_logs_out_without_one(self, here: Api, clock: Clock) -> None:
        """So does the logout."""
        grow_old(here, clock)
        assert here.logout().status_code == 204
        assert here.refresh().json()["reason"] == "logout"


class TestWithout:
    def test_the_setting_any_age_will_do(self, app: Api, clock: Clock) -> None:
        """The default asks for nothing."""
        grow_old(app, clock)
        assert app.post("/auth/sessions/revoke/", OTHERS).status_code == 200

    def test_a_token_there_is_no_proof(self, user: User, here: Api) -> None:
        """``force_authenticate`` says who, and not since when."""
        client = APIClient()
        client.force_authenticate(user)
        assert_asks(client.post("/auth/sessions/revoke/", ALL, format="json"))


@pytest.mark.parametrize("max_age", [None, timedelta(minutes=5)])
@pytest.mark.parametrize(
    ("path", "method"), [("/auth/sessions/{sid}/", "delete"), ("/auth/sessions/revoke/", "post")]
)
def test_schema(settings: Any, max_age: Any, path: str, method: str) -> None:
    """The schema tells of the challenge, where there can be one."""
    settings.TOKENAUTH_REVOKE_MAX_AGE = max_age
    schema = SchemaGenerator().get_schema(public=True)
    answer = schema["paths"][path][method]["responses"]["401"]
    codes = answer["content"]["application/json"]["schema"]["properties"]["code"]["enum"]
    assert ("insufficient_user_authentication" in codes) is (max_age is not None)
