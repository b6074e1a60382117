"""login(), logout(), step_up() and update_session_auth_hash() in a project's own views."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import connections, transaction
from django.http import HttpRequest
from django.test import Client
from django.test import TestCase as DjangoTestCase

import tokenauth
from tests.conftest import PASSWORD
from tests.jar import cookies_of
from tests.pages import NEW_PASSWORD
from tokenauth.exceptions import AccountUnusable, SessionEnded, UnknownClient
from tokenauth.models import AuthEvent, AuthSession
from tokenauth.sessions import revoke_user_sessions
from tokenauth.shortcuts import bearer_token
from tokenauth.signals import session_started

REFRESH = "__Secure-tokenauth-refresh"
ACCESS = "__Host-Http-tokenauth-access"
pytestmark = [pytest.mark.urls("tests.pages")]


@pytest.fixture(autouse=True)
def _access_cookie(settings: Any) -> None:
    settings.TOKENAUTH_ACCESS_COOKIE = True


@pytest.fixture
def atomic(monkeypatch: Any, transactional_db: None) -> None:
    """Wrap every request in a transaction, which is really committed or rolled back."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", 1)


@pytest.fixture
def signals() -> Any:
    """Collect the signals of logins and logouts: name, user, who the request says it is."""
    seen: list[tuple[str, Any, Any]] = []

    def logged_in(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
        seen.append(("in", user, request.user))

    def logged_out(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
        seen.append(("out", user, sender))

    user_logged_in.connect(logged_in)
    user_logged_out.connect(logged_out)
    yield seen
    user_logged_in.disconnect(logged_in)
    user_logged_out.disconnect(logged_out)


@pytest.fixture
def page(clock: Any, user: Any) -> Client:
    """A browser."""
    return Client(raise_request_exception=False)


def names(response: Any) -> list[str]:
    """Return the names of the cookies that a response sets; a deletion with a minus."""
    return [("-" if cookie.is_deletion else "") + cookie.name for cookie in cookies_of(response)]


def living() -> int:
    """Return how many sessions live."""
    return AuthSession.objects.filter(revoked_at=None).count()


@pytest.mark.parametrize("url", ["/in?user=ada", "/api/in?user=ada"])
class TestLogin:
    """In a plain view, and in one of DRF's."""

    def test_sets_the_cookies(self, page, url):
        """On whatever the view answers."""
        assert names(page.post(url)) == [REFRESH, ACCESS]
        assert page.get("/ask").json()["username"] == "ada"

    def test_the_endpoints_take_over(self, page, clock, url):
        """The session is one like any other."""
        page.post(url)
        clock.advance(seconds=40)
        assert page.post("/auth/refresh/", {}, content_type="application/json").status_code == 200

    def test_ends_the_session_of_the_cookie(self, page, url):
        """One browser, one session: the new one exists before the old one ends."""
        page.post(url)
        page.post(url)
        old, new = AuthSession.objects.order_by("created_at", "pk")
        assert {old.revoked_reason, new.revoked_reason} == {"replaced", ""}

    def test_of_somebody_else_ends_it_too(self, page, staff, url):
        """Whoever it belonged to."""
        page.post("/in?user=root")
        page.post(url)
        assert AuthSession.objects.get(user=staff).revoked_reason == "replaced"
        assert page.get("/ask").json()["username"] == "ada"

    def test_outside_the_path_an_expired_access_cookie_names_it(self, page, clock, url):
        """The refresh cookie is not sent here; the access cookie is, whatever its age."""
        page.post(url)
        clock.advance(days=3)
        del page.cookies[REFRESH]
        page.post(url)
        assert living() == 1

    def test_of_a_body_client_sets_none(self, page, url):
        """The view sends the tokens itself; the browser's session is not touched."""
        page.post(url)
        answer = page.post(f"{url}&client=app")
        assert names(answer) == []
        assert living() == 2

    def test_signals_once(self, page, user, signals, url):
        """``user_logged_in`` fires once, when the request already says who it is."""
        page.post(url)
        assert signals == [("in", user, user)]

    def test_two_planted_cookies_are_no_error(self, page, url):
        """A sibling host must not be able to break a project's login page."""
        page.post(url)
        planted = f"{REFRESH}={page.cookies[REFRESH].value}; {REFRESH}=planted; {ACCESS}=a"
        answer = page.post(url, headers={"Cookie": planted})
        assert answer.status_code == 200
        assert living() == 1


class TestLoginRefused:
    def test_an_inactive_user(self, rf, user, signals):
        """No session, no signal; the request is nobody's."""
        user.is_active = False
        request = rf.post("/")
        with pytest.raises(AccountUnusable):
            tokenauth.login(request, user)
        assert not AuthSession.objects.exists()
        assert not signals
        assert not hasattr(request, "auth_session")

    def test_an_unknown_client(self, rf, user):
        """A word that the settings do not have."""
        with pytest.raises(UnknownClient):
            tokenauth.login(rf.post("/"), user, client="no")

    def test_a_receiver_that_raises(self, rf, user):
        """There was no login."""

        def refuse(**kwargs: Any) -> None:
            raise ValueError

        user_logged_in.connect(refuse)
        try:
            with pytest.raises(ValueError, match=r"^$"):
                tokenauth.login(rf.post("/"), user)
        finally:
            user_logged_in.disconnect(refuse)
        assert not AuthSession.objects.exists()


class TestLogout:
    @pytest.mark.parametrize("url", ["/out", "/api/out"])
    def test_ends_the_session_and_clears_the_cookies(self, page, url):
        """In plain views and DRF's."""
        page.post("/in?user=ada")
        answer = page.post(url)
        assert answer.json()["ended"] == 1
        assert names(answer) == [f"-{REFRESH}", f"-{ACCESS}"]
        assert living() == 0
        assert page.get("/ask").json()["username"] == ""

    def test_the_request_is_nobody_s_afterwards(self, page):
        """What the view renders next is for a stranger."""
        page.post("/in?user=ada")
        assert page.post("/out").json() == {"username": "", "sid": None, "ended": 1}

    def test_outside_the_path_an_expired_access_cookie_names_it(self, page, clock):
        """The refresh cookie is not sent to this page."""
        page.post("/in?user=ada")
        clock.advance(days=3)
        del page.cookies[REFRESH]
        assert page.post("/out").json()["ended"] == 1

    def test_twice_is_harmless(self, page, signals):
        """The second finds nothing to end, and signals nothing."""
        page.post("/in?user=ada")
        page.post("/out")
        answer = page.post("/out")
        assert answer.json()["ended"] == 0
        assert [kind for kind, *_ in signals] == ["in", "out"]

    def test_of_a_stranger_clears_and_ends_nothing(self, page, user):
        """Garbage is no reason to look anything up."""
        page.cookies[ACCESS] = "garbage"
        page.cookies[REFRESH] = "garbage"
        answer = page.post("/out")
        assert answer.json()["ended"] == 0
        assert names(answer) == [f"-{REFRESH}", f"-{ACCESS}"]

    def test_signals_who(self, page, user, signals):
        """``user_logged_out`` names the user whose session was ended."""
        page.post("/in?user=ada")
        page.post("/out")
        assert signals[1] == ("out", user, type(user))

    def test_names_the_user_whose_session_was_ended(self, page, app, user, staff, signals):
        """Not the one whose session had ended before."""
        page.post("/in?user=root")
        AuthSession.objects.filter(user=staff).update(revoked_at="2020-01-01T00:00Z")
        page.post("/api/out", headers={"Authorization": f"Bearer {app.access}"})
        assert signals[-1][:2] == ("out", user)

    def test_two_planted_cookies_end_both(self, page, user):
        """The user wants out: whichever is hers, its session ends."""
        page.post("/in?user=ada")
        planted = f"{REFRESH}=planted; {REFRESH}={page.cookies[REFRESH].value}"
        assert page.post("/out", headers={"Cookie": planted}).json()["ended"] == 1


class TestUpdateSessionAuthHash:
    def test_keeps_this_session_and_ends_the_others(self, page, app, clock):
        """New cookies for this browser; every other device must log in again."""
        page.post("/in?user=ada")
        answer = page.post("/password")
        assert names(answer) == [REFRESH, ACCESS]
        assert page.get("/ask").json()["username"] == "ada"
        clock.advance(seconds=40)
        refreshed = page.post("/auth/refresh/", {}, content_type="application/json")
        assert refreshed.status_code == 200
        assert app.whoami().status_code == 401

    def test_old_cookies_are_superseded(self, page):
        """The generation jumps: what was stolen before the change is worth nothing."""
        page.post("/in?user=ada")
        before = {name: page.cookies[name].value for name in (REFRESH, ACCESS)}
        page.post("/password")
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in before.items())}
        assert page.get("/ask", headers=headers).json()["username"] == ""
        answer = page.post("/auth/refresh/", {}, content_type="application/json", headers=headers)
        assert answer.json()["code"] == "refresh_superseded"

    def test_without_a_session_there_is_nothing_to_keep(self, page, user):
        """A user of Django's own sessions gets no tokens, and no cookie."""
        page.force_login(user)
        answer = page.post("/password")
        assert answer.json() == {"access": None}
        assert names(answer) == ["sessionid"] or names(answer) == []

    def test_of_another_user_keeps_nothing(self, rf, user, staff):
        """The session in the request belongs to somebody else."""
        request = rf.post("/")
        tokenauth.login(request, user)
        assert tokenauth.update_session_auth_hash(request, staff) is None

    def test_body_clients_get_tokens(self, rf, user):
        """They are the view's to send."""
        request = rf.post("/")
        tokenauth.login(request, user, client="app")
        tokens = tokenauth.update_session_auth_hash(request, user)
        assert tokens is not None
        assert tokens.refresh


