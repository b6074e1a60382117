"""Sessions end with the account that authenticated, by whatever path it changed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse

from tests.conftest import PASSWORD, Api, Clock
from tests.domain import end_reason, is_refreshed, is_usable, refresh, row, start
from tokenauth.accounts import AuthHash, auth_hash, compare_auth_hash

NEW = "another horse, another battery"


class WeakHasher(PBKDF2PasswordHasher):
    """Django's hasher as it was some releases ago."""

    iterations = 1


class StrongHasher(PBKDF2PasswordHasher):
    """Django's hasher after an upgrade."""

    iterations = 2


def set_password(user: User) -> None:
    """Change the password as Django's documentation says."""
    user.set_password(NEW)
    user.save()


def set_password_alone(user: User) -> None:
    """Save that field alone, as password forms may."""
    user.set_password(NEW)
    user.save(update_fields=["password"])


def assign_hash(user: User) -> None:
    """Assign a hash."""
    user.password = make_password(NEW)
    user.save(update_fields=["password"])


def update(user: User) -> None:
    """Change it in bulk, without a signal."""
    User.objects.filter(pk=user.pk).update(password=make_password(NEW))


def update_and_reload(user: User) -> None:
    """Change it in bulk, and look again."""
    update(user)
    user.refresh_from_db()


def change_in_admin(user: User) -> None:
    """Change it on the admin's page."""
    root = User.objects.create_superuser("admin", password=PASSWORD)
    browser = Client()
    browser.force_login(root)
    page = reverse("admin:auth_user_password_change", args=[user.pk])
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert browser.post(page, form).status_code == 302


def deactivate_by_save(user: User) -> None:
    """Deactivate by ``save()``."""
    user.is_active = False
    user.save()


def deactivate_by_update(user: User) -> None:
    """Deactivate in bulk."""
    User.objects.filter(pk=user.pk).update(is_active=False)


def deactivate_by_sql(user: User) -> None:
    """Deactivate behind Django's back."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE auth_user SET is_active = %s WHERE id = %s", [False, user.pk])


def delete(user: User) -> None:
    """Delete the instance."""
    user.delete()


def delete_in_bulk(user: User) -> None:
    """Delete by a query."""
    User.objects.filter(pk=user.pk).delete()


def delete_by_sql(user: User) -> None:
    """Delete behind Django's back."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM auth_user WHERE id = %s", [user.pk])


def check(change: Callable[[User], None], user: User) -> None:
    """Change one account; its two sessions end, and another user's goes on."""
    other = start(get_user_model().objects.create_user("bob", password=PASSWORD))
    refreshed, used = start(user), start(user)
    change(user)

    assert not is_usable(used)
    assert end_reason(refreshed) == "account"
    assert not is_usable(refreshed)
    assert is_usable(other)
    assert is_refreshed(other)


@pytest.mark.req("REQ-24")
@pytest.mark.parametrize(
    "change", [set_password, set_password_alone, assign_hash, update, change_in_admin]
)
def test_password(user: User, clock: Clock, change: Callable[[User], None]):
    """A new password ends every session, at the next refresh and the next API request."""
    check(change, user)


@pytest.mark.req("REQ-23")
@pytest.mark.parametrize("change", [deactivate_by_save, deactivate_by_update, deactivate_by_sql])
def test_deactivation(user: User, clock: Clock, change: Callable[[User], None]):
    """So does deactivation."""
    check(change, user)


@pytest.mark.req("REQ-23", "REQ-120")
@pytest.mark.parametrize("change", [delete, delete_in_bulk, delete_by_sql])
def test_deletion(user: User, clock: Clock, change: Callable[[User], None]):
    """So does deletion."""
    check(change, user)


class TestSecretKey:
    def test_moved_to_the_fallbacks(self, user: User, clock: Clock, settings: Any):
        """With a new SECRET_KEY and the old one a fallback, every session goes on."""
        tokens = start(user)
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "new" * 20
        assert is_usable(tokens)
        clock.advance(hours=1)
        renewed = refresh(tokens)

        assert compare_auth_hash(user, row(renewed).auth_hash) is AuthHash.CURRENT
        settings.SECRET_KEY_FALLBACKS = []
        assert is_usable(renewed)
        clock.advance(hours=1)
        assert is_refreshed(renewed)

    def test_dropped(self, user: User, clock: Clock, settings: Any):
        """Without the old key as a fallback, nothing made under it is believed."""
        tokens = start(user)
        settings.SECRET_KEY = "new" * 20

        assert not is_usable(tokens)
        assert not is_refreshed(tokens)

    def test_keys_of_their_own(self, user: User, clock: Clock, settings: Any):
        """A new refresh key verifies the tokens of the old one while that is listed."""
        old, new = bytes(range(32)), bytes(range(32, 64))
        settings.TOKENAUTH_REFRESH_KEYS = [old]
        tokens = start(user)
        settings.TOKENAUTH_REFRESH_KEYS = [new, old]
        clock.advance(hours=1)
        renewed = refresh(tokens)
        settings.TOKENAUTH_REFRESH_KEYS = [new]
        clock.advance(hours=1)

        assert is_refreshed(renewed)
        assert not is_refreshed(tokens)


