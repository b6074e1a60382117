"""A user's sessions on the page that the project has of that user."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import clear_url_caches, path, reverse

from tests import urls
from tests.conftest import Clock
from tests.test_admin import page, root, staff_with, start
from tests.test_admin_acting import MANY
from tests.test_bulk import fill
from tokenauth.admin import RevokeSessionsMixin, user_page
from tokenauth.audit import Origin
from tokenauth.models import AuthSession
from tokenauth.sessions import revoke_session

__all__ = ["root", "staff_with"]  # fixtures

pytestmark = pytest.mark.any_database

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
SECTION = 'id="tokenauth-sessions"'


def user_address(user: User) -> str:
    """Return the address of the page of a user."""
    return reverse("admin:auth_user_change", args=[user.pk])


def shown(client: Client, user: User) -> str:
    """Return what the page of a user shows of the sessions, or nothing."""
    text = client.get(user_address(user)).content.decode()
    _, found, section = text.partition(SECTION)
    return section.partition("</ul>")[0] if found else ""


def inlines(site: admin.AdminSite, who: User, model: Any = User, obj: Any = None) -> list[str]:
    """Return the names of the inlines that a site shows of a user."""
    request = RequestFactory().get("/")
    request.user = who
    found = site.get_model_admin(model).get_inline_instances(request, obj)
    return [type(inline).__name__ for inline in found]


class GroupsInline(admin.TabularInline):
    """A project's own inline."""

    model = User.groups.through