@pytest.mark.req("REQ-51")
class TestStepUp:
    @pytest.fixture
    def here(self, page: Client, user: Any) -> Client:
        """Ada's browser, logged in."""
        page.post("/in?user=ada")
        return page

    @pytest.mark.parametrize("url", ["/step-up", "/api/step-up"])
    def test_renews_the_cookies(self, here, url):
        """The page goes on, and what the browser held before is refused."""
        held = {name: morsel.value for name, morsel in here.cookies.items()}
        answer = here.post(url)
        assert names(answer) == [REFRESH, ACCESS]
        assert here.get("/ask").json()["username"] == "ada"
        assert here.post("/auth/refresh/", {}, content_type="application/json").status_code == 200
        here.cookies.load(held)
        assert here.get("/ask").json()["username"] == ""
        answer = here.post("/auth/refresh/", {}, content_type="application/json")
        assert answer.json()["code"] == "refresh_superseded"

    def test_says_how(self, here, clock):
        """The claims of the new token are those of this proof."""
        clock.advance(minutes=4)
        token = tokenauth.verify_access_token(here.post("/step-up").json()["access"]).token
        assert (token["amr"], token["auth_time"]) == (["pwd", "otp"], clock().timestamp())

    def test_is_the_request_s_session(self, here):
        """``request.auth_session`` is the session as it now is."""
        assert here.post("/step-up").json()["is_current"] is True

    def test_where_it_came_from(self, here):
        """The event has the address."""
        here.post("/step-up", REMOTE_ADDR="192.0.2.9")
        assert AuthEvent.objects.get(type="step_up").ip == "192.0.2.9"

    def test_body_clients_get_tokens(self, app):
        """They are the view's to send; no cookie is set."""
        answer = app.post("/api/step-up")
        assert names(answer) == []
        app.access, app.refresh_token = answer.json()["access"], answer.json()["refresh"]
        assert app.whoami().status_code == 200
        assert app.refresh().status_code == 200

    def test_without_a_session_there_is_nothing_to_step_up(self, page, user):
        """A user of Django's own sessions gets no tokens, and no cookie of ours."""
        page.force_login(user)
        answer = page.post("/step-up")
        assert answer.json()["access"] is None
        assert not {REFRESH, ACCESS} & set(names(answer))

    def test_outside_the_middleware(self, rf, user):
        """A request that nobody has authenticated."""
        assert tokenauth.step_up(rf.post("/"), amr=("otp",)) is None

    def test_of_a_session_that_ended_meanwhile(self, rf, user):
        """It raises, and sets no cookie."""
        request = rf.post("/")
        tokens = tokenauth.login(request, user)
        revoke_user_sessions(user, reason="admin")
        with pytest.raises(SessionEnded):
            tokenauth.step_up(request, amr=("otp",))
        assert tokens.session.generation == 0
        assert AuthSession.objects.get().revoked_reason == "admin"


