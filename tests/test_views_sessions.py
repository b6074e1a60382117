"""``me/``, ``sessions/``, ``sessions/{sid}/`` and ``sessions/revoke/``."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.test import override_settings
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate

from tests.conftest import PASSWORD, Api, Clock
from tokenauth.models import AuthEvent, AuthSession
from tokenauth.views import SessionListView

COOKIE = "__Secure-tokenauth-refresh"
PROTECTED = [
    ("get", "/auth/me/"),
    ("get", "/auth/sessions/"),
    ("patch", "/auth/sessions/0190a1b2-0000-7000-8000-00000000000f/"),
    ("delete", "/auth/sessions/0190a1b2-0000-7000-8000-00000000000f/"),
    ("post", "/auth/sessions/revoke/"),
]
ENDPOINTS = [("post", f"/auth/{name}/") for name in ("login", "refresh", "logout")] + PROTECTED


@pytest.fixture
def several(user: User, new_api: Callable[..., Api]) -> list[Api]:
    """Three clients of Ada's, the last one the newest."""
    clients = [new_api() for _ in range(3)]
    for number, client in enumerate(clients):
        assert client.login(client="app", device_name=f"device {number}").status_code == 200
    return clients


@pytest.fixture
def grace(db: None, new_api: Callable[..., Api]) -> Api:
    """Another user, with a session."""
    get_user_model().objects.create_user("grace", password=PASSWORD)
    client = new_api()
    assert client.login("grace", client="app").status_code == 200
    return client


def sid_of(api: Api) -> str:
    """Return the id of a client's session."""
    return str(api.get("/auth/me/").json()["session"]["sid"])


def is_alive(api: Api) -> bool:
    """Return whether a client's access token and refresh token both work."""
    return bool(api.whoami().status_code == 200 and api.refresh().status_code == 200)


class TestMe:
    def test_answers_user_and_session(self, user: User, app: Api) -> None:
        """The user's key as text, the user name, and the session in use."""
        answer = app.get("/auth/me/").json()
        assert answer["user"] == {"id": str(user.pk), "username": "ada"}
        assert answer["session"]["current"] is True
        assert answer["session"]["sid"] == str(AuthSession.objects.get().pk)


class TestList:
    def test_is_newest_first_with_the_current_marked(self, several: list[Api]) -> None:
        """All active sessions, the newest first; exactly the caller's own is current."""
        sessions = several[1].get("/auth/sessions/").json()["sessions"]
        assert [entry["device_name"] for entry in sessions] == ["device 2", "device 1", "device 0"]
        assert [entry["current"] for entry in sessions] == [False, True, False]

    @pytest.mark.req("REQ-45")
    def test_holds_the_callers_own_only(self, several: list[Api], grace: Api) -> None:
        """Another user's sessions are not in it."""
        sessions = grace.get("/auth/sessions/").json()["sessions"]
        assert [entry["sid"] for entry in sessions] == [sid_of(grace)]

    @pytest.mark.req("REQ-45")
    def test_holds_nothing_that_can_be_presented(self, several: list[Api]) -> None:
        """No token and no seed, in whatever spelling; exactly the members of the contract."""
        response = several[0].get("/auth/sessions/")
        row = AuthSession.objects.get(pk=sid_of(several[0]))
        assert set(response.json()["sessions"][0]) == {
            *("sid", "client", "device_name", "user_agent", "ip", "created_at", "last_seen_at"),
            *("expires_at", "auth_time", "amr", "current"),
        }
        secrets = [several[0].access, several[0].refresh_token, bytes(row.seed).hex()]
        assert not any(str(secret) in response.text for secret in [*secrets, row.auth_hash])

    def test_leaves_out_what_has_ended(self, several: list[Api], clock: Clock) -> None:
        """Revoked and expired sessions are not listed."""
        several[0].logout()
        AuthSession.objects.filter(pk=sid_of(several[1])).update(expires_at=clock())
        sessions = several[2].get("/auth/sessions/").json()["sessions"]
        assert [entry["device_name"] for entry in sessions] == ["device 2"]

    def test_has_a_hundred_at_most(self, several: list[Api]) -> None:
        """The newest hundred are listed."""
        model = AuthSession.objects.order_by("created_at").first()
        assert model is not None
        for _ in range(100):
            model.pk = uuid.uuid4()
            model.save(force_insert=True)
        sessions = several[2].get("/auth/sessions/").json()["sessions"]
        assert len(sessions) == 100
        assert sessions[0]["device_name"] == "device 2"


