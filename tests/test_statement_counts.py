"""How many statements each request costs, whatever the user's number of sessions and rotations.

Counted at the endpoints, the commit and its like aside. Everything else counts, Django's own
included: of a login that is its look-up of the user and the update of ``last_login``, and of a
login that re-hashes the password its update of the password.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext, override_settings

from tests.conftest import PASSWORD, Api, Clock
from tests.domain import row, start
from tests.notices import agents
from tokenauth import sessions, system
from tokenauth.audit import HISTORY_KEPT
from tokenauth.counters import Counters
from tokenauth.issuing import issue_tokens
from tokenauth.models import AuthSession, RefreshToken

ROTATION = 2 if connection.vendor == "postgresql" else 3
CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


class Count:
    """The statements that were counted."""

    statements: list[str]

    @property
    def total(self) -> int:
        """How many."""
        return len(self.statements)


@contextmanager
def counting() -> Iterator[Count]:
    """Count the statements, without transaction control."""
    count = Count()
    with CaptureQueriesContext(connection) as captured:
        yield count
    all_of_them = [query["sql"] for query in captured.captured_queries]
    count.statements = [sql for sql in all_of_them if not sql.startswith(CONTROL)]


def count_operations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list to which each operation of the cache of counters is added from now on."""
    asked: list[str] = []
    original = Counters._do

    def note(self: Counters, operation: Callable[[Any], Any]) -> Any:
        asked.append(operation.__qualname__.split(".")[1])
        return original(self, operation)

    monkeypatch.setattr(Counters, "_do", note)
    return asked


@pytest.fixture(params=[1, 30, 200])
def busy(request: pytest.FixtureRequest, user: User, clock: Clock) -> User:
    """Ada, who has so many sessions, each with as many rotations."""
    many = request.param
    first = row(start(user))
    others = [copy(first) for _ in range(many - 1)]
    for other in others:
        other.pk = system.new_id()
    found = [first, *AuthSession.objects.bulk_create(others)]
    RefreshToken.objects.bulk_create(
        RefreshToken(session=session, generation=number, issued_at=clock())
        for session in (found[0], found[-1])
        for number in range(many - HISTORY_KEPT, many)
        if number > 0
    )
    AuthSession.objects.update(generation=many, confirmed_generation=many)
    return user


@pytest.fixture
def phone(busy: User, clock: Clock) -> Api:
    """One of Ada's sessions, whose current generation is in use, an hour after its rotation."""
    session = AuthSession.objects.with_user().latest("pk")
    tokens = issue_tokens(session, clock.advance(hours=1), with_refresh=True)
    app = Api()
    app.access, app.refresh_token = tokens.access, tokens.refresh
    return app


