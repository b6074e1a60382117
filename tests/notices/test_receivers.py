"""Of what a user is told, and when."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, transaction

from tests.conftest import Api
from tests.notices.agents import FIREFOX, SAFARI
from tests.notices.conftest import outbox, path_in
from tokenauth import sessions
from tokenauth.audit import Origin
from tokenauth.models import AuthSession

pytestmark = pytest.mark.any_database

SignIn = Callable[..., Api]


class TestNewDevice:
    @pytest.mark.req("REQ-13")
    def test_is_told(self, sign_in: SignIn) -> None:
        """A sign-in from a device that none of the user's sessions had."""
        sign_in()
        (message,) = outbox()
        assert message.to == ["ada@example.org"]
        assert "Safari on iPhone" in message.body

    def test_of_a_first_login_is_none(self, ada: Any) -> None:
        """Whoever has just registered is not told of it."""
        assert outbox() == []

    def test_is_not_the_one_from_before(self, sign_in: SignIn) -> None:
        """The same browser again, in a newer version, is no news."""
        sign_in(FIREFOX.replace("140", "141"))
        assert outbox() == []

    def test_names_the_session_in_its_link(self, sign_in: SignIn) -> None:
        """The one that was begun, whatever else the user has."""
        sign_in()
        session = AuthSession.objects.get(new_device=True)
        assert f".{session.pk.hex}." not in outbox()[0].subject
        assert f"/end.{session.pk.hex}." in path_in(outbox()[0])

    def test_waits_for_the_commit(self, ada: Any) -> None:
        """A login that is rolled back told nobody."""
        origin = Origin("203.0.113.9", SAFARI)
        with transaction.atomic():
            sessions.start_session(ada, origin=origin)
            assert outbox() == []
            transaction.set_rollback(True)
        assert outbox() == []
        sessions.start_session(ada, origin=origin)
        assert len(outbox()) == 1


@pytest.mark.django_db(transaction=True)
def test_under_atomic_requests_it_waits_too(
    ada: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """The e-mail of a project's own view is sent after the view, not from the middle of it."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", 1)
    settings.ROOT_URLCONF = "tests.pages"
    api = Api(HTTP_USER_AGENT=SAFARI)
    assert api.get("/in?user=ada&undo").status_code == 500
    assert outbox() == []
    assert api.get("/in?user=ada").status_code == 200
    assert len(outbox()) == 1


class TestReuse:
    def test_is_told(self, reuse: Callable[[], Api]) -> None:
        """The session's owner, with what ended."""
        reuse()
        (message,) = outbox()
        assert message.to == ["ada@example.org"]
        assert "Ended: " in message.body
        session = AuthSession.objects.get(revoked_reason="reuse")
        assert f"/end.{session.pk.hex}." in path_in(message)


class TestSwitch:
    def test_is_off_by_default(self, sign_in: SignIn, settings: Any) -> None:
        """A project that sets nothing sends nothing."""
        del settings.TOKENAUTH_SECURITY_EMAILS
        sign_in()
        assert outbox() == []

    @pytest.mark.parametrize(("chosen", "sent"), [("new_device", 1), ("reuse", 1), ("both", 2)])
    def test_is_by_kind(
        self, reuse: Callable[[], Api], sign_in: SignIn, settings: Any, chosen: str, sent: int
    ) -> None:
        """Either, or both."""
        if chosen != "both":
            settings.TOKENAUTH_SECURITY_EMAILS = [chosen]
        sign_in()
        reuse()
        assert len(outbox()) == sent