class TestRename:
    def test_answers_the_session(self, several: list[Api]) -> None:
        """PATCH of another own session gives the session object, with the new name."""
        sid = sid_of(several[1])
        response = several[0].patch(f"/auth/sessions/{sid}/", {"device_name": "Küche 🍳"})
        assert response.status_code == 200
        assert (response.json()["sid"], response.json()["device_name"]) == (sid, "Küche 🍳")
        assert response.json()["current"] is False
        assert AuthSession.objects.get(pk=sid).device_name == "Küche 🍳"

    def test_can_take_the_name_away(self, app: Api) -> None:
        """The empty name is a name."""
        response = app.patch(f"/auth/sessions/{sid_of(app)}/", {"device_name": ""})
        assert response.json()["device_name"] == ""

    @pytest.mark.req("REQ-44")
    def test_of_anothers_session_is_a_404(self, app: Api, grace: Api) -> None:
        """Another user's session cannot be renamed."""
        sid = sid_of(grace)
        response = app.patch(f"/auth/sessions/{sid}/", {"device_name": "mine"})
        assert response.status_code == 404
        assert AuthSession.objects.get(pk=sid).device_name == ""


class TestEnd:
    @pytest.mark.req("REQ-46", "REQ-49")
    def test_ends_both_tokens_at_once(self, several: list[Api]) -> None:
        """DELETE of another own session: 204, its tokens are dead, the caller's cookies stay."""
        response = several[0].delete(f"/auth/sessions/{sid_of(several[1])}/")
        assert (response.status_code, response.content) == (204, b"")
        assert not response.cookies
        assert several[1].whoami().status_code == 401
        assert several[1].refresh().json()["reason"] == "revoked"
        assert is_alive(several[2])

    def test_of_the_current_one_clears_the_cookies(self, browser: Api) -> None:
        """Who ends the session in use gets the cookie deleted in the same answer."""
        response = browser.delete(f"/auth/sessions/{sid_of(browser)}/")
        assert response.status_code == 204
        assert response.cookies[COOKIE]["max-age"] == 0

    @pytest.mark.req("REQ-44")
    def test_of_anothers_is_the_404_of_a_random_id(self, app: Api, grace: Api) -> None:
        """Status, body and headers are the same, and the other's session lives."""
        theirs, nobodys, no_id = sid_of(grace), str(uuid.uuid4()), "not-an-id"
        paths = [f"/auth/sessions/{sid}/" for sid in (theirs, nobodys, no_id, theirs.upper())]
        for send in (app.delete, lambda path: app.patch(path, {"device_name": "x"})):
            answers = [send(path) for path in paths]
            seen = {(a.status_code, a.content, tuple(a.headers.items())) for a in answers}
            assert len(seen) == 1
            assert answers[0].status_code == 404
            assert answers[0].json()["code"] == "not_found"
        assert is_alive(grace)

    def test_takes_one_spelling_of_an_id(self, app: Api) -> None:
        """Upper case, braces or no hyphens: other spellings of one's own id are a 404."""
        sid = sid_of(app)
        for other in (sid.upper(), f"{{{sid}}}", sid.replace("-", ""), f"urn:uuid:{sid}"):
            assert app.delete(f"/auth/sessions/{other}/").status_code == 404
        assert is_alive(app)

    @pytest.mark.req("REQ-47", "REQ-49")
    def test_of_an_ended_one_is_a_404(self, several: list[Api]) -> None:
        """The design: a session that has ended is as unknown here as a random id."""
        sid = sid_of(several[1])
        several[0].delete(f"/auth/sessions/{sid}/")
        assert several[0].delete(f"/auth/sessions/{sid}/").status_code == 404
        assert AuthEvent.objects.filter(type="revoked").count() == 1

    def test_says_who_and_why(self, user: User, several: list[Api]) -> None:
        """Row and event name the user as the actor, with reason ``user``."""
        sid = sid_of(several[1])
        several[0].delete(f"/auth/sessions/{sid}/")
        row = AuthSession.objects.get(pk=sid)
        event = AuthEvent.objects.get(type="revoked")
        assert (row.revoked_by, row.revoked_reason) == (user, "user")
        assert (event.actor, event.user, event.reason) == (user, user, "user")
        assert str(event.session_id) == sid


