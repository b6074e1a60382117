"""What the cells of the list show, and whom they link."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.conftest import Clock
from tests.console import LIST, make, save
from tests.test_admin import page, root, staff_with
from tokenauth.models import AuthSession

__all__ = ["root", "staff_with"]  # fixtures

pytestmark = pytest.mark.any_database

MARKUP = "<script>alert(1)</script>"


def cell(client: Client, column: str) -> str:
    """Return a cell of the only row of the list."""
    text = client.get(LIST).content.decode()
    cells = re.findall(rf'<t[dh] class="field-{column}[^"]*">(.*?)</t[dh]>', text, re.DOTALL)
    assert len(cells) == 1
    return str(cells[0]).replace("\xa0", " ")


class TestUser:
    def test_is_linked_for_who_may_open_the_page(
        self, clock: Clock, user: User, staff_with: Callable[..., Client]
    ) -> None:
        """The user's page is one step away."""
        save([make(clock, user)])
        client = staff_with("view_authsession", "view_user")
        address = reverse("admin:auth_user_change", args=[user.pk])
        assert cell(client, "user_name") == f'<a href="{address}">ada</a>'

    def test_is_not_for_others(
        self, clock: Clock, user: User, staff_with: Callable[..., Client]
    ) -> None:
        """A link that leads to a refusal is none."""
        save([make(clock, user)])
        assert cell(staff_with("view_authsession"), "user_name") == "ada"

    def test_that_is_gone_is_said(self, clock: Clock, user: User, root: Client) -> None:
        """A deleted user has no page."""
        save([make(clock, user)])
        AuthSession.objects.update(user=None)
        assert cell(root, "user_name") == "(deleted user)"


class TestDevice:
    @pytest.mark.parametrize(
        ("facts", "name"),
        [
            ({"device_name": "Kitchen", "device": "Safari on iPad"}, "Kitchen"),
            ({"device": "Safari on iPad"}, "Safari on iPad"),
            ({"device": ""}, "unknown device"),
        ],
    )
    def test_leads_to_the_session(
        self, clock: Clock, user: User, root: Client, facts: dict[str, Any], name: str
    ) -> None:
        """By the user's name for it, or what it is, or that it is unknown."""
        [session] = save([make(clock, user, **facts)])
        shown = cell(root, "device_text")
        assert f'href="{page(session)}"' in shown
        assert f">{name}" in shown

    @pytest.mark.parametrize(
        ("facts", "marks"),
        [
            ({"device_kind": ""}, []),
            ({"device_kind": "phone"}, ["phone"]),
            ({"device_kind": "tablet", "new_device": True}, ["tablet", "new device"]),
            ({"device_kind": MARKUP[:8]}, []),
        ],
    )
    def test_is_marked_in_words(
        self, clock: Clock, user: User, root: Client, facts: dict[str, Any], marks: list[str]
    ) -> None:
        """Its kind, and whether it is new: text, that a screen reader reads too."""
        save([make(clock, user, **facts)])
        found = re.findall(r'class="tokenauth-mark [^"]*">([^<]*)<', cell(root, "device_text"))
        assert found == marks


class TestStatus:
    def test_says_why_it_is_worth_a_look(self, clock: Clock, user: User, root: Client) -> None:
        """Each suspicion is a label beside that of the state."""
        save([make(clock, user, late_run=2, moved_at=clock())])
        labels = re.findall(r">([^<]+)</span>", cell(root, "status"))
        assert labels == [
            "active",
            "suspicious: late answers in a row",
            "suspicious: address and browser changed at once",
        ]


class TestTimes:
    def test_are_relative_and_exact(self, clock: Clock, user: User, root: Client) -> None:
        """So long ago, and so long to go; the exact time is the title."""
        [session] = save([make(clock, user, age=3, silent=1)])
        for column, text in {
            "created": "3 days ago",
            "last_seen": "1 day ago",
            "ends": "in 1 week, 6 days",
            "latest_end": "in 3 weeks, 6 days",
        }.items():
            shown = cell(root, column)
            assert f">{text}</time>" in shown
            assert 'title="' in shown
        assert f'datetime="{session.created_at.isoformat()}"' in cell(root, "created")

    def test_of_what_was_revoked(self, clock: Clock, user: User, root: Client) -> None:
        """It ended when it was revoked."""
        when = clock() - timedelta(hours=5)
        save([make(clock, user, age=3, revoked_at=when, revoked_reason="lost")])
        assert ">5 hours ago</time>" in cell(root, "ends")


class TestAddresses:
    def test_first_and_last_with_their_places(
        self, clock: Clock, user: User, root: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each once; a place, which is the database's text, is escaped."""
        places = {"192.0.2.1": "Paris, France", "192.0.2.2": MARKUP}
        monkeypatch.setattr("tokenauth.admin.columns.place_of", lambda ip: places.get(ip, ""))
        save([make(clock, user, last_ip="192.0.2.2")])
        assert cell(root, "addresses") == (
            "192.0.2.1 (Paris, France)<br>192.0.2.2 (&lt;script&gt;alert(1)&lt;/script&gt;)"
        )

    def test_one_that_stays(self, clock: Clock, user: User, root: Client) -> None:
        """Is shown once."""
        save([make(clock, user)])
        assert cell(root, "addresses") == "192.0.2.1"


@pytest.mark.req("REQ-122")
def test_what_clients_sent_is_text(clock: Clock, user: User, root: Client) -> None:
    """In every column of the list."""
    hostile: dict[str, Any] = {
        "device_name": MARKUP,
        "device": MARKUP,
        "client": MARKUP,
        "amr": [MARKUP, {"a": MARKUP}],
        "last_user_agent": MARKUP,
        "revoked_reason": MARKUP,
        "revoked_at": clock(),
    }
    save([make(clock, user, **hostile)])
    text = root.get(LIST).content.decode()
    assert "&lt;script&gt;alert(1)" in text
    assert MARKUP not in text


def test_how_they_signed_in(clock: Clock, user: User, root: Client) -> None:
    """In words."""
    save([make(clock, user, amr=["pwd", "otp"])])
    assert cell(root, "sign_in") == "password, one-time code"
