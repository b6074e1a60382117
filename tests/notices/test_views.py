"""The page behind the link: GET asks, POST ends, and nothing else is possible with it."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import polib
import pytest
from django.db import OperationalError, connection, connections
from django.test import Client
from django.urls import include
from django.urls import path as urls_path

from tests.conftest import Api, Clock
from tests.domain import events
from tests.notices.conftest import outbox, path_in
from tests.test_statement_counts import counting
from tests.test_translations import LOCALE, english
from tokenauth.models import AuthEvent, AuthSession
from tokenauth.notices.links import value_of
from tokenauth.revocation import mark_revoked
from tokenauth.sessions import revoke_session, start_session

pytestmark = pytest.mark.any_database

SignIn = Callable[..., Api]


@pytest.fixture
def phone(sign_in: SignIn) -> Api:
    """The sign-in that Ada is told of."""
    return sign_in()


@pytest.fixture
def path(phone: Api) -> str:
    """The path of the link in the e-mail about it."""
    return path_in(outbox()[0])


@pytest.fixture
def session(phone: Api) -> AuthSession:
    """The session that it names."""
    return AuthSession.objects.get(new_device=True)


def heading(response: Any) -> str:
    """Return what a page says first."""
    found = re.search(r"<h1>(.*?)</h1>", response.content.decode())
    assert found
    return found[1]


def reasons() -> list[str]:
    """Return why each session was revoked, the oldest first; nothing for those that live."""
    return list(AuthSession.objects.order_by("pk").values_list("revoked_reason", flat=True))


class TestGet:
    @pytest.mark.parametrize("method", ["get", "head"])
    def test_changes_nothing(self, path: str, phone: Api, client: Client, method: str) -> None:
        """Mail servers and mail programs open links before anybody reads them."""
        for _ in range(3):
            assert getattr(client, method)(path).status_code == 200
        assert reasons() == ["", ""]
        assert events("revoked") == []
        assert phone.whoami().status_code == 200

    def test_says_which_session(self, path: str, client: Client) -> None:
        """The device and the address, so that the user knows what will end."""
        html = client.get(path).content.decode()
        assert "Is this session not yours?" in html
        assert "Safari on iPhone" in html
        assert "203.0.113.9" in html

    def test_costs_one_statement(self, path: str, client: Client) -> None:
        """The session with its user."""
        with counting() as count:
            client.get(path)
        assert count.total == 1

    def test_answers_without_the_last_slash(self, path: str, client: Client) -> None:
        """As the endpoints do, without a redirect."""
        assert client.get(path.removesuffix("/")).status_code == 200

    def test_is_in_the_language_of_the_email(
        self, ada: Any, session: AuthSession, clock: Clock, client: Client
    ) -> None:
        """Whatever language the browser, or the project, has."""
        value = value_of(session.pk, clock(), "de")
        response = client.get(f"/auth/end-session/{value}/")
        assert heading(response) == "Ist diese Sitzung nicht Ihre?"
        assert response["Content-Language"] == "de"
        assert '<html lang="de" dir="ltr">' in response.content.decode()

    def test_has_no_english_words_in_german(
        self, ada: Any, session: AuthSession, clock: Clock, client: Client, settings: Any
    ) -> None:
        """None of our messages is left untranslated, on each of the pages."""
        settings.LANGUAGE_CODE = "de"
        path = f"/auth/end-session/{value_of(session.pk, clock(), 'de')}/"
        pages = [client.get(path), client.post(path), client.post(path)]
        pages += [client.post(path, {"scope": "all"}), client.get("/auth/end-session/x/")]
        german = polib.pofile(str(LOCALE / "de" / "LC_MESSAGES" / "django.po"))
        assert len({heading(page) for page in pages}) == len(pages)
        assert [english(page.content.decode(), of=german) for page in pages] == [[]] * len(pages)


class TestPost:
    def test_ends_the_session(self, path: str, phone: Api, client: Client) -> None:
        """That one, at once, with both kinds of token; the user's others stay."""
        assert heading(client.post(path, {"scope": "one"})) == "The session is ended"
        assert reasons() == ["", "reported"]
        assert phone.whoami().status_code == 401
        assert phone.refresh().json()["reason"] == "revoked"

    def test_without_a_scope_ends_one(self, path: str, client: Client) -> None:
        """The less of the two is what is done when nothing is said."""
        client.post(path)
        assert reasons() == ["", "reported"]

    def test_ends_all(self, path: str, client: Client) -> None:
        """Which is what one wants after a theft."""
        assert heading(client.post(path, {"scope": "all"})) == "All your sessions are ended"
        assert reasons() == ["reported", "reported"]

    def test_ends_no_other_users(self, path: str, staff: Any, client: Client) -> None:
        """All means all of the session's user."""
        start_session(staff)
        client.post(path, {"scope": "all"})
        assert sorted(reasons()) == ["", "reported", "reported"]

    def test_leaves_who_did_it_open(self, path: str, client: Client) -> None:
        """The event has the address of whoever held the link, and no actor: nobody logged in."""
        client.post(path, REMOTE_ADDR="198.51.100.4")
        event = AuthEvent.objects.get(type="revoked")
        assert (event.reason, event.actor_id, event.ip) == ("reported", None, "198.51.100.4")

    def test_twice_is_once(self, path: str, client: Client) -> None:
        """A second click says that it was ended before, and records nothing."""
        for said in ("The session is ended", "This session had already ended"):
            assert heading(client.post(path)) == said
        assert events("revoked") == [("revoked", "reported")]

    def test_all_twice_is_once(self, path: str, client: Client) -> None:
        """Likewise, and the page says what holds."""
        for _ in range(2):
            assert heading(client.post(path, {"scope": "all"})) == "All your sessions are ended"
        assert events("revoked") == [("revoked", "reported")]

    def test_needs_no_cookie(self, path: str) -> None:
        """The page works where a mail program shows it without any; the link is what counts."""
        strict = Client(enforce_csrf_checks=True)
        response = strict.post(path, headers={"origin": "null"})
        assert heading(response) == "The session is ended"
        assert response.cookies == {}

    def test_reads_no_cookie(self, path: str, ada: Any) -> None:
        """The refresh cookie travels here, as the page is mounted beside the endpoints: no matter.

        It belongs to another session of the user, which stays.
        """
        browser = Api()
        browser.login()
        assert "__Secure-tokenauth-refresh" in browser.http.cookies
        assert heading(browser.http.post(path)) == "The session is ended"
        assert browser.refresh().status_code == 200

    @pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
    def test_is_the_only_way(self, path: str, client: Client, method: str) -> None:
        """No other method does anything."""
        assert getattr(client, method)(path).status_code == 405
        assert reasons() == ["", ""]

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("scope", ["one", "all"])
    def test_is_in_no_transaction_of_the_request(
        self, path: str, client: Client, monkeypatch: pytest.MonkeyPatch, scope: str
    ) -> None:
        """A deadlock is tried again, which in a transaction it cannot be, and then committed."""
        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", 1)
        refused: list[str] = []

        def once(*args: Any, **kwargs: Any) -> int:
            if not refused:
                refused.append(scope)
                raise OperationalError("deadlock")
            return mark_revoked(*args, **kwargs)

        monkeypatch.setattr("tokenauth.revocation.mark_revoked", once)
        assert client.post(path, {"scope": scope}).status_code == 200
        assert refused == [scope]
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                cursor.execute("SELECT revoked_reason FROM tokenauth_authsession ORDER BY id")
                found = [reason for (reason,) in cursor.fetchall()]
        finally:
            other.close()
        assert found == (["", "reported"] if scope == "one" else ["reported", "reported"])


