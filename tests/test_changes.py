"""Changes of an account that end its sessions at once."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.conftest import PASSWORD, Clock
from tests.domain import end_reason, events, is_usable, row, start
from tokenauth.issuing import Tokens
from tokenauth.signals import session_revoked

EMAIL, PERMISSIONS = ("email",), ("permissions",)


@pytest.fixture
def tokens(user: User, clock: Clock) -> Tokens:
    """Ada's, after her login."""
    return start(user)


@pytest.fixture
def group(db: None) -> Group:
    """Editors, none yet."""
    return Group.objects.create(name="editors")


@pytest.fixture
def permission(db: None) -> Permission:
    """One that Django has."""
    return Permission.objects.order_by("pk")[0]


@pytest.fixture
def ends_on(settings: Any) -> Callable[..., None]:
    """``ends_on("email")`` sets which changes end sessions."""

    def choose(*names: str) -> None:
        settings.TOKENAUTH_END_SESSIONS_ON = names

    return choose


def reason_of(tokens: Tokens) -> str:
    """Return why the session was revoked, as it is stored; empty while it lives."""
    return row(tokens).revoked_reason


def save(user: User, *fields: str, **values: Any) -> None:
    """Change fields of a user and save them, or these alone."""
    for name, value in values.items():
        setattr(user, name, value)
    user.save(update_fields=fields or None)


@pytest.mark.req("REQ-23")
class TestDeactivation:
    @pytest.mark.parametrize("fields", [(), ("is_active",)])
    def test_ends_every_session_at_once(
        self, user: User, tokens: Tokens, received: Any, fields: tuple[str, ...]
    ) -> None:
        """By ``save()``, of all fields or of that one; with a reason of its own, and one signal."""
        calls = received(session_revoked)
        second = start(user)
        save(user, *fields, is_active=False)
        assert [reason_of(tokens), reason_of(second)] == ["deactivated"] * 2
        assert events("revoked") == [("revoked", "deactivated")]
        assert [(call["reason"], call["count"], call["user"]) for call in calls] == [
            ("deactivated", 2, user)
        ]
        assert end_reason(tokens) == "account"

    @pytest.mark.parametrize("check", ["session", "revocation-list", "signature"])
    def test_gives_none_back(self, user: User, tokens: Tokens, settings: Any, check: str) -> None:
        """An account that is active again has to log in again, whatever the check."""
        settings.TOKENAUTH_ACCESS_TOKEN_CHECK = check
        save(user, is_active=False)
        save(user, is_active=True)
        assert end_reason(tokens) == "account"

    def test_on_the_admins_page(self, user: User, tokens: Tokens, staff: User) -> None:
        """Taking the tick away is a ``save()``."""
        browser = Client()
        browser.force_login(staff)
        page = reverse("admin:auth_user_change", args=[user.pk])
        form = {"username": "ada", "date_joined_0": "2024-01-01", "date_joined_1": "00:00:00"}
        assert browser.post(page, form).status_code == 302
        assert reason_of(tokens) == "deactivated"

    def test_by_update_is_found_at_the_next_use(self, user: User, tokens: Tokens) -> None:
        """``QuerySet.update()`` sends no signal: refused at once, recorded at the refresh."""
        User.objects.update(is_active=False)
        assert not is_usable(tokens)
        assert end_reason(tokens) == "account"
        assert reason_of(tokens) == "deactivated"

    def test_that_is_not_saved_ends_nothing(self, user: User, tokens: Tokens) -> None:
        """An instance may say what the database does not."""
        save(user, "email", is_active=False)
        assert is_usable(tokens)

    def test_that_is_rolled_back_ends_nothing(self, user: User, tokens: Tokens) -> None:
        """It is in the transaction of the change."""
        with transaction.atomic():
            save(user, is_active=False)
            assert reason_of(tokens) == "deactivated"
            transaction.set_rollback(True)
        assert is_usable(tokens)

    def test_from_a_fixture_is_found_at_the_next_use(
        self, user: User, tokens: Tokens, tmp_path: Any
    ) -> None:
        """``loaddata`` saves what it was given and looks nothing up."""
        save(user, is_active=False)
        path = tmp_path / "users.json"
        call_command("dumpdata", "auth.user", output=str(path))
        save(user, is_active=True)
        later = start(user)
        call_command("loaddata", str(path), verbosity=0)
        assert reason_of(later) == ""
        assert not is_usable(later)


