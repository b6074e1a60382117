"""What is logged in each scenario: which events, when, by whom, in which session."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.audit_log import JsonLines, log, time_of
from tests.conftest import PASSWORD, Api, Clock
from tests.domain import end_reason, refresh, row, start
from tokenauth import sessions
from tokenauth.audit import Origin, event_about, record
from tokenauth.issuing import Tokens
from tokenauth.models import AuthEvent, AuthSession, EventType

__all__ = ["log"]  # a fixture

LOGIN = ["authn_login_success", "session_created", "authn_token_created"]
ROTATION = ["session_renewed", "authn_token_created"]
END = ["authn_token_revoked", "session_expired"]
HOME = Origin("192.0.2.1", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")


@pytest.fixture
def tokens(user: User, clock: Clock, log: JsonLines) -> Iterator[Tokens]:
    """Ada's session, which has been logged and forgotten."""
    tokens = start(user, origin=HOME)
    log.forget()
    yield tokens
    # Whatever happened: it is told of this session alone, at the time of the package's clock.
    for entry in log.records:
        assert entry["session"] in {str(tokens.session.pk), None}
        assert time_of(entry) == clock()


@pytest.mark.req("REQ-127")
class TestScenarios:
    def test_login(self, user: User, clock: Clock, log: JsonLines):
        """A login: who, from where, into which session."""
        tokens = start(user, origin=HOME)

        assert log.names == LOGIN
        for entry in log.records:
            assert time_of(entry) == clock()
            assert entry["user"] == entry["actor"] == str(user.pk)
            assert entry["session"] == str(tokens.session.pk)
            assert (entry["type"], entry["client"], entry["ip"]) == ("login", "app", "192.0.2.1")
            assert entry["user_agent"] == HOME.user_agent
            assert (entry["level"], entry["reason"]) == ("INFO", None)

    def test_failed_login(self, user: User, api: Api, clock: Clock, log: JsonLines):
        """A failed login names nobody: what was typed may be a password."""
        api.login(password="wrong")
        (entry,) = log.records

        assert (entry["event"], entry["level"]) == ("authn_login_fail", "WARNING")
        assert (entry["user"], entry["actor"], entry["session"]) == (None, None, None)
        assert (entry["client"], entry["ip"]) == ("browser", "127.0.0.1")
        assert time_of(entry) == clock()

    def test_failed_step_up(self, user: User, app: Api, log: JsonLines):
        """A wrong password for a step-up is told of the session."""
        log.forget()
        app.post("/auth/reauthenticate/", {"password": "wrong"})
        (entry,) = log.records

        assert entry["event"] == "authn_login_fail"
        assert (entry["user"], entry["actor"]) == (str(user.pk), None)
        assert entry["session"] == str(AuthSession.objects.get().pk)

    def test_refresh(self, user: User, tokens: Tokens, clock: Clock, log: JsonLines):
        """A rotation renews the session; its row is its line of history."""
        clock.advance(hours=1)
        refresh(tokens)

        assert log.names == ROTATION
        assert {entry["actor"] for entry in log.records} == {str(user.pk)}
        assert AuthEvent.objects.count() == 1

    def test_repeated_answer(self, tokens: Tokens, clock: Clock, log: JsonLines):
        """Nothing is renewed by an answer that is given once more."""
        clock.advance(hours=1)
        refresh(tokens)
        log.forget()
        refresh(tokens)

        assert log.names == []

    def test_reuse(self, user: User, tokens: Tokens, clock: Clock, log: JsonLines):
        """Reuse is critical, and nobody knows who it was."""
        newest = tokens
        for _ in range(2):
            clock.advance(hours=1)
            newest = refresh(newest)
        log.forget()
        assert end_reason(tokens) == "reuse"

        assert log.names == ["authn_token_reuse", *END]
        assert [entry["level"] for entry in log.records] == ["CRITICAL", "INFO", "INFO"]
        assert {(entry["user"], entry["actor"]) for entry in log.records} == {(str(user.pk), None)}
        assert {entry["reason"] for entry in log.records} == {"reuse"}

    def test_logout(self, user: User, tokens: Tokens, log: JsonLines):
        """By the user."""
        sessions.revoke_session(row(tokens), reason="logout")

        assert log.names == END
        assert {entry["reason"] for entry in log.records} == {"logout"}
        assert {entry["actor"] for entry in log.records} == {str(user.pk)}

    def test_revoked_by_staff(self, staff: User, tokens: Tokens, log: JsonLines):
        """By somebody else: the activity of a privileged user, in the words of the vocabulary."""
        sessions.revoke_session(row(tokens), reason="admin", actor=staff)

        assert log.names == [*END, "authz_admin"]
        assert {entry["actor"] for entry in log.records} == {str(staff.pk)}
        assert log.records[-1]["level"] == "WARNING"

    def test_revoked_by_the_user(self, user: User, tokens: Tokens, log: JsonLines):
        """What users do to their own sessions is no activity of staff."""
        sessions.revoke_session(row(tokens), reason="user", actor=user)

        assert log.names == END
        assert {entry["actor"] for entry in log.records} == {str(user.pk)}

    def test_expiry(self, user: User, tokens: Tokens, clock: Clock, log: JsonLines):
        """The end is recorded once, and each use after it is logged."""
        clock.advance(days=15)
        for _ in range(2):
            assert end_reason(tokens) == "expired"

        assert log.names == ["session_expired", *["session_use_after_expire"] * 2]
        assert {entry["reason"] for entry in log.records} == {"expired"}
        assert {entry["user"] for entry in log.records} == {str(user.pk)}
        assert AuthEvent.objects.filter(type="expired").count() == 1

    def test_use_of_an_access_token_after_the_end(self, app: Api, log: JsonLines):
        """An access token that is out when its session ends is noticed as well."""
        sessions.revoke_session(AuthSession.objects.get(), reason="admin")
        log.forget()
        assert app.whoami().status_code == 401

        assert log.names == ["session_use_after_expire"]
        assert log.records[0]["reason"] == "revoked"

    def test_step_up(self, user: User, tokens: Tokens, log: JsonLines):
        """The user has proved again who they are, and the session is renewed."""
        sessions.step_up(row(tokens), amr=["pwd"])

        assert log.names == ["authn_login_success", *ROTATION]
        assert {entry["type"] for entry in log.records} == {"step_up"}

    def test_password_change(self, user: User, tokens: Tokens, clock: Clock, log: JsonLines):
        """The others end, and the session in which it was changed is renewed."""
        start(user)
        log.forget()
        user.set_password("another one, as long")
        user.save()
        sessions.renew_after_password_change(row(tokens), user)

        assert log.names == [*END, "authn_password_change", *ROTATION]
        assert {entry["actor"] for entry in log.records} == {str(user.pk)}

    def test_rename(self, user: User, tokens: Tokens, log: JsonLines):
        """A new name is no event of the vocabulary, and the name is not told."""
        sessions.rename_session(row(tokens), "kitchen tablet", origin=HOME)

        assert log.names == ["tokenauth_renamed"]
        assert "kitchen" not in log.lines[0]

    def test_deletion(self, user: User, tokens: Tokens, log: JsonLines):
        """All sessions of a user who is deleted end, and the key is what is left."""
        key = str(user.pk)
        user.delete()

        assert log.names == END
        assert {entry["user"] for entry in log.records} == {key}
        assert {entry["session"] for entry in log.records} == {None}


