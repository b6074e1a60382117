"""Revoking all sessions of users, from whatever page the project has for them."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import clear_url_caches, path, reverse

from tests import urls
from tests.conftest import Api
from tests.test_admin import root, staff_with, start
from tests.test_admin_revoking import YES, messages_of
from tokenauth import sessions
from tokenauth.admin import AuthSessionAdmin, RevokeSessionsMixin, revoke_all_sessions, revoking
from tokenauth.models import AuthEvent, AuthSession, EventType

__all__ = ["root", "staff_with"]  # fixtures

USERS = "/admin/auth/user/"


def revoke_all(client: Client, *users: Any, **more: Any) -> HttpResponse:
    """Answer the question about all sessions of these users."""
    data = {"action": "revoke_all_sessions", "_selected_action": [str(user.pk) for user in users]}
    return client.post(USERS, YES | data | more)  # type: ignore[return-value]  # test client


def living() -> set[Any]:
    """Return the keys of the users who have a session that was not revoked."""
    return set(AuthSession.objects.filter(revoked_at=None).values_list("user_id", flat=True))


def offered(site: admin.AdminSite, user: Any) -> bool:
    """Return whether the page of users on a site offers the action to ``user``."""
    request = RequestFactory().get("/")
    request.user = user
    return "revoke_all_sessions" in site.get_model_admin(User).get_actions(request)


def actions_on(site: admin.AdminSite, model: Any) -> list[Any]:
    """Return the actions of whatever a model is registered with on a site."""
    return [*(site.get_model_admin(model).actions or ())]


class TestRevokeAllSessions:
    def test_it_asks_first(self, user: User, root: Client) -> None:
        """Choosing the action ends nothing, and the question is truthful about Django's own."""
        start(user)
        text = revoke_all(root, user, confirmed=[]).content.decode()
        assert "access tokens that are already out" in text
        assert "own sessions" in text
        assert living() == {user.pk}

    @pytest.mark.req("REQ-117", "REQ-43")
    def test_all_of_these_users_and_nobody_elses(self, user: User, app: Api, root: Client) -> None:
        """Every session of the users who were selected ends at once, and no other."""
        bob, eve = (User.objects.create_user(name) for name in ("bob", "eve"))
        for owner in (user, bob, bob, eve):
            start(owner)
        response = revoke_all(root, user, bob)
        assert living() == {eve.pk}
        assert app.whoami().status_code == 401
        level, text = messages_of(response)[-1]
        assert (level, text.split()[0]) == ("success", "4")

    @pytest.mark.req("REQ-121")
    def test_one_entry_for_each_user(self, user: User, staff: User, root: Client) -> None:
        """The user's history and one event say who, how many and why."""
        start(user), start(user)
        revoke_all(root, user)
        entry = LogEntry.objects.get()
        assert (entry.user, entry.object_id) == (staff, str(user.pk))
        assert "2" in entry.change_message
        assert "Ticket 4711" in entry.change_message
        event = AuthEvent.objects.get(type=EventType.REVOKED)
        assert (event.user, event.actor, event.reason) == (user, staff, "lost")
        assert event.ip == "127.0.0.1"
        history = root.get(reverse("admin:auth_user_history", args=[user.pk])).content.decode()
        assert "device lost or stolen (Ticket 4711)" in history

    @pytest.mark.req("REQ-49")
    def test_nothing_to_end_is_said(self, user: User, root: Client) -> None:
        """A user without a session: a warning, and no history entry."""
        assert [level for level, _ in messages_of(revoke_all(root, user))] == ["warning"]
        assert not LogEntry.objects.exists()

    def test_the_admins_own_sessions_go_on(self, staff: User, root: Client) -> None:
        """As the page says: whoever revokes their own API sessions is still in the admin."""
        start(staff)
        revoke_all(root, staff, own="on")
        assert living() == set()
        assert root.get(USERS).status_code == 200

    @pytest.mark.req("REQ-116")
    def test_it_needs_the_permission(self, user: User, staff_with: Callable[..., Client]) -> None:
        """With change_user but without revoke_authsession: not offered, and nothing ends."""
        start(user)
        client = staff_with("view_user", "change_user")
        assert "revoke_all_sessions" not in client.get(USERS).content.decode()
        revoke_all(client, user)
        assert living() == {user.pk}

    @pytest.mark.req("REQ-116")
    def test_the_permission_is_enough(self, user: User, staff_with: Callable[..., Client]) -> None:
        """Staff who see users and may revoke can, without being allowed to change users."""
        start(user)
        client = staff_with("view_user", "revoke_authsession")
        assert "revoke_all_sessions" in client.get(USERS).content.decode()
        revoke_all(client, user)
        assert living() == set()

    @pytest.mark.req("REQ-116")
    def test_superusers_are_left_alone(
        self, user: User, staff: User, staff_with: Callable[..., Client]
    ) -> None:
        """Staff end the sessions of the others, and the page says what it left."""
        start(user), start(staff)
        client = staff_with("view_user", "revoke_authsession")
        assert "root" in revoke_all(client, user, staff, confirmed=[]).content.decode()
        response = revoke_all(client, user, staff)
        assert [level for level, _ in messages_of(response)] == ["warning", "success"]
        assert living() == {staff.pk}

    def test_superusers_alone(self, staff: User, staff_with: Callable[..., Client]) -> None:
        """With nobody else selected there is nothing to ask, and nothing ends."""
        start(staff)
        client = staff_with("view_user", "revoke_authsession")
        assert [level for level, _ in messages_of(revoke_all(client, staff))] == ["warning"]
        assert living() == {staff.pk}

    def test_too_many_are_refused(
        self, user: User, staff: User, root: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """More than the limit: an error, and nothing ends."""
        start(user)
        monkeypatch.setattr("tokenauth.admin.users.MAX_SELECTED", 1)
        response = revoke_all(root, user, staff)
        assert [level for level, _ in messages_of(response)] == ["error"]
        assert living() == {user.pk}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("atomic", [False, True])
class TestBusyDatabase:
    def test_only_what_is_committed_is_told(
        self, user: User, staff: User, monkeypatch: pytest.MonkeyPatch, *, atomic: bool
    ) -> None:
        """The second of two users fails: what the page counts is what is in the database."""
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic)
        bob = User.objects.create_user("bob")
        start(user), start(bob)
        client = Client()
        client.force_login(staff)
        end = sessions.revoke_user_sessions

        def refuse(owner: Any, **facts: Any) -> int:
            if owner == user:
                return end(owner, **facts)
            raise OperationalError("deadlock detected")

        monkeypatch.setattr(revoking, "revoke_user_sessions", refuse)
        response = revoke_all(client, user, bob)
        assert response.status_code == 302
        levels = [level for level, _ in messages_of(response)]
        assert levels == (["error"] if atomic else ["error", "success"])
        assert living() == ({user.pk, bob.pk} if atomic else {bob.pk})
        assert LogEntry.objects.count() == (0 if atomic else 1)

    def test_it_commits(
        self, user: User, staff: User, monkeypatch: pytest.MonkeyPatch, *, atomic: bool
    ) -> None:
        """With and without a transaction around the request, the sessions are over."""
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic)
        start(user)
        client = Client()
        client.force_login(staff)
        revoke_all(client, user)
        assert living() == set()