class TestShown:
    def test_the_active_ones(self, user: User, root: Client) -> None:
        """Device, address, times, status and a link, of those that live and are this user's."""
        session = start(user, device_name="Ada's phone", origin=Origin("10.1.2.3", FIREFOX))
        ended, theirs = start(user), start(User.objects.create_user("bob"))
        revoke_session(ended, reason="logout")
        text = shown(root, user)
        assert "Ada&#x27;s phone" in text
        assert "10.1.2.3" in text
        assert "tokenauth-active" in text
        assert page(session) in text
        assert page(ended) not in text
        assert page(theirs) not in text

    def test_the_newest(
        self, user: User, root: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Twenty; that there are more is said."""
        monkeypatch.setattr(user_page, "MOST_SHOWN", 2)
        old = start(user)
        clock.advance(minutes=1)
        new = [start(user), start(user)]
        text = shown(root, user)
        assert page(old) not in text
        assert all(page(session) in text for session in new)
        assert "Only the newest are shown" in text

    def test_none(self, user: User, root: Client) -> None:
        """It says so, and offers no end to nothing."""
        text = shown(root, user)
        assert "None." in text
        assert "Sign out everywhere" not in text

    @pytest.mark.req("REQ-122")
    def test_hostile_names_are_escaped(self, user: User, root: Client) -> None:
        """A device name is input as any other."""
        start(user, device_name="<script>alert(1)</script>")
        text = shown(root, user)
        assert "&lt;script&gt;alert(1)" in text

    def test_costs_one_query(self, user: User, root: Client, settings: Any) -> None:
        """However many sessions; Django's own queries of the page aside."""
        fill(user, 30)

        def cost() -> int:
            with CaptureQueriesContext(connection) as captured:
                root.get(user_address(user))
            return len(captured)

        cost()
        beside = cost()
        settings.TOKENAUTH_ADMIN_USER_PAGES = False
        assert beside - cost() == 1


class TestSignOut:
    def test_leads_to_the_question(self, user: User, root: Client) -> None:
        """The link is to the page that asks; it ends nothing by itself."""
        start(user)
        link = re.search(rf'href="({MANY}\?user=\d+)">Sign out everywhere', shown(root, user))
        assert link
        assert b"All sessions of ada" in root.get(link[1]).content
        assert AuthSession.objects.filter(revoked_at=None).count() == 1

    @pytest.mark.req("REQ-116")
    def test_is_offered_to_those_who_may(
        self, user: User, staff_with: Callable[..., Client]
    ) -> None:
        """With the permission to view alone the sessions are shown, and nothing is offered."""
        start(user)
        text = shown(staff_with("view_user", "view_authsession"), user)
        assert "All sessions of this user" in text
        assert "Sign out everywhere" not in text
        client = staff_with("view_user", "view_authsession", "revoke_authsession")
        assert "Sign out everywhere" in shown(client, user)

    @pytest.mark.req("REQ-123")
    def test_is_not_offered_for_superusers(
        self, staff: User, staff_with: Callable[..., Client]
    ) -> None:
        """To those who may not end theirs."""
        start(staff)
        client = staff_with("view_user", "view_authsession", "revoke_authsession")
        assert "Sign out everywhere" not in shown(client, staff)
        client = staff_with(
            *("view_user", "view_authsession"),
            *("revoke_authsession", "revoke_superuser_authsession"),
        )
        assert "Sign out everywhere" in shown(client, staff)


class TestWhoSees:
    @pytest.mark.req("REQ-116")
    @pytest.mark.parametrize("held", [("view_user",), ("change_user", "revoke_authsession")])
    def test_nobody_without_the_permission(
        self, user: User, staff_with: Callable[..., Client], held: tuple[str, ...]
    ) -> None:
        """Seeing users is not seeing where they are logged in."""
        start(user)
        assert shown(staff_with(*held), user) == ""

    def test_not_where_a_user_is_added(self, root: Client) -> None:
        """There is nobody yet."""
        text = root.get(reverse("admin:auth_user_add")).content.decode()
        assert SECTION not in text


class TestSaving:
    @pytest.mark.parametrize("with_inline", [False, True])
    def test_is_not_in_the_way(
        self, user: User, root: Client, monkeypatch: pytest.MonkeyPatch, *, with_inline: bool
    ) -> None:
        """A form that knows nothing of it saves the user, beside other inlines too."""
        session = start(user)
        inline = [GroupsInline] if with_inline else []
        monkeypatch.setattr(admin.site.get_model_admin(User), "inlines", inline)
        data = {
            "username": "ada",
            "email": "ada@example.com",
            "date_joined_0": "2025-01-01",
            "date_joined_1": "12:00:00",
            "is_active": "on",
        }
        data |= {"User_groups-TOTAL_FORMS": "0", "User_groups-INITIAL_FORMS": "0"}
        assert root.post(user_address(user), data).status_code == 302
        user.refresh_from_db()
        assert user.email == "ada@example.com"
        assert "authsession" not in LogEntry.objects.get().change_message.lower()
        session.refresh_from_db()
        assert session.user == user

    @pytest.mark.req("REQ-119")
    def test_takes_nothing(self, user: User, root: Client) -> None:
        """What a tampered form says about sessions is not even read."""
        session = start(user)
        data = {
            "username": "ada",
            "date_joined_0": "2025-01-01",
            "date_joined_1": "12:00:00",
            "is_active": "on",
            "auth_sessions-TOTAL_FORMS": "1",
            "auth_sessions-INITIAL_FORMS": "1",
            "auth_sessions-0-id": str(session.pk),
            "auth_sessions-0-user": str(user.pk),
            "auth_sessions-0-client": "changed",
            "auth_sessions-0-DELETE": "on",
        }
        assert root.post(user_address(user), data).status_code == 302
        session.refresh_from_db()
        assert session.client == "app"

    def test_a_wrong_form_is_shown_again_with_it(self, user: User, root: Client) -> None:
        """The sessions are there beside the errors."""
        session = start(user)
        text = root.post(user_address(user), {"username": ""}).content.decode()
        assert "Please correct" in text
        assert page(session) in text


class TestWhere:
    def test_beside_a_projects_own_inlines(self, user: User, staff: User) -> None:
        """By attribute, by get_inlines(), and by get_inline_instances(): behind them, once."""

        class ByAttribute(UserAdmin):
            inlines = (GroupsInline,)

        class ByMethod(UserAdmin):
            def get_inlines(self, request: Any, obj: Any) -> Any:
                return [GroupsInline]

        class ByInstances(UserAdmin):
            def get_inline_instances(self, request: Any, obj: Any = None) -> Any:
                return (GroupsInline(self.model, self.admin_site),)

        for own in (ByAttribute, ByMethod, ByInstances):
            site = admin.AdminSite(name="ops")
            site.register(User, own)
            assert inlines(site, staff, obj=user) == ["GroupsInline", "_SessionsInline"]
            assert inlines(site, staff) == ["GroupsInline"]
            assert not site.check(None)

    def test_no_class_is_touched(self) -> None:
        """Only the instance has it."""
        assert admin.ModelAdmin.get_inline_instances is UserAdmin.get_inline_instances
        assert UserAdmin.inlines == ()

    def test_by_the_mixin_once(self, user: User, staff: User) -> None:
        """Beside the automatic way."""

        class Mixed(RevokeSessionsMixin, UserAdmin):
            pass

        site = admin.AdminSite(name="ops")
        site.register(User, Mixed)
        assert inlines(site, staff, obj=user) == ["_SessionsInline"]

    def test_where_actions_are_switched_off(self, user: User, staff: User) -> None:
        """No action does not mean no sessions."""

        class Plain(admin.ModelAdmin):
            actions = None

        site = admin.AdminSite(name="ops")
        site.register(User, Plain)
        assert inlines(site, staff, obj=user) == ["_SessionsInline"]

    def test_for_a_proxy_of_the_user_model(self, user: User, root: Client) -> None:
        """A proxy is the same users, on a page of its own."""

        class Member(User):
            class Meta:
                proxy = True
                app_label = "auth"

        site = admin.AdminSite(name="ops")
        site.register(Member, UserAdmin)
        site.register(AuthSession, type(admin.site.get_model_admin(AuthSession)))
        try:
            session = start(user)
            with routed(site):
                found = root.get(f"/ops/auth/member/{user.pk}/change/").content.decode()
                assert f"/ops/tokenauth/authsession/{session.pk}/change/" in found
                assert f"/ops/tokenauth/authsession/revoke/?user={user.pk}" in found
        finally:
            Group._meta.apps.all_models["auth"].pop("member")
            Group._meta.apps.clear_cache()

    def test_on_a_site_without_sessions(self, user: User, root: Client) -> None:
        """They are shown, without links that would lead nowhere."""
        site = admin.AdminSite(name="ops")
        site.register(User, UserAdmin)
        start(user, device_name="phone")
        with routed(site):
            text = root.get(f"/ops/auth/user/{user.pk}/change/").content.decode()
        section = text.partition(SECTION)[2].partition("</ul>")[0]
        assert "<td>phone</td>" in section
        assert "href" not in section


class routed:  # noqa: N801 - a context manager
    """Mount a site at /ops/ meanwhile."""

    def __init__(self, site: admin.AdminSite) -> None:
        self._site, self._before = site, urls.urlpatterns

    def __enter__(self) -> None:
        urls.urlpatterns = [path("ops/", self._site.urls), *self._before]
        clear_url_caches()

    def __exit__(self, *_: object) -> None:
        urls.urlpatterns = self._before
        clear_url_caches()


class TestSetting:
    @override_settings(TOKENAUTH_ADMIN_USER_PAGES=False)
    def test_turns_it_off(self, user: User, root: Client) -> None:
        """No sessions on the page, no action on the list."""
        start(user)
        assert shown(root, user) == ""
        assert b"revoke_all_sessions" not in root.get(reverse("admin:auth_user_changelist")).content

    @override_settings(TOKENAUTH_ADMIN_USER_PAGES=False)
    def test_does_not_hold_for_the_mixin(self, user: User, staff: User) -> None:
        """Who asks for it explicitly gets it, on that page alone."""

        class Mixed(RevokeSessionsMixin, UserAdmin):
            pass

        site = admin.AdminSite(name="ops")
        site.register(User, Mixed)
        assert inlines(site, staff, obj=user) == ["_SessionsInline"]
        request = RequestFactory().get("/")
        request.user = staff
        assert "revoke_all_sessions" in site.get_model_admin(User).get_actions(request)