class TestRevoke:
    @pytest.mark.req("REQ-43")
    def test_others_keeps_the_current_one(self, several: list[Api], grace: Api) -> None:
        """``others`` ends all of this user but the caller's, and no one else's."""
        response = several[1].post("/auth/sessions/revoke/", {"scope": "others"})
        assert (response.status_code, response.json()) == (200, {"revoked": 2})
        assert not response.cookies
        assert [is_alive(client) for client in [*several, grace]] == [False, True, False, True]

    @pytest.mark.req("REQ-43")
    def test_all_means_the_current_one_too(self, several: list[Api], grace: Api) -> None:
        """``all`` ends every session of this user, and no one else's."""
        response = several[1].post("/auth/sessions/revoke/", {"scope": "all"})
        assert response.json() == {"revoked": 3}
        assert [is_alive(client) for client in [*several, grace]] == [False, False, False, True]

    def test_all_clears_the_cookies(self, browser: Api) -> None:
        """Who ends the session in use gets the cookie deleted."""
        response = browser.post("/auth/sessions/revoke/", {"scope": "all"})
        assert response.cookies[COOKIE]["max-age"] == 0

    @pytest.mark.req("REQ-49")
    def test_counts_what_it_ended(self, several: list[Api]) -> None:
        """Sessions that had ended before are not counted again."""
        several[0].logout()
        response = several[1].post("/auth/sessions/revoke/", {"scope": "others"})
        assert response.json() == {"revoked": 1}
        response = several[1].post("/auth/sessions/revoke/", {"scope": "others"})
        assert response.json() == {"revoked": 0}

    @pytest.mark.parametrize("scope", ["some", "ALL", "", " all", None, 1, True, ["all"], {}])
    def test_refuses_other_scopes(self, app: Api, scope: Any) -> None:
        """Anything but the two words is a 400 that names the field and does not repeat it."""
        response = app.post("/auth/sessions/revoke/", {"scope": scope})
        assert response.status_code == 400
        assert list(response.json()["errors"]) == ["scope"]
        assert is_alive(app)


class TestCredentials:
    @pytest.mark.parametrize(("method", "path"), PROTECTED)
    def test_none(self, db: None, api: Api, method: str, path: str) -> None:
        """Without a token: 401 not_authenticated, and a challenge that names no error."""
        response = api.request(method, path, {})
        assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
        assert response["WWW-Authenticate"] == "Bearer"

    @pytest.mark.req("REQ-69")
    @pytest.mark.parametrize(("method", "path"), PROTECTED)
    @pytest.mark.parametrize("token", ["", "x", "a.b.c", "two words", "é"])
    def test_unusable(self, db: None, api: Api, method: str, path: str, token: str) -> None:
        """With a token that is refused: 401 access_invalid, error="invalid_token"."""
        header = f"Bearer {token}".encode().decode("latin-1")
        response = api.request(method, path, {}, headers={"Authorization": header})
        assert (response.status_code, response.json()["code"]) == (401, "access_invalid")
        assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    @pytest.mark.parametrize("header", ["Basic YTpi", "Bearers x", "Token x", "bearer-x", ""])
    def test_of_another_scheme(self, db: None, api: Api, header: str) -> None:
        """Another scheme is no token of ours: no error in the challenge."""
        response = api.get("/auth/me/", headers={"Authorization": header})
        assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
        assert response["WWW-Authenticate"] == "Bearer"

    @pytest.mark.req("REQ-79")
    @pytest.mark.parametrize(("method", "path"), PROTECTED)
    def test_refresh_cookie_alone(self, browser: Api, method: str, path: str) -> None:
        """The refresh cookie opens no endpoint about the caller."""
        assert COOKIE in browser.http.cookies
        response = browser.request(method, path, {}, bearer=False)
        assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")

    def test_refresh_token_as_access_token(self, app: Api) -> None:
        """A refresh token in the header is no access token."""
        app.access = app.refresh_token
        assert app.get("/auth/me/").json()["code"] == "access_invalid"

    @override_settings(TOKENAUTH_ACCESS_COOKIE=True)
    def test_access_cookie_alone(self, browser: Api) -> None:
        """Where the access cookie is on, it is as good as the header."""
        browser.login()
        assert browser.get("/auth/me/", bearer=False).status_code == 200