class TestCompare:
    def test_user_model_without_hash(self):
        """A user model without session auth hashes has the empty one, which stays current."""
        assert auth_hash(object()) == ""
        assert compare_auth_hash(object(), "") is AuthHash.CURRENT
        assert compare_auth_hash(object(), "x") is AuthHash.CHANGED


@pytest.fixture
def upgraded(settings: Any, clock: Clock, db: None) -> User:
    """Ada, whose password has a weak hash; the hasher has become stronger since."""
    settings.PASSWORD_HASHERS = [f"{__name__}.WeakHasher"]
    return get_user_model().objects.create_user("ada", password=PASSWORD)


def upgrade(settings: Any) -> None:
    """Raise the iterations."""
    settings.PASSWORD_HASHERS = [f"{__name__}.StrongHasher"]


def log_in_here() -> None:
    """Log in at our endpoint."""
    assert Api().login().status_code == 200


def log_in_to_admin() -> None:
    """Log in by Django's own view."""
    form = {"username": "ada", "password": PASSWORD}
    assert Client().post(reverse("admin:login"), form).status_code == 302


class TestRehash:
    @pytest.mark.parametrize("log_in", [log_in_here, log_in_to_admin])
    def test_other_sessions_go_on(
        self, upgraded: User, clock: Clock, settings: Any, log_in: Callable[[], None]
    ):
        """When a login re-hashes an unchanged password, every other session goes on."""
        User.objects.update(is_staff=True)
        tokens = start(upgraded)
        upgrade(settings)
        log_in()

        changed = User.objects.get(pk=upgraded.pk)
        assert changed.password != upgraded.password
        assert is_usable(tokens)
        clock.advance(hours=1)
        assert is_refreshed(tokens)

    def test_under_a_fallback(self, upgraded: User, clock: Clock, settings: Any):
        """Also a session whose hash was made under a fallback of SECRET_KEY."""
        tokens = start(upgraded)
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "new" * 20
        upgrade(settings)
        log_in_here()

        assert is_usable(tokens)

    def test_ended_sessions_stay_ended(self, upgraded: User, clock: Clock, settings: Any):
        """A session from before an earlier change of password is not revived."""
        tokens = start(upgraded)
        settings.PASSWORD_HASHERS = [f"{__name__}.WeakHasher"]
        User.objects.update(password=make_password(PASSWORD))
        upgrade(settings)
        log_in_here()

        assert not is_usable(tokens)

    @pytest.mark.req("REQ-24")
    @pytest.mark.parametrize(
        "change", [set_password, set_password_alone, assign_hash, update_and_reload]
    )
    @pytest.mark.parametrize("hasher", ["WeakHasher", "StrongHasher"])
    def test_a_change_carries_nothing(
        self,
        upgraded: User,
        clock: Clock,
        settings: Any,
        change: Callable[[User], None],
        hasher: str,
    ):
        """A view that checks the old password, sets a new one and logs in again ends the rest.

        Also when checking the old password has just re-hashed it, in the same instance.
        """
        tokens = start(upgraded)
        settings.PASSWORD_HASHERS = [f"{__name__}.{hasher}"]
        assert upgraded.check_password(PASSWORD)
        change(upgraded)
        user_logged_in.send(User, request=RequestFactory().get("/"), user=upgraded)

        assert not is_usable(tokens)

    def test_second_change_in_one_instance(self, upgraded: User, clock: Clock):
        """A hash assigned to an instance that has saved a password before is a change."""
        tokens = start(upgraded)
        upgraded.set_password(PASSWORD)
        upgraded.save()
        later = start(upgraded)
        assign_hash(upgraded)
        user_logged_in.send(User, request=RequestFactory().get("/"), user=upgraded)

        assert not is_usable(tokens)
        assert not is_usable(later)
