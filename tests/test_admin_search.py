"""What the search box of sessions finds, and which fields of a user model it looks at."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.test import Client
from django.test.utils import isolate_apps

from tests.conftest import Clock
from tests.console import listed, make, save, statements
from tests.test_admin import root
from tokenauth.admin import search
from tokenauth.models import AuthSession

__all__ = ["root"]  # a fixture


@isolate_apps("tokenauth")
def user_model(name: str, fields: dict[str, Any], **more: Any) -> Any:
    """Make a user model that logs in by ``login``."""
    members = {**fields, **more, "USERNAME_FIELD": "login", "__module__": __name__}
    return type(name, (models.Model,), members | {"Meta": type("Meta", (), {"app_label": "x"})})


class TestNameFields:
    @pytest.mark.parametrize(
        ("fields", "searched"),
        [
            ({"login": models.CharField(), "email": models.EmailField()}, ["login", "email"]),
            ({"login": models.CharField()}, ["login"]),
            ({"login": models.UUIDField(), "email": models.TextField()}, ["email"]),
            ({"login": models.IntegerField()}, []),
        ],
    )
    def test_text_that_people_know_a_user_by(
        self, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], searched: list[str]
    ) -> None:
        """The field to log in by and the e-mail address, where there are such, and only text."""
        model = user_model("Person", fields)
        monkeypatch.setattr(search, "get_user_model", lambda: model)
        assert search._name_fields("@") == searched

    def test_an_email_field_of_another_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A model says itself where its e-mail address is."""
        fields = {"login": models.CharField(), "mail": models.EmailField()}
        model = user_model("Mailed", fields, get_email_field_name=classmethod(lambda cls: "mail"))
        monkeypatch.setattr(search, "get_user_model", lambda: model)
        assert search._name_fields("@") == ["login", "mail"]

    @pytest.mark.parametrize("more", [{"unique": True}, {"db_index": True}])
    def test_an_indexed_email_address_is_always_searched(
        self, monkeypatch: pytest.MonkeyPatch, more: dict[str, bool]
    ) -> None:
        """Where it costs no scan, its beginning needs no "@"."""
        email: Any = models.EmailField(**more)  # type: ignore[arg-type]  # only flags
        fields = {"login": models.CharField(), "email": email}
        model = user_model("Indexed", fields)
        monkeypatch.setattr(search, "get_user_model", lambda: model)
        assert search._name_fields("ada") == ["login", "email"]

    def test_an_email_address_without_index_is_searched_for_an_at(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every user would be read for it."""
        model = user_model("Plain", {"login": models.CharField(), "email": models.EmailField()})
        monkeypatch.setattr(search, "get_user_model", lambda: model)
        assert search._name_fields("ada") == ["login"]


class TestFinds:
    @pytest.fixture
    def rows(self, clock: Clock, db: None) -> dict[str, AuthSession]:
        """A session of each of some people, by name."""
        found = {}
        people = ("ada", "Ada.King", "adam", "bob", "EVE", "a%_x")
        for number, name in enumerate(people):
            user = User.objects.create_user(name, email=f"{name.lower()}@example.org")
            ip = f"10.{number}.0.1"
            found[name] = make(clock, user, first_ip=ip, last_ip=f"2001:db8:{number}::1")
        save(found.values())
        return found

    @pytest.mark.parametrize(
        ("term", "names"),
        [
            ("ada", {"ada", "Ada.King", "adam"}),
            ("ADA", {"ada", "Ada.King", "adam"}),
            ("adam", {"adam"}),
            ("  bob  ", {"bob"}),
            ("eve", {"EVE"}),
            ("ob", set()),
            ("ada@", {"ada"}),
            ("ADA.KING@EXAMPLE.ORG", {"Ada.King"}),
            ("@example.org", set()),
            ("a%", {"a%_x"}),
            ("%", set()),
            ("ada_", set()),
            ("10.1.0.1", {"Ada.King"}),
            ("10.0.0.0/15", {"ada", "Ada.King"}),
            ("10.2.0.9/16", {"adam"}),
            ("10.0.0.0/8", {"ada", "Ada.King", "adam", "bob", "EVE", "a%_x"}),
            ("2001:db8:3::/48", {"bob"}),
            ("2001:DB8:3:0::1", {"bob"}),
            ("192.0.2.0/24", set()),
            ("10.0.0.0/99", set()),
            ("01a1fd59-fca4-70a9-99f6-db7d556ed3e3", set()),
            ("🙂", set()),
            ("x" * 59, set()),
        ],
    )
    def test_these_and_no_others(
        self, rows: dict[str, AuthSession], root: Client, term: str, names: set[str]
    ) -> None:
        """Beginnings of names and e-mail addresses, addresses, networks: wildcards are text."""
        assert listed(root, {"q": term}) == {rows[name].pk for name in names}

    def test_within_a_filter(self, rows: dict[str, AuthSession], root: Client) -> None:
        """Search and filters add up."""
        AuthSession.objects.filter(pk=rows["adam"].pk).update(new_device=True)
        assert listed(root, {"q": "ada", "new": "yes"}) == {rows["adam"].pk}

    def test_who_is_named_so_comes_before_those_whose_name_begins_so(
        self, rows: dict[str, AuthSession], root: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of too many users the one who was named is kept."""
        monkeypatch.setattr(search, "MAX_USERS", 1)
        for name in ("ada", "adam"):
            assert rows[name].pk in listed(root, {"q": name})
        assert len(listed(root, {"q": "ad"})) == 1

    def test_too_many_to_look_up_are_found_all_the_same(
        self, rows: dict[str, AuthSession], root: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The keys of some are looked up first; of many they are not, and the page is the same."""
        monkeypatch.setattr(search, "MAX_KEYS", 2)
        assert len(listed(root, {"q": "10.0.0.0/15"})) == 2
        assert len(listed(root, {"q": "10.0.0.0/8"})) == 6
        assert len(listed(root, {"q": "ada"})) == 3


class TestStatements:
    @pytest.mark.req("REQ-124")
    @pytest.mark.parametrize(
        ("term", "usual"),
        [("ada", 7), ("ada@example.org", 7), ("192.0.2.1", 5), ("192.0.2.0/24", 5), ("id", 4)],
    )
    def test_are_as_many_with_60_as_with_5(
        self, clock: Clock, user: User, root: Client, term: str, usual: int
    ) -> None:
        """Each search costs the same, however many sessions there are."""
        User.objects.filter(pk=user.pk).update(email="ada@example.org")
        counts = []
        for more in (5, 55):
            rows = save(make(clock, user) for _ in range(more))
            counts.append(statements(root, {"q": str(rows[0].pk) if term == "id" else term}))
        assert counts == [usual, usual]