class TestTransactions:
    """Cookies only for what was committed."""

    @pytest.mark.parametrize("url", ["/in?user=ada", "/api/in?user=ada"])
    def test_login_that_is_rolled_back_sets_none(self, atomic, page, url):
        """No session, no cookie, no ``session_started``."""
        started: list[Any] = []
        receiver = lambda session, **kwargs: started.append(session)  # noqa: E731 - one line
        session_started.connect(receiver)
        answer = page.post(f"{url}&undo")
        session_started.disconnect(receiver)
        assert answer.status_code == 500
        assert names(answer) == []
        assert not AuthSession.objects.exists()
        assert not started

    def test_login_that_is_committed_sets_them(self, atomic, page):
        """After the view's transaction, on its answer."""
        assert names(page.post("/in?user=ada")) == [REFRESH, ACCESS]
        assert living() == 1

    def test_logout_that_is_rolled_back_clears_none(self, atomic, page):
        """The session lives on, and its cookies stay."""
        page.post("/in?user=ada")
        answer = page.post("/out?undo")
        assert names(answer) == []
        assert living() == 1
        assert page.get("/ask").json()["username"] == "ada"

    def test_logout_that_is_committed_clears(self, atomic, page):
        """After the commit."""
        page.post("/in?user=ada")
        assert names(page.post("/out")) == [f"-{REFRESH}", f"-{ACCESS}"]
        assert living() == 0

    def test_password_change_that_is_rolled_back_changes_nothing(self, transactional_db, page):
        """The view's own transaction, without ATOMIC_REQUESTS."""
        page.post("/in?user=ada")
        generation = AuthSession.objects.get().generation
        assert names(page.post("/password?undo")) == []
        assert AuthSession.objects.get().generation == generation
        assert get_user_model().objects.get().check_password(PASSWORD)
        assert page.get("/ask").json()["username"] == "ada"

    @pytest.mark.parametrize("url", ["/step-up", "/api/step-up"])
    def test_step_up_that_is_rolled_back_sets_none(self, atomic, page, url):
        """What the browser holds goes on working, and nothing is in the audit trail."""
        page.post("/in?user=ada")
        answer = page.post(f"{url}?undo")
        assert answer.status_code == 500
        assert names(answer) == []
        assert AuthSession.objects.get().generation == 0
        assert not AuthEvent.objects.filter(type="step_up").exists()
        assert page.get("/ask").json()["username"] == "ada"

    def test_step_up_that_is_committed_sets_them(self, atomic, page):
        """After the view's transaction, on its answer."""
        page.post("/in?user=ada")
        assert names(page.post("/step-up")) == [REFRESH, ACCESS]
        assert page.get("/ask").json()["username"] == "ada"

    def test_the_last_word_counts(self, transactional_db, rf, user):
        """Login, then logout in one transaction: the cookies are cleared."""
        from django.http import HttpResponse  # noqa: PLC0415 - short

        from tokenauth.deferred import apply_deferred  # noqa: PLC0415 - short

        request, response = rf.post("/"), HttpResponse()
        with transaction.atomic():
            tokenauth.login(request, user)
            tokenauth.logout(request)
            apply_deferred(request, response)
            assert names(response) == []
        apply_deferred(request, response)
        assert names(response) == [f"-{REFRESH}", f"-{ACCESS}"]