class TestOtherReasons:
    @pytest.mark.req("REQ-24")
    def test_password(self, user: User, tokens: Tokens) -> None:
        """A new password is refused at once, and recorded as such at the next refresh."""
        user.set_password("another")
        user.save()
        assert not is_usable(tokens)
        assert end_reason(tokens) == "account"
        assert reason_of(tokens) == "password"

    def test_deletion(self, user: User, tokens: Tokens) -> None:
        """A deleted user's sessions end in the deletion."""
        user.delete()
        assert reason_of(tokens) == "deleted"
        assert end_reason(tokens) == "account"

    def test_deletion_behind_djangos_back(self, user: User, tokens: Tokens) -> None:
        """One in SQL is found at the next use."""
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM auth_user WHERE id = %s", [user.pk])
        assert end_reason(tokens) == "account"
        assert reason_of(tokens) == "deleted"


class TestEmail:
    @pytest.mark.parametrize("fields", [(), ("email",)])
    def test_ends_every_session(
        self, user: User, tokens: Tokens, ends_on: Any, fields: tuple[str, ...]
    ) -> None:
        """A new address, by ``save()``: whoever reads the old mailbox is out."""
        ends_on("email")
        save(user, *fields, email="ada@example.org")
        assert reason_of(tokens) == "email"
        assert end_reason(tokens) == "account"
        assert not is_usable(tokens)

    def test_is_left_alone_by_default(self, user: User, tokens: Tokens, ends_on: Any) -> None:
        """Only if the project says so."""
        save(user, email="ada@example.org")
        assert is_usable(tokens)
        ends_on("permissions")
        save(user, email="ada@example.net")
        assert is_usable(tokens)

    @pytest.mark.parametrize("fields", [(), ("first_name",)])
    def test_that_stays_ends_nothing(
        self, user: User, tokens: Tokens, ends_on: Any, fields: tuple[str, ...]
    ) -> None:
        """Another field, or the same address again."""
        ends_on("email", "permissions")
        save(user, *fields, first_name="Ada", email=user.email)
        assert is_usable(tokens)

    def test_that_is_not_saved_ends_nothing(self, user: User, tokens: Tokens, ends_on: Any) -> None:
        """What the instance says counts only if it is saved, then and later."""
        ends_on("email")
        save(user, "first_name", email="ada@example.org")
        assert is_usable(tokens)
        save(user)
        assert not is_usable(tokens)

    def test_of_a_save_that_failed_is_forgotten(
        self, user: User, tokens: Tokens, ends_on: Any
    ) -> None:
        """What was to be saved then does not count when something else is saved later."""
        User.objects.create_user("bob")
        ends_on("email")
        with pytest.raises(IntegrityError), transaction.atomic():
            save(user, username="bob", email="ada@example.org")
        save(user, "first_name", first_name="Ada")
        assert is_usable(tokens)

    def test_is_the_field_that_the_model_names(
        self, user: User, tokens: Tokens, ends_on: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """``EMAIL_FIELD``, whatever it is called."""
        monkeypatch.setattr(User, "EMAIL_FIELD", "last_name")
        ends_on("email")
        save(user, email="ada@example.org")
        assert is_usable(tokens)
        save(user, last_name="ada@example.net")
        assert reason_of(tokens) == "email"

    def test_may_be_missing(
        self, user: User, tokens: Tokens, ends_on: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A user model without an address works."""
        monkeypatch.setattr(User, "EMAIL_FIELD", "nothing")
        ends_on("email")
        save(user, email="ada@example.org")
        assert is_usable(tokens)

    def test_of_an_instance_that_was_not_loaded_whole(
        self, user: User, tokens: Tokens, ends_on: Any
    ) -> None:
        """A deferred address is not saved, and not asked for."""
        ends_on("email")
        part = User.objects.only("first_name").get()
        save(part, first_name="Ada")
        assert is_usable(tokens)

    def test_of_another_ends_nothing(self, user: User, tokens: Tokens, ends_on: Any) -> None:
        """New users have no sessions, and take none from others."""
        ends_on("email", "permissions")
        User.objects.create_user("bob", "bob@example.org", PASSWORD)
        assert is_usable(tokens)


class TestPermissions:
    @pytest.mark.parametrize("name", ["is_staff", "is_superuser"])
    @pytest.mark.parametrize("before", [True, False])
    def test_flags(
        self,
        user: User,
        tokens: Tokens,
        ends_on: Any,
        name: str,
        before: bool,  # noqa: FBT001 - a parameter of the test
    ) -> None:
        """Given or taken, both ways."""
        User.objects.update(**{name: before})
        user.refresh_from_db()
        ends_on("permissions")
        save(user, **{name: not before})
        assert reason_of(tokens) == "permissions"
        assert end_reason(tokens) == "account"

    CHANGES: dict[str, Callable[[User, Group, Permission], object]] = {
        "add": lambda user, group, _: user.groups.add(group),
        "set": lambda user, group, _: user.groups.set([group]),
        "group add": lambda user, group, _: group.user_set.add(user),
        "permission add": lambda user, _, permission: user.user_permissions.add(permission),
        "permission side": lambda user, _, permission: permission.user_set.add(user),
    }

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_given(
        self,
        user: User,
        tokens: Tokens,
        group: Group,
        permission: Permission,
        ends_on: Any,
        change: Callable[[User, Group, Permission], object],
    ) -> None:
        """A group or a permission, from whichever side."""
        ends_on("permissions")
        other = start(User.objects.create_user("bob", password=PASSWORD))
        change(user, group, permission)
        assert reason_of(tokens) == "permissions"
        assert is_usable(other)

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_given_twice(
        self,
        user: User,
        tokens: Tokens,
        group: Group,
        permission: Permission,
        ends_on: Any,
        change: Callable[[User, Group, Permission], object],
    ) -> None:
        """What the user has already changes nothing."""
        change(user, group, permission)
        ends_on("permissions")
        change(user, group, permission)
        assert is_usable(tokens)

    LOSSES: dict[str, Callable[[User, Group], object]] = {
        "remove": lambda user, group: user.groups.remove(group),
        "clear": lambda user, _: user.groups.clear(),
        "set": lambda user, _: user.groups.set([]),
        "group remove": lambda user, group: group.user_set.remove(user),
        "group clear": lambda _, group: group.user_set.clear(),
    }

    @pytest.mark.parametrize("change", LOSSES.values(), ids=LOSSES)
    def test_taken(
        self,
        user: User,
        tokens: Tokens,
        group: Group,
        ends_on: Any,
        change: Callable[[User, Group], object],
    ) -> None:
        """A membership, from whichever side; a user who had none keeps the session."""
        group.user_set.add(user)
        other = start(User.objects.create_user("bob", password=PASSWORD))
        ends_on("permissions")
        change(user, group)
        assert reason_of(tokens) == "permissions"
        assert is_usable(other)

    @pytest.mark.parametrize("change", LOSSES.values(), ids=LOSSES)
    def test_that_were_not_there_end_nothing(
        self,
        user: User,
        tokens: Tokens,
        group: Group,
        ends_on: Any,
        change: Callable[[User, Group], object],
    ) -> None:
        """Leaving a group that the user is not in."""
        ends_on("permissions")
        change(user, group)
        assert is_usable(tokens)

    @pytest.mark.parametrize("name", ["remove", "clear", "set", "group remove"])
    def test_taken_from_one_member(
        self, user: User, tokens: Tokens, group: Group, ends_on: Any, name: str
    ) -> None:
        """Another member of the same group keeps the session."""
        bob = User.objects.create_user("bob", password=PASSWORD)
        group.user_set.set([user, bob])
        other = start(bob)
        ends_on("permissions")
        self.LOSSES[name](user, group)
        assert reason_of(tokens) == "permissions"
        assert is_usable(other)

    def test_of_another_group_end_nothing(
        self, user: User, tokens: Tokens, group: Group, ends_on: Any
    ) -> None:
        """A member of one group who is taken out of another, where she never was."""
        group.user_set.add(user)
        ends_on("permissions")
        user.groups.remove(Group.objects.create(name="writers"))
        assert is_usable(tokens)

    def test_are_left_alone_by_default(
        self, user: User, tokens: Tokens, group: Group, ends_on: Any
    ) -> None:
        """Only if the project says so."""
        ends_on("email")
        save(user, is_staff=True)
        user.groups.add(group)
        group.user_set.clear()
        assert is_usable(tokens)

    def test_of_many_members(self, clock: Clock, group: Group, ends_on: Any) -> None:
        """A group that is emptied ends the sessions of all its members, each told apart."""
        members = [User.objects.create_user(f"user{n}") for n in range(5)]
        group.user_set.set(members)
        found = [start(member) for member in members[:3]]
        ends_on("permissions")
        group.user_set.clear()
        assert [reason_of(each) for each in found] == ["permissions"] * 3
        assert len(events("revoked")) == 3

    def test_that_are_rolled_back_end_nothing(
        self, user: User, tokens: Tokens, group: Group, ends_on: Any
    ) -> None:
        """In the transaction of the change, as for the rest."""
        ends_on("permissions")
        with transaction.atomic():
            user.groups.add(group)
            assert reason_of(tokens) == "permissions"
            transaction.set_rollback(True)
        assert is_usable(tokens)

    def test_deactivation_is_what_it_was(self, user: User, tokens: Tokens, ends_on: Any) -> None:
        """One save that does it all has one reason, the gravest."""
        ends_on("email", "permissions")
        save(user, email="x@example.org", is_staff=True, is_active=False)
        assert reason_of(tokens) == "deactivated"


class TestCost:
    def statements(self, act: Callable[[], object]) -> list[str]:
        """Return what an act asks of the tables of users and sessions."""
        with CaptureQueriesContext(connection) as captured:
            act()
        return [query["sql"] for query in captured.captured_queries if "auth" in query["sql"]]

    @pytest.mark.parametrize("fields", [(), ("email",), ("last_login",), ("is_staff",)])
    def test_of_a_save_is_none_when_off(self, user: User, fields: tuple[str, ...]) -> None:
        """One UPDATE of the user, as without this app."""
        assert len(self.statements(lambda: save(user, *fields))) == 1

    def test_of_a_save_of_a_part_is_none(self, user: User) -> None:
        """Nothing is loaded for our sake: neither whether the user is active nor the rest."""
        part = User.objects.only("first_name").get()
        assert len(self.statements(lambda: save(part, first_name="Ada"))) == 1

    @pytest.mark.parametrize(
        ("fields", "count"), [((), 2), (("email",), 2), (("last_login",), 1), (("first_name",), 1)]
    )
    def test_of_a_save_is_one_when_on(
        self, user: User, ends_on: Any, fields: tuple[str, ...], count: int
    ) -> None:
        """One SELECT before, and only if what is watched is being saved."""
        ends_on("email", "permissions")
        assert len(self.statements(lambda: save(user, *fields))) == count
