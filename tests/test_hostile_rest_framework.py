"""The contract under a ``REST_FRAMEWORK`` that would break every other view."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rest_framework.settings import DEFAULTS

from tests.hostile.settings import HOSTILE
from tokenauth.responses import ERRORS

ROOT = Path(__file__).resolve().parent.parent


def walk(settings: str, **more: str) -> list[Any]:
    """Walk through the contract in a process of its own: REST framework reads much at import."""
    environ = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": settings,
        "DATABASE_URL": "sqlite://:memory:",
        "CACHE_URL": "locmemcache://",
        **more,
    }
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.hostile.walk"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def usual() -> list[Any]:
    """The answers of an ordinary project."""
    return walk("tests.settings")


def test_every_default_is_hostile() -> None:
    """A default that REST framework adds must be thought of here."""
    assert DEFAULTS.keys() - HOSTILE.keys() == set()
    assert all(
        HOSTILE[name] != value
        for name, value in DEFAULTS.items()
        if name != "UNAUTHENTICATED_TOKEN"
    )


def test_walk_sees_the_contract(usual: list[Any]) -> None:
    """The walk is worth comparing: successes of each kind, and most codes of the table."""
    statuses = {answer[2] for answer in usual}
    assert statuses == {200, 204, 400, 401, 404, 405, 406, 415}
    codes = {json.loads(answer[5]).get("code") for answer in usual if answer[5]}
    assert len(codes & ERRORS.keys()) >= 11


@pytest.mark.parametrize(
    "more", [{}, {"HOSTILE_USER": "tests.hostile.classes.User"}], ids=["no_user", "false_user"]
)
def test_answers_are_the_same_to_the_byte(usual: list[Any], more: dict[str, str]) -> None:
    """Status, headers, cookies and body do not depend on any default but throttles."""
    hostile = walk("tests.hostile.settings", **more)
    for expected, answer in zip(usual, hostile, strict=True):
        assert answer == expected


def test_throttles_do_apply(usual: list[Any]) -> None:
    """The fourth request is a 429 throttled with Retry-After; so is all that follows."""
    answers = walk("tests.hostile.settings", HOSTILE_RATE="3/min")
    assert answers[:3] == usual[:3]
    for _method, _path, status, headers, _cookies, body in answers[3:6]:
        assert (status, json.loads(body)["code"]) == (429, "throttled")
        assert 1 <= int(dict(headers)["Retry-After"]) <= 60
        assert dict(headers)["Cache-Control"] == "no-store"
