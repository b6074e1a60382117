"""Which fields of a project's user model are searched."""

from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps

from tokenauth.admin import search


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
        assert search._name_fields() == searched

    def test_an_email_field_of_another_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A model says itself where its e-mail address is."""
        fields = {"login": models.CharField(), "mail": models.EmailField()}
        model = user_model("Mailed", fields, get_email_field_name=classmethod(lambda cls: "mail"))
        monkeypatch.setattr(search, "get_user_model", lambda: model)
        assert search._name_fields() == ["login", "mail"]
