"""docs/second-step.md: its functions and its requests, run as they are printed."""

import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import Api

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "second-step.md").read_text()


def blocks(language: str) -> list[str]:
    """Return the page's blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def module(name: str, **contents: Any) -> ModuleType:
    """Return a new module."""
    made = ModuleType(name)
    vars(made).update(contents)
    return made


@pytest.fixture
def project(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that has what the page prints, and whose codes are all 123456."""
    own = {
        "accounts": module("accounts"),
        "accounts.codes": module(
            "accounts.codes",
            has_app=lambda _user: True,
            is_right=lambda _user, code: code == "123456",
        ),
        "accounts.second_step": module("accounts.second_step"),
    }
    for name, made in own.items():
        monkeypatch.setitem(sys.modules, name, made)
    printed, functions = blocks("python")
    exec(functions, vars(own["accounts.second_step"]))  # noqa: S102 - what the page prints
    chosen: dict[str, str] = {}
    exec(printed, chosen)  # noqa: S102 - as above
    for name, value in chosen.items():
        if name.startswith("TOKENAUTH_"):
            setattr(settings, name, value)


def is_as_printed(sent: Any, printed: Any) -> bool:
    """Return whether an answer is what the page says; … stands for anything."""
    if printed == "…":
        return sent not in (None, "")
    if isinstance(printed, dict):
        return sent.keys() == printed.keys() and all(
            is_as_printed(sent[name], value) for name, value in printed.items()
        )
    return bool(sent == printed)


def test_requests_are_answered_as_printed(user: User, project: None) -> None:
    """In their order, by one client; the challenge of the first is that of the others."""
    api, challenge = Api(), ""
    exchanges = blocks("http")
    assert len(exchanges) == 3
    for exchange in exchanges:
        request, answer = exchange.split("\n\n")
        line, body = request.split("\n", 1)
        status, printed = answer.split("\n", 1)
        response = api.post(line.split()[1], json.loads(body.replace("…", challenge)))
        assert response.status_code == int(status)
        assert is_as_printed(response.json(), json.loads(printed))
        challenge = response.json().get("challenge", {}).get("token", challenge)
