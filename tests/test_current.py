"""Who a request speaks for, before any view asks and without the database."""

from typing import Any

import pytest

from tokenauth import current
from tokenauth.access import verify_access_token
from tokenauth.sessions import start_session

ACCESS = "__Host-Http-tokenauth-access"


@pytest.fixture(autouse=True)
def _access_cookie(settings: Any) -> None:
    settings.TOKENAUTH_ACCESS_COOKIE = True


@pytest.fixture
def token(clock: Any, user: Any) -> str:
    """An access token of Ada's."""
    return start_session(user).access


class TestReadCookie:
    def test_the_cookie_counts(self, rf, token):
        """As it was sent."""
        assert current.read_cookie(rf.get("/", headers={"Cookie": f"{ACCESS}={token}"})) == token

    def test_not_beside_a_header(self, rf, token):
        """Any ``Authorization`` header, even an empty one, is used alone."""
        headers = {"Cookie": f"{ACCESS}={token}", "Authorization": ""}
        assert current.read_cookie(rf.get("/", headers=headers)) is None


class TestIsForged:
    @pytest.mark.req("REQ-84")
    def test_only_what_would_authenticate_is_refused(
        self, rf, token, clock, django_assert_num_queries
    ):
        """An unsafe request without proof, with a good token; told without a query."""
        with django_assert_num_queries(0):
            assert current.is_forged(rf.post("/"), token)
            assert not current.is_forged(rf.post("/"), "garbage")
            assert not current.is_forged(rf.get("/"), token)
            assert not current.is_forged(rf.post("/", headers={"X-Requested-With": "x"}), token)
            clock.advance(minutes=5)
            assert not current.is_forged(rf.post("/"), token)


class TestCookieUser:
    def test_is_lazy_and_asks_once(self, rf, token, user, django_assert_num_queries):
        """Attached without a query, resolved with one."""
        request = rf.get("/")
        with django_assert_num_queries(0):
            found = current.CookieUser(request, token)
            found.attach()
        assert not found.was_asked
        with django_assert_num_queries(1):
            assert request.user == user
            assert request.auth_session.user_id == user.pk
            assert current.access_of_cookie(request) is found.access
        assert found.was_asked

    def test_a_request_without_the_cookie_has_none(self, rf):
        """Nothing is attached, so nothing is proved."""
        assert current.cookie_user(rf.get("/")) is None
        assert current.access_of_cookie(rf.get("/")) is None


class TestFirstUse:
    def test_is_what_was_accepted_and_not_known(self, rf, token):
        """Until it has been recorded."""
        request = rf.get("/")
        assert current.first_use(request) is None
        access = verify_access_token(token)
        current.accept(request, access)
        assert current.first_use(request) is access
        current.record_first_use(access)
        current.accept(request, verify_access_token(token))
        assert current.first_use(request) is None