class TestLogin:
    @pytest.mark.req("REQ-139")
    def test_plain(self, busy: User):
        """A login: six."""
        with counting() as count:
            assert Api().login(client="app").status_code == 200

        assert count.total == 6

    def test_on_a_new_device(self, busy: User, settings: Any):
        """A login that the user is told of by e-mail: none more."""
        settings.TOKENAUTH_SECURITY_EMAILS = ("new_device", "reuse")
        settings.TOKENAUTH_SITE_URL = "https://example.com"
        User.objects.update(email="ada@example.org")
        Api(HTTP_USER_AGENT="known/1.0").login(client="app")
        with counting() as count:
            assert Api(HTTP_USER_AGENT="other/1.0").login(client="app").status_code == 200

        assert [message.to for message in mail.outbox] == [["ada@example.org"]] * 2
        assert count.total == 6

    @pytest.mark.parametrize(("room", "cost"), [(1, 7), (0, 9)], ids=["room", "full"])
    def test_limited(self, busy: User, settings: Any, room: int, cost: int):
        """A login to a client with a limit: one more, and two more if it ends a session."""
        limit = AuthSession.objects.count() + room
        settings.TOKENAUTH_CLIENTS = {"app": {"transport": "body", "limit": limit}}
        with counting() as count:
            assert Api().login(client="app").status_code == 200

        assert count.total == cost
        assert AuthSession.objects.filter(revoked_reason="limit").count() == 1 - room

    def test_with_everything_on(
        self, busy: User, settings: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ):
        """A limit that ends one, an e-mail about a new device, all counts: 9, and 2 of cache."""
        settings.TOKENAUTH_CLIENTS = {"app": {"transport": "body", "limit": 1}}
        settings.TOKENAUTH_SECURITY_EMAILS = ("new_device", "reuse")
        settings.TOKENAUTH_SITE_URL = "https://example.com"
        settings.TOKENAUTH_END_SESSIONS_ON = ("email", "permissions")
        settings.TOKENAUTH_LOGIN_GATE = "tests.test_conf.gate"
        User.objects.update(email="ada@example.org")
        Api(HTTP_USER_AGENT=agents.FIREFOX).login()
        mail.outbox.clear()
        clock.advance(minutes=1)
        phone = Api(HTTP_USER_AGENT=agents.SAFARI, REMOTE_ADDR="203.0.113.7")
        assert phone.login(password="wrong").status_code == 401
        asked = count_operations(monkeypatch)
        with counting() as count:
            assert phone.login().status_code == 200

        assert len(mail.outbox) == 1
        assert AuthSession.objects.filter(revoked_at=None).count() == 1
        assert count.total == 9
        assert asked == ["get_many", "set_many"]

    def test_replacing(self, busy: User):
        """A login over a living session: two more."""
        browser = Api()
        browser.login()
        with counting() as count:
            assert browser.login().status_code == 200

        assert count.total == 8
        assert AuthSession.objects.filter(revoked_reason="replaced").count() == 1

    def test_over_a_dead_one(self, busy: User):
        """A login over a session that has ended: one more, which finds that out."""
        browser = Api()
        browser.login()
        sessions.revoke_user_sessions(busy, reason="admin")
        with counting() as count:
            assert browser.login().status_code == 200

        assert count.total == 7

    def test_rehashing(self, busy: User, settings: Any):
        """A login that re-hashes: two more, beside Django's own update of the password."""
        settings.PASSWORD_HASHERS = [
            "tests.test_accounts.WeakHasher",
            "django.contrib.auth.hashers.MD5PasswordHasher",
        ]
        with counting() as count:
            assert Api().login(client="app").status_code == 200
        by_django = [sql for sql in count.statements if _updates_password(sql)]

        assert len(by_django) == 1
        assert count.total - len(by_django) == 8

    @override_settings(
        TOKENAUTH_LOGIN_GATE="tests.test_views_second_step.gate",
        TOKENAUTH_SECOND_STEP="tests.test_views_second_step.verify",
    )
    def test_in_two_steps(self, busy: User):
        """One for the password, then as many as a login has: the look-up of the user again."""
        with counting() as count:
            asked = Api().login(client="app").json()["challenge"]["token"]
        assert count.total == 1
        with counting() as count:
            sent = {"challenge": asked, "code": "123456"}
            assert Api().post("/auth/login/second-step/", sent).status_code == 200

        assert count.total == 6

    @override_settings(
        TOKENAUTH_LOGIN_GATE="tests.test_views_second_step.gate",
        TOKENAUTH_SECOND_STEP="tests.test_views_second_step.verify",
    )
    def test_second_step_wrong(self, busy: User):
        """Of what is no challenge: none. Of a wrong answer: two, one of them the event."""
        asked = Api().login(client="app").json()["challenge"]["token"]
        for challenge, statements in (("garbage", 0), (asked, 2)):
            with counting() as count:
                sent = {"challenge": challenge, "code": "x"}
                assert Api().post("/auth/login/second-step/", sent).status_code == 401
            assert count.total == statements


def _updates_password(sql: str) -> bool:
    return sql.startswith("UPDATE") and "auth_user" in sql and "password" in sql


class TestRequest:
    def test_in_use(self, phone: Api):
        """An API request: one."""
        with counting() as count:
            assert phone.whoami().status_code == 200

        assert count.total == 1

    def test_first_of_a_generation(self, phone: Api):
        """The first of a generation: one more, after the response."""
        phone.refresh()
        with counting() as count:
            phone.whoami()
        assert count.total == 2
        with counting() as count:
            phone.whoami()

        assert count.total == 1

    @pytest.mark.req("REQ-139")
    def test_list(self, phone: Api):
        """The list of sessions: two."""
        with counting() as count:
            assert phone.get("/auth/sessions/").status_code == 200

        assert count.total == 2

    def test_revoke_all(self, phone: Api):
        """Revoking all of them: three."""
        with counting() as count:
            assert phone.post("/auth/sessions/revoke/", {"scope": "all"}).status_code == 200

        assert count.total == 3


class TestReauthenticate:
    @pytest.mark.parametrize("in_use", [True, False])
    def test_right(self, phone: Api, in_use: Any):
        """A step-up: four, the backend's look-up among them, whoever used the generation."""
        AuthSession.objects.update(confirmed_generation=F("generation") - int(not in_use))
        with counting() as count:
            assert phone.post("/auth/reauthenticate/", {"password": PASSWORD}).status_code == 200

        assert count.total == 4

    def test_twice(self, phone: Api):
        """The same again, within the grace: three, as the row is read again and not written."""
        phone.post("/auth/reauthenticate/", {"password": PASSWORD})
        with counting() as count:
            assert phone.post("/auth/reauthenticate/", {"password": PASSWORD}).status_code == 200

        assert count.total == 3

    def test_wrong(self, phone: Api):
        """A wrong password: three, one of them the event."""
        with counting() as count:
            assert phone.post("/auth/reauthenticate/", {"password": "x"}).status_code == 401

        assert count.total == 3

    def test_rehashing(self, phone: Api, settings: Any):
        """One that re-hashes: two more, beside Django's own update of the password."""
        settings.PASSWORD_HASHERS = [
            "tests.test_accounts.WeakHasher",
            "django.contrib.auth.hashers.MD5PasswordHasher",
        ]
        with counting() as count:
            assert phone.post("/auth/reauthenticate/", {"password": PASSWORD}).status_code == 200
        by_django = [sql for sql in count.statements if _updates_password(sql)]

        assert len(by_django) == 1
        assert count.total - len(by_django) == 6


