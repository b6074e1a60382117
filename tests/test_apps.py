from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core import checks
from django.db.models.signals import pre_delete, pre_save
from django.test import override_settings

from tests.checks.test_all import JUNK
from tests.conftest import PASSWORD, Api
from tokenauth import receivers
from tokenauth.apps import TokenAuthConfig
from tokenauth.conf import SETTINGS
from tokenauth.models import AuthSession, RevokedReason

DEFAULT_HASHER = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
TEST_HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"


@pytest.fixture
def customers() -> Iterator[type[User]]:
    """Give the project a proxy of its user model, as one that has an admin of "customers"."""

    class Customer(User):
        class Meta:
            app_label = "auth"
            proxy = True

    receivers.connect()
    yield Customer
    for signal in (pre_save, pre_delete):
        signal.disconnect(sender=Customer, dispatch_uid="tokenauth")
    del apps.all_models["auth"]["customer"]
    apps.clear_cache()


class TestConfig:
    def test_sets_the_key_of_its_tables(self) -> None:
        """The project's DEFAULT_AUTO_FIELD is not ours."""
        assert (
            apps.get_app_config("tokenauth").default_auto_field == "django.db.models.BigAutoField"
        )

    def test_is_found_by_its_name(self) -> None:
        """``"tokenauth"`` in INSTALLED_APPS is enough."""
        assert type(apps.get_app_config("tokenauth")) is TokenAuthConfig

    def test_registers_its_checks(self) -> None:
        """They run by a tag of their own."""
        assert checks.tag_exists("tokenauth")
        assert checks.tag_exists("tokenauth", include_deployment_checks=True)

    def test_starts_whatever_is_in_the_settings(self) -> None:
        """Nothing is read while the project starts: a wrong setting is a message, no traceback."""
        config = apps.get_app_config("tokenauth")
        for junk in JUNK:
            with override_settings(**{f"TOKENAUTH_{name}": junk for name in SETTINGS}):
                config.ready()

    def test_connects_once(self, user: User) -> None:
        """ready() twice, as some test runners do, does not count anything twice."""
        count = len(pre_delete.receivers)
        apps.get_app_config("tokenauth").ready()
        assert len(pre_delete.receivers) == count


class TestUserModel:
    def test_is_heard_when_a_user_is_deleted(self, browser: Api, user: User) -> None:
        """The sessions stay, ended and without personal data."""
        user.delete()
        session = AuthSession.objects.get()
        assert (session.revoked_reason, session.last_ip) == (RevokedReason.DELETED, None)

    def test_is_heard_through_a_proxy(
        self, browser: Api, user: User, customers: type[User]
    ) -> None:
        """Deleting a "customer" is deleting a user."""
        customers.objects.get(pk=user.pk).delete()
        session = AuthSession.objects.get()
        assert (session.revoked_reason, session.last_ip) == (RevokedReason.DELETED, None)

    def test_is_heard_through_a_proxy_in_bulk(
        self, browser: Api, user: User, customers: type[User]
    ) -> None:
        """So is a QuerySet of them."""
        customers.objects.filter(pk=user.pk).delete()
        session = AuthSession.objects.get()
        assert (session.revoked_reason, session.last_ip) == (RevokedReason.DELETED, None)

    def test_is_the_only_one_that_is_heard(self) -> None:
        """Other models keep Django's deletion in one statement."""
        session_model: Any = apps.get_model("sessions", "Session")
        assert not pre_delete.has_listeners(session_model)
        assert not pre_save.has_listeners(session_model)

    def test_that_is_rehashed_at_a_login_keeps_its_other_sessions(
        self, browser: Api, new_api: Any
    ) -> None:
        """A Django upgrade raises the iterations; the first login after it ends nothing."""
        with override_settings(PASSWORD_HASHERS=[DEFAULT_HASHER, TEST_HASHER]):
            assert new_api().login(password=PASSWORD).status_code == 200
            assert User.objects.get().password.startswith("pbkdf2")
            assert browser.refresh().status_code == 200
