"""What tests/test_soft_delete.py runs in a process of its own, with its own user model."""

from typing import Any

import pytest

from tests.conftest import Api, Clock
from tests.domain import end_reason, events, is_refreshed, is_usable, row, start
from tests.soft_delete.models import Customer, Member
from tokenauth import sessions


def test_living_user(user: Any, clock: Clock):
    """A user whom the default manager finds keeps the session."""
    tokens = start(user)

    assert is_usable(tokens)
    assert is_refreshed(tokens)
    assert len(sessions.active_sessions(user)) == 1


def test_softly_deleted_user(user: Any, clock: Clock):
    """A user whom it no longer finds is gone, in every check, though the row is there."""
    tokens, other = start(user), start(user)
    Member.objects.filter(pk=user.pk).update(deleted=True)

    assert not is_usable(tokens)
    assert sessions.active_sessions(user) == []
    assert sessions.find_own_session(user, other.session.pk) is None
    assert end_reason(tokens) == "account"
    assert row(tokens).revoked_reason == "deleted"
    assert Member._base_manager.filter(pk=user.pk).exists()


def test_endpoints(user: Any, api: Api):
    """So it is at the endpoints."""
    assert api.login(client="app").status_code == 200
    assert api.whoami().status_code == 200
    Member.objects.update(deleted=True)

    assert api.whoami().status_code == 401
    assert api.refresh().json()["reason"] == "account"
    assert api.login().status_code == 401


def test_second_step(user: Any, api: Api, settings: Any):
    """Who is deleted between two steps of a login gets no session."""
    settings.TOKENAUTH_LOGIN_GATE = "tests.test_views_second_step.gate"
    settings.TOKENAUTH_SECOND_STEP = "tests.test_views_second_step.verify"
    sent = {"code": "123456"}
    for deleted, status in ((False, 200), (True, 401)):
        sent["challenge"] = api.login(client="app").json()["challenge"]["token"]
        Member.objects.update(deleted=deleted)
        assert api.post("/auth/login/second-step/", sent).status_code == status


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("model", [Member, Customer])
def test_deletion_through_a_proxy(user: Any, model: type[Member]):
    """A real deletion is seen, through whatever proxy of the user model it is made."""
    tokens = start(user, device_name="phone")
    model.objects.get(pk=user.pk).delete()

    assert row(tokens).revoked_reason == "deleted"
    assert row(tokens).device_name == ""
    assert events("revoked") == [("revoked", "deleted")]