class TestWhereItIsOffered:
    def test_on_a_site_of_the_projects_own(self, staff: User) -> None:
        """Any AdminSite, however late it is made."""
        site = admin.AdminSite(name="ops")
        site.register(User, UserAdmin)
        assert offered(site, staff)

    @pytest.mark.req("REQ-117")
    def test_its_pages_stay_on_that_site(
        self, user: User, staff: User, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Sessions registered on a site of the project's own are revoked there."""
        site = admin.AdminSite(name="ops")
        site.register(AuthSession, AuthSessionAdmin)
        routes = [path("ops/", site.urls), *urls.urlpatterns]
        monkeypatch.setattr(urls, "urlpatterns", routes)
        clear_url_caches()
        try:
            client.force_login(staff)
            session = start(user)
            address = f"/ops/tokenauth/authsession/{session.pk}"
            assert f"{address}/revoke/" in client.get(f"{address}/change/").content.decode()
            assert 'href="/admin/' not in client.get(f"{address}/revoke/").content.decode()
            assert client.post(f"{address}/revoke/", YES)["Location"] == f"{address}/change/"
            assert client.get(f"/ops/tokenauth/authsession/{'x' * 64}/change/")["Location"] == (
                "/ops/tokenauth/authsession/"
            )
        finally:
            clear_url_caches()

    def test_after_another_registration(self, staff: User) -> None:
        """A project that replaces the ModelAdmin of its users keeps the action."""
        site = admin.AdminSite(name="ops")
        site.register(User, UserAdmin)
        site.unregister(User)

        class Own(UserAdmin):
            actions = ("export",)

            @admin.action(description="Export")
            def export(self, request: Any, queryset: Any) -> None:
                """Do something of the project's own."""

        site.register(User, Own)
        assert offered(site, staff)
        assert Own.actions == ("export",)

    def test_the_classes_of_the_project_are_not_touched(self) -> None:
        """Only the instance has the action: Django's own class is as it was."""
        assert not UserAdmin.__dict__.get("actions")
        assert list(admin.ModelAdmin.__dict__["actions"]) == []
        assert not hasattr(UserAdmin, "has_revoke_sessions_permission")

    def test_for_a_proxy_of_the_user_model(self, staff: User) -> None:
        """A proxy is the same users."""

        class Member(User):
            class Meta:
                proxy = True
                app_label = "auth"

        try:
            site = admin.AdminSite(name="ops")
            site.register(Member, UserAdmin)
            assert actions_on(site, Member) == [revoke_all_sessions]
        finally:
            Group._meta.apps.all_models["auth"].pop("member")
            Group._meta.apps.clear_cache()

    def test_not_for_other_models(self, staff: User) -> None:
        """Groups are no users."""
        site = admin.AdminSite(name="ops")
        site.register(Group)
        assert actions_on(site, Group) == []

    def test_not_where_actions_are_switched_off(self) -> None:
        """A project that sets actions = None wants none."""

        class Plain(admin.ModelAdmin):
            actions = None

        site = admin.AdminSite(name="ops")
        site.register(User, Plain)
        assert site.get_model_admin(User).actions is None

    def test_by_the_mixin_once(self, staff: User) -> None:
        """The mixin offers the same action, and beside the automatic way it is there once."""

        class Mixed(RevokeSessionsMixin, UserAdmin):
            pass

        alone: Any = Mixed(User, admin.AdminSite(name="alone"))
        assert list(alone.actions) == [revoke_all_sessions]
        site = admin.AdminSite(name="ops")
        site.register(User, Mixed)
        assert actions_on(site, User) == [revoke_all_sessions]

    def test_djangos_checks_pass(self) -> None:
        """An action with a permission needs a method of that name, which the instance has."""
        site = admin.AdminSite(name="ops")
        site.register(User, UserAdmin)
        assert not site.check(None)

    @pytest.mark.parametrize(
        "order",
        [
            "django.contrib.admin django.contrib.auth tokenauth",
            "tokenauth django.contrib.admin django.contrib.auth",
            "django.contrib.auth tokenauth django.contrib.admin",
            "django.contrib.auth django.contrib.admin tokenauth",
        ],
    )
    def test_in_whatever_order_of_installed_apps(self, order: str) -> None:
        """Before and after the admin, and before and after the app that registers its users."""
        program = f"""
import django
from django.conf import settings
apps = [*{order!r}.split(), "django.contrib.contenttypes", "django.contrib.sessions",
        "django.contrib.messages", "rest_framework"]
settings.configure(INSTALLED_APPS=apps, SECRET_KEY="order", USE_TZ=True)
django.setup()
from django.contrib import admin
from django.contrib.auth.models import User
actions = admin.site.get_model_admin(User).actions
print([action.__name__ for action in actions])
"""
        run = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == "['revoke_all_sessions']"
