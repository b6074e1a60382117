"""A scripted theft, and the page from which a support person can tell the story."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import PASSWORD, Api, Clock
from tests.test_admin import page, root
from tests.test_admin_timeline import entries, kinds, text_of
from tests.test_moves import FIREFOX
from tokenauth.admin.display import exact
from tokenauth.models import AuthSession, RefreshToken

__all__ = ["entries", "root"]  # fixtures

pytestmark = pytest.mark.any_database


class TestTheft:
    @pytest.fixture
    def stolen(self, user: User, clock: Clock) -> AuthSession:
        """Ada logs in; a thief refreshes with her token, twice; Ada's program comes back."""
        ada = Api(REMOTE_ADDR="192.0.2.1", HTTP_USER_AGENT=FIREFOX)
        assert ada.login(client="app", password=PASSWORD).status_code == 200
        thief = Api(REMOTE_ADDR="203.0.113.9", HTTP_USER_AGENT="curl/8.5.0")
        thief.refresh_token = ada.refresh_token
        for _ in range(2):
            clock.advance(minutes=10)
            assert thief.refresh().status_code == 200
            assert thief.whoami().status_code == 200
        clock.advance(minutes=10)
        assert ada.refresh().json()["reason"] == "reuse"
        return AuthSession.objects.get()

    @pytest.mark.req("REQ-125")
    @pytest.mark.parametrize("pruned", [False, True])
    def test_the_page_tells_the_story(
        self, stolen: AuthSession, clock: Clock, entries: Any, pruned: Any
    ) -> None:
        """In order: login at home, the move, the reuse by two parties; also without the history."""
        if pruned:
            RefreshToken.objects.all().delete()
        found = entries(stolen)
        assert kinds(found) == ["reuse", *([] if pruned else ["rotation"]), "moved", "login"]
        reuse, moved, login = found[0], found[-2], found[-1]
        assert [(place.address, place.device) for place in login.places] == [
            ("192.0.2.1", "Firefox on Windows")
        ]
        assert [(place.address, place.device) for place in moved.places] == [
            ("192.0.2.1", "Firefox on Windows"),
            ("203.0.113.9", "curl"),
        ]
        assert [(place.role, place.address, place.device) for place in reuse.places] == [
            ("Had the session last", "203.0.113.9", "curl"),
            ("Presented the replaced token", "192.0.2.1", "Firefox on Windows"),
        ]
        assert reuse.facts == ("It was token number 0, and the session was at number 2.",)
        assert (reuse.at, reuse.alarms, moved.alarms) == (clock(), True, True)

    @pytest.mark.req("REQ-125")
    def test_a_support_person_can_read_it(
        self, stolen: AuthSession, clock: Clock, root: Client
    ) -> None:
        """The text of the page: both parties, when, that it ended and why, and what to do."""
        text = text_of(root.get(page(stolen)))
        for said in (
            "revoked: refresh token reused",
            "Refresh token reused",
            "Ask the user which of the two places below is theirs.",
            "Address and browser changed at once on",
            "Had the session last 203.0.113.9 curl",
            "Presented the replaced token 192.0.2.1 Firefox on Windows",
            f"{exact(clock())} Refresh token reused",
            "It has ended: no request can use it any more.",
        ):
            assert said in text

    @pytest.mark.req("REQ-125")
    def test_the_signs_are_marked_in_the_page(self, stolen: AuthSession, root: Client) -> None:
        """What changed is marked, both in address and in browser."""
        text = root.get(page(stolen)).content.decode()
        assert "<mark>203.0.113.9</mark>" in text
        assert "<mark>curl</mark>" in text
