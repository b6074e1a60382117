"""django-axes beside the endpoints. Run by tests/test_examples.py."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.management import call_command

from tests.conftest import Api
from tokenauth.models import AuthSession


def fail(api: Api, times: int, username: str = "ada") -> list[int]:
    """Guess wrong so often; return the statuses."""
    return [api.login(username, "wrong").status_code for _ in range(times)]


def failures(username: str = "ada") -> int:
    """Return how many failures axes has counted."""
    count: int = AccessAttempt.objects.get(username=username).failures_since_start
    return count


def test_checks_pass(db: None) -> None:
    """Neither axes nor we have anything to say."""
    call_command("check", fail_level="WARNING")


def test_each_failure_is_counted_once(user: User, api: Api) -> None:
    """By the signal that Django's authenticate() sends."""
    assert fail(api, 3) == [401] * 3
    assert failures() == 3


def test_a_refused_step_up_is_a_failure_too(user: User, api: Api) -> None:
    """reauthenticate/ sends the user's own name."""
    api.login()
    api.post("/auth/reauthenticate/", {"password": "wrong"})
    assert failures() == 1


def test_a_backend_that_let_an_inactive_user_pass_counts_once(
    user: User, api: Api, settings: Any
) -> None:
    """The signal is ours then, with the name, and without the password."""
    User.objects.update(is_active=False)
    settings.AUTHENTICATION_BACKENDS = [
        "axes.backends.AxesStandaloneBackend",
        "django.contrib.auth.backends.AllowAllUsersModelBackend",
    ]
    assert api.login().status_code == 401
    assert failures() == 1


@pytest.mark.parametrize("username", ["ada", "nobody"])
def test_a_lockout_is_ours_in_form(user: User, api: Api, username: str) -> None:
    """429 throttled with Retry-After, the same for an account that does not exist."""
    fail(api, 4, username)
    answer = api.login(username)
    assert answer.status_code == 429
    assert answer.json() == {
        "detail": "Too many requests. Try again later.",
        "code": "throttled",
    }
    assert answer["Content-Type"] == "application/json"
    assert answer["Retry-After"] == "600"
    assert answer["Cache-Control"] == "no-store"
    assert not answer.cookies


def test_a_lockout_says_nothing_of_the_account(user: User, api: Api) -> None:
    """Byte for byte, from the first failure to the lockout."""
    seen = []
    for username in ("ada", "nobody"):
        answers = [api.login(username, "wrong") for _ in range(6)]
        seen.append([(each.status_code, each.content, dict(each.headers)) for each in answers])
    assert seen[0] == seen[1]
    assert [status for status, _, _ in seen[0]] == [401] * 3 + [429] * 3


def test_a_lockout_refuses_the_right_password(user: User, api: Api) -> None:
    """And starts no session."""
    fail(api, 4)
    assert api.login().status_code == 429
    assert not AuthSession.objects.exists()


def test_a_lockout_is_over_after_the_cool_off(user: User, api: Api) -> None:
    """Axes counts from the last failure."""
    fail(api, 4)
    for attempt in AccessAttempt.objects.all():
        attempt.attempt_time -= timedelta(minutes=11)
        attempt.save()
    assert api.login().status_code == 200


@pytest.mark.parametrize(("cool_off", "seconds"), [(None, "86400"), (2, "7200")])
def test_retry_after_is_a_number_whatever_the_cool_off_is(
    user: User, api: Api, settings: Any, cool_off: Any, seconds: str
) -> None:
    """Hours, or for good: then it is worth a look a day later."""
    settings.AXES_COOLOFF_TIME = cool_off
    fail(api, 4)
    assert api.login()["Retry-After"] == seconds


def test_both_may_count(user: User, api: Api, settings: Any) -> None:
    """Whichever refuses first answers in the same words, and axes sees no refusal of ours."""
    settings.TOKENAUTH_GUESSING = {"pair": 2}
    statuses = fail(api, 5)
    assert statuses == [401, 401, 429, 429, 429]
    assert failures() == 2