class TestInATestCase(DjangoTestCase):
    """A project's own tests see what its users see, though a TestCase commits nothing."""

    def setUp(self) -> None:
        """Create Ada."""
        get_user_model().objects.create_user("ada", password=PASSWORD)
        self.client.raise_request_exception = False

    def test_cookies_appear(self) -> None:
        """Login and logout, without a commit."""
        assert names(self.client.post("/in?user=ada")) == [REFRESH, ACCESS]
        assert names(self.client.post("/out")) == [f"-{REFRESH}", f"-{ACCESS}"]

    def test_cookies_appear_under_atomic_requests(self) -> None:
        """The view's transaction is a savepoint of the test's, and its end is the commit."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", 1)
            assert names(self.client.post("/in?user=ada")) == [REFRESH, ACCESS]
            assert names(self.client.post("/password")) == [REFRESH, ACCESS]
            assert names(self.client.post("/step-up")) == [REFRESH, ACCESS]
            assert names(self.client.post("/out")) == [f"-{REFRESH}", f"-{ACCESS}"]

    def test_what_is_rolled_back_sets_none(self) -> None:
        """As in production."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", 1)
            assert names(self.client.post("/in?user=ada&undo")) == []


class TestBearerToken:
    @pytest.mark.req("REQ-70")
    @pytest.mark.parametrize(
        ("header", "token"),
        [
            ("Bearer a", "a"),
            ("bearer a", "a"),
            ("BEARER  a ", "a"),
            ("Bearer", ""),
            ("Bearer a b", ""),
            ("Basic a", None),
            ("", None),
        ],
    )
    def test_the_scheme_in_any_case(self, rf, header, token):
        """One token behind it, or none that counts."""
        assert bearer_token(rf.get("/", headers={"Authorization": header})) == token

    def test_no_header(self, rf):
        """No token."""
        assert bearer_token(rf.get("/")) is None


class TestNames:
    def test_all_can_be_imported_from_the_package(self):
        """Lazily, so that the app registry need not be ready."""
        assert all(callable(getattr(tokenauth, name)) for name in tokenauth.__all__)

    def test_nothing_else_can(self):
        """A name that does not exist is an AttributeError."""
        with pytest.raises(AttributeError):
            tokenauth.log_in  # noqa: B018 - the access is the test

    def test_the_new_password_is_the_view_s(self, page, user):
        """What the test's view set is what logs in."""
        page.post("/in?user=ada")
        page.post("/password")
        user.refresh_from_db()
        assert user.check_password(NEW_PASSWORD)
