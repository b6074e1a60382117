"""A user of whom only the key is known."""

import copy
import pickle
from typing import Any

import pytest
from django.contrib.auth.models import User, UserManager

from tests.test_statement_counts import counting
from tokenauth.exceptions import AccessInvalid
from tokenauth.lazy_user import lazy_user, refuse_with


def test_is_a_user_without_a_query(user: User):
    """Of the real class, with a real key, equal to the row's, authenticated."""
    with counting() as count:
        found = lazy_user(str(user.pk))
        assert type(found) is User
        assert (found.pk, found.id) == (user.pk, user.pk)
        assert found == user
        assert found.is_authenticated
    assert count.total == 0


def test_the_first_field_loads_all(user: User):
    """In one query, the user's properties and methods included."""
    found = lazy_user(str(user.pk))
    with counting() as count:
        assert found.username == "ada"
        assert found.email == user.email
        assert found.get_username() == "ada"
        assert found.is_active
    assert count.total == 1


@pytest.mark.parametrize("how", ["gone", "inactive"])
def test_refuses_a_user_who_is_no_more(user: User, how: str):
    """Each time that it is asked."""
    found = lazy_user(str(user.pk))
    if how == "gone":
        User.objects.all().delete()
    else:
        User.objects.update(is_active=False)
    for _ in range(2):
        with pytest.raises(AccessInvalid):
            _ = found.username


def test_refuses_a_user_whom_the_default_manager_hides(user: User, monkeypatch: pytest.MonkeyPatch):
    """As a project that deletes softly has it."""

    class Visible(UserManager):
        def get_queryset(self) -> Any:
            return super().get_queryset().exclude(username="ada")

    manager = Visible()
    manager.model = User
    monkeypatch.setattr(type(User), "_default_manager", manager, raising=False)
    with pytest.raises(AccessInvalid):
        _ = lazy_user(str(user.pk)).username


@pytest.mark.parametrize(
    "subject", ["", "0x1", "01", " 1", "1 ", "1.0", "\u0661", "None", "ada", "-", "1" * 5000]
)
def test_refuses_what_is_no_key(db: None, subject: str):
    """One spelling only, and no error of the database."""
    with counting() as count, pytest.raises(AccessInvalid):
        lazy_user(subject)
    assert count.total == 0


def test_keeps_what_was_set(user: User):
    """A view may set a field before it asks for another."""
    found = lazy_user(str(user.pk))
    found.first_name = "Augusta"
    assert found.username == "ada"
    assert found.first_name == "Augusta"


def test_can_be_read_again(user: User):
    """``refresh_from_db()`` is the model's own, before the first field and after it."""
    found = lazy_user(str(user.pk))
    found.refresh_from_db()
    User.objects.update(first_name="Augusta")
    found.refresh_from_db()
    assert found.first_name == "Augusta"


def test_can_be_saved(user: User):
    """As any user."""
    found = lazy_user(str(user.pk))
    found.first_name = "Augusta"
    found.save()
    user.refresh_from_db()
    assert (user.first_name, user.username) == ("Augusta", "ada")


def test_can_be_copied(user: User):
    """Before it is loaded too."""
    assert copy.deepcopy(lazy_user(str(user.pk))).username == "ada"


def test_can_be_pickled(user: User):
    """Before it is loaded too: caches and task queues do."""
    pickled = pickle.dumps(lazy_user(str(user.pk)))
    assert pickle.loads(pickled).username == "ada"  # noqa: S301 - made in the line above


class Gone(Exception):
    pass


def test_refuses_with_what_the_caller_chose(user: User):
    """A framework's own exception, for example."""
    found = lazy_user(str(user.pk))
    refuse_with(found, lambda _message: Gone())
    User.objects.all().delete()
    with pytest.raises(Gone):
        _ = found.username


def test_leaves_other_users_alone(user: User):
    """One that was loaded has nothing to refuse."""
    refuse_with(user, lambda _message: Gone())
    assert user.username == "ada"
