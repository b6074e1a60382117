"""Every login that fails looks the same and does the same work, whyever it fails."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import PASSWORD, Api
from tests.hashing import ITERATIONS, QUICK, Quick, hashing
from tokenauth.models import AuthSession

ME = f"{__name__}."


class LocksByField(ModelBackend):
    """A backend for which staff lock a user by a field of the row."""

    def user_can_authenticate(self, user: Any) -> bool:
        """Return whether the user may log in."""
        return super().user_can_authenticate(user) and user.last_name != "locked"


class LocksByGroup(ModelBackend):
    """A backend for which staff lock a user by a group."""

    def user_can_authenticate(self, user: Any) -> bool:
        """Return whether the user may log in."""
        allowed = super().user_can_authenticate(user)
        return allowed and not user.groups.filter(name="locked").exists()


BACKENDS = {
    "field": [f"{ME}LocksByField"],
    "group": [f"{ME}LocksByGroup"],
    "two": [f"{ME}LocksByField", f"{ME}LocksByGroup"],
}
FAILURES = {
    "unknown": ("nobody", PASSWORD),
    "wrong": ("ada", "wrong"),
    "inactive": ("ina", PASSWORD),
    "inactive_and_wrong": ("ina", "wrong"),
    "locked": ("leo", PASSWORD),
    "locked_and_wrong": ("leo", "wrong"),
    "without_a_password": ("uma", PASSWORD),
    "of_a_lost_hasher": ("hal", PASSWORD),
}
WRONG = sorted(name for name in FAILURES if name not in {"inactive", "locked"})
"""Failures that do not begin with the right password."""


@dataclass(frozen=True)
class Work:
    """What a login costs.

    Attributes:
        hashes: how often the hasher was called, at the lowest level.
        iterations: how many iterations that were, together.
        statements: the SQL, without its values.
    """

    hashes: int
    iterations: int
    statements: tuple[str, ...]


def fail(name: str, client: str = "app") -> tuple[Any, Work]:
    """Log in by a way that fails; return the answer and what it cost."""
    api = Api()
    username, password = FAILURES[name]
    with CaptureQueriesContext(connection) as queries, hashing() as calls:
        answer = api.login(username, password, client=client)
    statements = (re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in queries)
    return answer, Work(len(calls), sum(calls), tuple(statements))


@pytest.fixture
def quick(settings: Any) -> None:
    """The default hasher, made quick."""
    settings.PASSWORD_HASHERS = [QUICK]


@pytest.fixture(params=BACKENDS)
def backends(request: pytest.FixtureRequest, settings: Any) -> list[str]:
    """One backend, or two that are asked in turn."""
    settings.AUTHENTICATION_BACKENDS = BACKENDS[request.param]
    return BACKENDS[request.param]


@pytest.fixture
def users(db: None, quick: None) -> dict[str, User]:
    """One for each way to fail."""
    create = get_user_model().objects.create_user
    found = {name: create(name, password=PASSWORD) for name in ("ada", "ina", "leo", "uma", "hal")}
    User.objects.filter(username="ina").update(is_active=False)
    User.objects.filter(username="leo").update(last_name="locked")
    found["leo"].groups.add(Group.objects.create(name="locked"))
    found["uma"].set_unusable_password()
    found["uma"].save()
    User.objects.filter(username="hal").update(password="bcrypt$$2b$12$notinstalledanylonger")
    return found


@pytest.fixture
def old_hashes(users: dict[str, User]) -> None:
    """All passwords as an earlier release of Django has stored them."""
    old = Quick().encode(PASSWORD, "salt", ITERATIONS // 3)
    User.objects.filter(username__in=["ada", "ina", "leo"]).update(password=old)


def seen_by_client(answer: Any) -> tuple[Any, ...]:
    """Return all that a client gets, in the order in which it gets it."""
    return (answer.status_code, list(answer.items()), answer.content, str(answer.cookies))


class TestAnswer:
    @pytest.mark.req("REQ-03")
    def test_is_the_same_to_the_byte(self, users: dict[str, User], backends: list[str]) -> None:
        """Status, headers and their order, body; for both kinds of client; and no cookie."""
        answers = [fail(name, client)[0] for name in FAILURES for client in ("browser", "app")]
        assert len({repr(seen_by_client(answer)) for answer in answers}) == 1
        assert answers[0].json()["code"] == "login_failed"
        assert not answers[0].cookies
        assert not AuthSession.objects.exists()

    @pytest.mark.req("REQ-03")
    def test_is_the_same_in_a_browser_with_a_session(
        self, users: dict[str, User], backends: list[str]
    ) -> None:
        """Which keeps its session and its cookies."""
        browser = Api()
        assert browser.login().status_code == 200
        answers = [browser.login(*credentials) for credentials in FAILURES.values()]
        assert len({repr(seen_by_client(answer)) for answer in answers}) == 1
        assert not answers[0].cookies
        assert browser.refresh().status_code == 200


class TestWork:
    @pytest.mark.req("REQ-04")
    def test_is_one_hash_for_each_backend(
        self, users: dict[str, User], backends: list[str]
    ) -> None:
        """Of so many iterations as the hasher has now, for each way to fail."""
        done = {name: fail(name)[1] for name in FAILURES}
        hashes = {name: (work.hashes, work.iterations) for name, work in done.items()}
        each = (len(backends), len(backends) * ITERATIONS)
        assert hashes == dict.fromkeys(FAILURES, each)

    @pytest.mark.req("REQ-04")
    def test_is_the_same_for_a_hash_of_fewer_iterations(
        self, users: dict[str, User], old_hashes: None, backends: list[str]
    ) -> None:
        """What a stored hash lacks is made up for (``harden_runtime``)."""
        done = {name: fail(name)[1].iterations for name in WRONG}
        assert done == dict.fromkeys(WRONG, len(backends) * ITERATIONS)

    @pytest.mark.req("REQ-04")
    def test_is_the_same_in_the_database(self, users: dict[str, User], backends: list[str]) -> None:
        """The same statements in the same order, to whoever does not know the password."""
        done = {name: fail(name)[1].statements for name in WRONG}
        assert len(set(done.values())) == 1
        assert len(done["unknown"]) == len(fail("unknown")[1].statements) > 0

    @pytest.mark.req("REQ-04")
    def test_is_the_same_for_who_knows_the_password(
        self, users: dict[str, User], settings: Any
    ) -> None:
        """Also the right password of an account that a field of its row locks costs no more."""
        settings.AUTHENTICATION_BACKENDS = BACKENDS["field"]
        done = {name: fail(name)[1] for name in FAILURES}
        assert len(set(done.values())) == 1

    def test_of_a_right_password_is_more_where_django_hashes_anew(
        self, users: dict[str, User], old_hashes: None, settings: Any
    ) -> None:
        """Before it asks whether the account is active; once, and never for a wrong password."""
        settings.AUTHENTICATION_BACKENDS = BACKENDS["field"]
        usual = fail("unknown")[1]
        assert fail("inactive")[1].iterations == usual.iterations + ITERATIONS // 3
        assert fail("inactive")[1] == usual


class TestStepUp:
    @pytest.mark.req("REQ-04")
    def test_costs_one_hash(self, users: dict[str, User], settings: Any) -> None:
        """A wrong password for a step-up costs what one for a login does."""
        settings.AUTHENTICATION_BACKENDS = BACKENDS["field"]
        api = Api()
        api.login("ada", client="app")
        with hashing() as calls:
            answer = api.post("/auth/reauthenticate/", {"password": "wrong"})
        assert answer.json()["code"] == "login_failed"
        assert calls == [ITERATIONS]