class TestForced:
    """``force_authenticate`` is how a project's own tests get a user: there is no session."""

    @pytest.fixture
    def forced(self, user: User) -> APIClient:
        """A client of REST framework's that is said to be Ada's."""
        client = APIClient(raise_request_exception=True)
        client.force_authenticate(user)
        return client

    def test_me_has_no_session(self, forced: APIClient) -> None:
        """``session`` is null."""
        answer = forced.get("/auth/me/")
        assert answer.json()["user"]["username"] == "ada"
        assert answer.json()["session"] is None

    def test_nothing_is_current(self, forced: APIClient, app: Api) -> None:
        """The list marks no session."""
        [entry] = forced.get("/auth/sessions/").json()["sessions"]
        assert entry["current"] is False

    def test_ends_and_renames(self, forced: APIClient, app: Api) -> None:
        """PATCH and DELETE work, and clear no cookie."""
        path = f"/auth/sessions/{sid_of(app)}/"
        assert forced.patch(path, {"device_name": "x"}, format="json").status_code == 200
        answer = forced.delete(path)
        assert answer.status_code == 204
        assert not answer.cookies

    @pytest.mark.parametrize("scope", ["others", "all"])
    def test_revokes_all_as_none_is_current(
        self, forced: APIClient, several: list[Api], scope: str
    ) -> None:
        """With no session of one's own, the others are all."""
        answer = forced.post("/auth/sessions/revoke/", {"scope": scope}, format="json")
        assert answer.json() == {"revoked": 3}
        assert not answer.cookies

    def test_works_without_the_middleware(self, user: User, app: Api) -> None:
        """A view that a test calls by itself has a request without ``auth_session``."""
        request = APIRequestFactory().get("/auth/sessions/")
        force_authenticate(request, user)
        response = SessionListView.as_view()(request)
        assert response.status_code == 200


class TestEveryEndpoint:
    @pytest.mark.req("REQ-07")
    @pytest.mark.parametrize(("method", "path"), ENDPOINTS)
    @pytest.mark.parametrize("bearer", [True, False])
    def test_is_never_stored(self, app: Api, method: str, path: str, bearer: bool) -> None:  # noqa: FBT001 - a parameter of the test
        """Every answer, errors too, says no-store and nosniff."""
        for data in ({}, {"scope": "others", "device_name": "x", "refresh": "x"}):
            response = app.request(method, path, data, bearer=bearer)
            assert response["Cache-Control"] == "no-store"
            assert response["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(("method", "path"), ENDPOINTS)
    def test_answers_without_the_last_slash(self, app: Api, method: str, path: str) -> None:
        """With and without its last slash a path gives the same answer, and no redirect."""
        first, second = (app.request(method, p, {}) for p in (path, path.removesuffix("/")))
        assert first.status_code == second.status_code
        assert "Location" not in second
        if path not in {"/auth/me/", "/auth/sessions/"}:
            assert first.content == second.content

    def test_reads_the_body_without_the_last_slash(self, user: User, api: Api) -> None:
        """The whole life of a session on paths without the slash."""
        data = {"username": "ada", "password": PASSWORD, "client": "app"}
        login = api.post("/auth/login", data).json()
        api.access = login["access"]
        assert api.get("/auth/me").json()["user"]["username"] == "ada"
        assert api.post("/auth/refresh", {"refresh": login["refresh"]}).status_code == 200
        path = f"/auth/sessions/{login['session']['sid']}"
        assert api.patch(path, {"device_name": "x"}).status_code == 200
        assert api.post("/auth/sessions/revoke", {"scope": "others"}).json() == {"revoked": 0}
        assert api.delete(path).status_code == 204
        assert api.post("/auth/logout", {"refresh": login["refresh"]}).status_code == 204