class TestRefresh:
    @pytest.mark.req("REQ-139")
    def test_rotates(self, phone: Api):
        """A refresh that rotates: three; on PostgreSQL session and history are one."""
        with counting() as count:
            assert phone.refresh().status_code == 200

        assert count.total == ROTATION

    @pytest.mark.parametrize("kept", ["full", "device", "off"])
    def test_rotates_whatever_is_kept(self, phone: Api, clock: Clock, settings: Any, kept: str):
        """The same, the second time as well, and with every log record written."""
        settings.TOKENAUTH_USER_AGENTS = kept
        phone.http.defaults["HTTP_USER_AGENT"] = "Mozilla/5.0 (X11; Linux) Firefox/140.0"
        phone.refresh()
        clock.advance(hours=1)
        with counting() as count:
            assert phone.refresh().status_code == 200

        assert count.total == ROTATION

    def test_trims(self, phone: Api, clock: Clock):
        """One in fifty: one more."""
        AuthSession.objects.update(generation=49, confirmed_generation=49)
        session = AuthSession.objects.with_user().latest("pk")
        phone.refresh_token = issue_tokens(session, clock(), with_refresh=True).refresh
        with counting() as count:
            assert phone.refresh().status_code == 200

        assert count.total == ROTATION + 1

    def test_keeps(self, phone: Api):
        """A refresh that keeps: two in a generation that was not in use, then one."""
        phone.refresh()
        with counting() as count:
            assert phone.refresh().status_code == 200
        assert count.total == 2
        with counting() as count:
            assert phone.refresh().status_code == 200

        assert count.total == 1

    @pytest.mark.parametrize(
        ("pause", "cost"), [(0, 2), (30, 2), (3600, 3)], ids=["at once", "grace", "late"]
    )
    def test_repeats(self, phone: Api, clock: Clock, pause: int, cost: int):
        """A refresh that repeats: two; one that answers late: one more, its event."""
        token = phone.refresh_token
        phone.refresh()
        clock.advance(seconds=pause)
        with counting() as count:
            assert phone.refresh(token).status_code == 200

        assert count.total == cost

    def test_moves(self, phone: Api):
        """A refresh that rotates in another place: one more, its event."""
        AuthSession.objects.update(last_ip="127.0.0.1")
        with counting() as count:
            assert phone.refresh(REMOTE_ADDR="203.0.113.9").status_code == 200

        assert count.total == ROTATION + 1

    def test_repeats_elsewhere(self, phone: Api):
        """A refresh that repeats in another place: one more, its event."""
        token = phone.refresh_token
        phone.refresh()
        with counting() as count:
            assert phone.refresh(token, REMOTE_ADDR="203.0.113.9").status_code == 200

        assert count.total == 3

    @pytest.mark.parametrize("token", [None, "x", "A" * 64, "x" * 4000])
    def test_malformed(self, busy: User, token: str | None):
        """None sent, or one that cannot be ours: none."""
        with counting() as count:
            assert Api().refresh(token).status_code == 401

        assert count.total == 0

    def test_unknown_session(self, phone: Api):
        """An authentic one of a session that is gone: one."""
        AuthSession.objects.all().delete()
        with counting() as count:
            assert phone.refresh().status_code == 401

        assert count.total == 1


def reuse(phone: Api, clock: Clock) -> None:
    """Present a token whose successor was used."""
    old = phone.refresh_token
    phone.refresh()
    phone.whoami()
    clock.advance(hours=1)
    phone.refresh_token = old


ENDS: dict[str, tuple[Callable[[Api, Clock], object], int]] = {
    "reuse": (reuse, 3),
    "expired": (lambda _phone, clock: clock.advance(days=20), 3),
    "account": (lambda _phone, _clock: User.objects.update(is_active=False), 3),
}


class TestEnd:
    @pytest.mark.parametrize(("end", "cost"), ENDS.values(), ids=ENDS)
    def test_refused_refresh(
        self, phone: Api, clock: Clock, end: Callable[[Api, Clock], object], cost: int
    ):
        """A refresh that finds the session ended, or ends it: three, and then one."""
        end(phone, clock)
        with counting() as count:
            assert phone.refresh().json()["code"] == "session_ended"
        assert count.total == cost
        with counting() as count:
            phone.refresh()

        assert count.total == 1

    @pytest.mark.parametrize("bearer", [True, False])
    def test_logout(self, phone: Api, bearer: Any):
        """A logout: three, by one token or by both; by a dead one: one."""
        with counting() as count:
            assert phone.logout(bearer=bearer).status_code == 204
        assert count.total == 3
        phone.http.cookies.clear()
        with counting() as count:
            assert phone.logout(bearer=bearer).status_code == 204

        assert count.total == 1

    def test_logout_without_a_token(self, busy: User):
        """A logout by garbage: none."""
        with counting() as count:
            assert Api().post("/auth/logout/", {"refresh": "x"}).status_code == 204

        assert count.total == 0