class TestEnded:
    @pytest.mark.parametrize("method", ["get", "post"])
    @pytest.mark.parametrize("how", ["revoked", "expired", "deactivated"])
    def test_is_said(
        self, path: str, session: AuthSession, client: Client, how: str, method: str, ada: Any
    ) -> None:
        """However it ended: nothing is left to end, and that is what the page says."""
        if how == "revoked":
            revoke_session(session, reason="logout")
        elif how == "expired":
            AuthSession.objects.update(expires_at=session.created_at)
        else:
            type(ada).objects.update(is_active=False)
        response = getattr(client, method)(path)
        assert response.status_code == 200
        assert heading(response) == "This session had already ended"
        assert "reported" not in reasons()

    def test_after_reuse_offers_the_others(
        self, reuse: Callable[[], Api], client: Client, ada: Any
    ) -> None:
        """The session of a stolen token has ended by itself; its link is for the rest."""
        reuse()
        path = path_in(outbox()[-1])
        assert 'value="all"' in client.get(path).content.decode()
        client.post(path, {"scope": "all"})
        assert sorted(reasons()) == ["reported", "reuse"]

    def test_of_a_user_who_is_gone_ends_nothing(
        self, path: str, ada: Any, client: Client, staff: Any
    ) -> None:
        """Sessions without a user are not all those of nobody."""
        start_session(staff)
        ada.delete()
        assert client.post(path, {"scope": "all"}).status_code == 200
        assert sorted(reasons()) == ["", "deleted", "deleted"]