class TestRecords:
    def test_of_rotations_can_be_turned_off(
        self, tokens: Tokens, clock: Clock, log: JsonLines, caplog: Any
    ):
        """By the name of their logger; the rest goes on."""
        clock.advance(hours=1)
        caplog.set_level("WARNING", "tokenauth.audit.rotations")
        newest = refresh(tokens)
        assert log.names == []
        sessions.revoke_session(row(newest), reason="logout")

        assert log.names == END

    @pytest.mark.req("REQ-128")
    def test_cannot_be_forged(self, user: User, clock: Clock, log: JsonLines):
        """Whatever a client says is within the one line of its own record, and within its field."""
        forged = "\r\n2026-01-01 CRITICAL authn_login_success user=1\x1b[2K\u202e\u2028"
        session = row(start(user, origin=Origin("192.0.2.1", forged), device_name=forged))
        sessions.record_failed_login(client=forged, origin=Origin("192.0.2.1", forged))
        sessions.rename_session(session, forged)
        sessions.revoke_session(session, reason=forged)
        record([event_about(EventType.MOVED, session, at=clock(), client=forged, reason=forged)])

        assert len(log.records) > 7
        for entry in log.records:
            texts = [value for value in entry.values() if value is not None]
            assert all(text.isprintable() for text in texts), entry
            assert re.fullmatch(
                r"[a-z_]+ user=\S+ session=\S+ reason=.+ ip=\S+", entry["message"]
            ), entry
            assert entry["message"].startswith(f"{entry['event']} ")

    @pytest.mark.req("REQ-128")
    def test_of_hostile_requests(self, user: User, clock: Clock, log: JsonLines):
        """The same at the endpoints: each request is the records that it should be, and no more."""
        hostile = "x\x1b[31m\u202e authn_login_success"
        api = Api(headers={"user-agent": hostile})
        api.login(username=f"ada\r\n{hostile}")
        api.login(client=hostile)
        api.login(client="app", device_name=f"tv\n{hostile}")
        api.logout(headers={"x-forwarded-for": f"1\n{hostile}"})

        assert log.names == ["authn_login_fail", *LOGIN, *END]
        assert {entry["user_agent"] for entry in log.records} == {"x?[31m? authn_login_success"}

    def test_hold_no_user_name(self, user: User, api: Api, log: JsonLines):
        """Neither a right one nor a wrong one."""
        api.login(username="hunter2-typed-in-the-wrong-field")
        api.login(client="app")

        assert "hunter2" not in str(log.lines)
        assert not re.search(r'"ada"|=ada\b', str(log.lines))

    @pytest.mark.req("REQ-126")
    def test_hold_no_secret(self, user: User, clock: Clock, log: JsonLines):
        """The fields are those that are documented; the rest is of the logging module."""
        app, browser = Api(), Api()
        app.login(client="app", password="wrong")
        app.login(client="app")
        browser.login()
        browser.post("/auth/reauthenticate/", {"password": PASSWORD})
        secrets = [app.access, app.refresh_token, PASSWORD, user.password, browser.access]
        clock.advance(hours=1)
        app.refresh()
        secrets += [app.access, app.refresh_token, AuthSession.objects.all()[0].auth_hash]
        app.logout()
        browser.logout()
        written = "\n".join(log.lines)

        assert len(log.lines) > 10
        assert [secret for secret in secrets if secret and secret[-32:] in written] == []