CHANGES: dict[str, Callable[[str], str]] = {
    "cut": lambda value: value[:-1],
    "case": lambda value: value.swapcase(),
    "purpose": lambda value: value.replace("end.", "all.", 1),
    "garbage": lambda _value: "x",
    "nul": lambda _value: "%00",
    "long": lambda _value: "x" * 5000,
    "not UTF-8": lambda _value: "%F0%9F%92%A3.%ED%A0%80",
}


class TestBadLink:
    def test_too_old(self, path: str, clock: Clock, client: Client) -> None:
        """After a day, to the second."""
        clock.advance(hours=24)
        assert client.get(path).status_code == 200
        clock.advance(seconds=1)
        assert client.get(path).status_code == 404
        assert client.post(path).status_code == 404
        assert reasons() == ["", ""]

    def test_of_a_session_that_is_not_kept(
        self, path: str, session: AuthSession, client: Client
    ) -> None:
        """Pruned, or of another database."""
        AuthSession.objects.all().delete()
        assert client.post(path).status_code == 404

    @pytest.mark.parametrize(
        "change",
        CHANGES.values(),
        ids=CHANGES,
    )
    def test_of_every_kind_is_one_page(
        self, path: str, client: Client, change: Callable[[str], str]
    ) -> None:
        """A clear 404 that says what to do, without a query, and the same for each fault."""
        value = path.rstrip("/").rpartition("/")[2]
        with counting() as count:
            answers = [
                client.generic(method, f"/auth/end-session/{change(value)}/")
                for method in ("GET", "POST")
            ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert {answer.content for answer in answers} == {
            client.get("/auth/end-session/y/").content
        }
        assert count.total == 0
        assert heading(answers[0]) == "This link does not work"

    @pytest.mark.req("REQ-134")
    def test_again_and_again_has_to_wait(
        self, path: str, client: Client, settings: Any, clock: Clock
    ) -> None:
        """Links that were never ours are counted as any garbage; a good one goes on."""
        settings.TOKENAUTH_THROTTLE_RATES = {"refused": "2/min"}
        answers = [client.get("/auth/end-session/y/") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [404, 404, 429]
        assert 0 < int(answers[2]["Retry-After"]) <= 60
        assert client.get(path).status_code == 200

    def test_too_large_a_body_is_refused(self, path: str, client: Client) -> None:
        """Bad input is a 4xx."""
        response = client.post(path, {"x": "y" * 3_000_000}, "application/x-www-form-urlencoded")
        assert response.status_code == 400
        assert reasons() == ["", ""]


class TestBusy:
    def test_is_said(
        self, path: str, client: Client, monkeypatch: pytest.MonkeyPatch, clock: Clock
    ) -> None:
        """The database refuses three times: nothing was changed, and the page says so."""

        def refuse(*_args: Any, **_kwargs: Any) -> None:
            raise OperationalError("deadlock")

        with monkeypatch.context() as patched:
            patched.setattr("tokenauth.revocation.mark_revoked", refuse)
            response = client.post(path)
        assert (response.status_code, response["Retry-After"]) == (503, "1")
        assert heading(response) == "Please try again"
        assert reasons() == ["", ""]
        assert heading(client.post(path)) == "The session is ended"


class TestHeaders:
    @pytest.fixture(params=["asks", "ended", "bad"])
    def response(self, request: pytest.FixtureRequest, path: str, client: Client) -> Any:
        """Each page."""
        if request.param == "ended":
            return client.post(path)
        return client.get(path if request.param == "asks" else "/auth/end-session/x/")

    def test_keep_it_from_everybody(self, response: Any) -> None:
        """Stored nowhere, in no frame, in no index, and its address told to no other site."""
        assert response["Cache-Control"] == "no-store"
        assert response["X-Frame-Options"] == "DENY"
        assert response["X-Robots-Tag"] == "noindex, nofollow"
        assert response["X-Content-Type-Options"] == "nosniff"
        # Of an address only the origin is sent, and a form still says where it comes from.
        assert response["Referrer-Policy"] == "strict-origin"

    def test_allow_no_script(self, response: Any) -> None:
        """The page needs its style, and nothing else."""
        policy = response["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        html = response.content.decode()
        assert re.findall(r"<script|<style|<[^>]* (?:style|on\w+)=", html) == []

    def test_allow_the_styles_of_another_host(
        self, path: str, client: Client, settings: Any
    ) -> None:
        """Where the project serves its static files from there."""
        settings.STATIC_URL = "https://static.example.net/files/"
        policy = client.get(path)["Content-Security-Policy"]
        assert "style-src https://static.example.net;" in policy

    def test_set_no_cookie(self, response: Any) -> None:
        """None of Django's either."""
        assert not response.cookies


class TestProject:
    def test_may_replace_the_page(
        self, path: str, client: Client, settings: Any, tmp_path: Any
    ) -> None:
        """By a template of its own, of the same name."""
        (tmp_path / "tokenauth").mkdir()
        (tmp_path / "tokenauth" / "end_session.html").write_text("<h1>Ours at {{ site }}</h1>")
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
        assert heading(client.get(path)) == "Ours at example.com"

    def test_may_require_a_login_everywhere(self, path: str, client: Client, settings: Any) -> None:
        """Under Django's LoginRequiredMiddleware: whoever was robbed need not log in first."""
        required = "django.contrib.auth.middleware.LoginRequiredMiddleware"
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, required]
        assert client.get("/page").status_code == 302
        assert heading(client.post(path)) == "The session is ended"

    def test_may_have_an_access_cookie(self, path: str, ada: Any, settings: Any) -> None:
        """The middleware lets the form of a browser pass that holds one."""
        settings.TOKENAUTH_ACCESS_COOKIE = True
        browser = Api()
        browser.login()
        headers = {"origin": "http://testserver"}
        assert heading(browser.http.post(path, headers=headers)) == "The session is ended"

    def test_has_it_without_login_too(self, path: str, client: Client, settings: Any) -> None:
        """In the URLs of a project that proves identity elsewhere."""
        settings.ROOT_URLCONF = (urls_path("auth/", include("tokenauth.urls_without_login")),)
        assert client.get(path).status_code == 200


def test_lives_no_longer_than_it_should(session: AuthSession, clock: Clock, client: Client) -> None:
    """A link that was made a minute ahead of this host's clock is no link yet."""
    value = value_of(session.pk, clock() + timedelta(minutes=1), "en")
    assert client.get(f"/auth/end-session/{value}/").status_code == 404
