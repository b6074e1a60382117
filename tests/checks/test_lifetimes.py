from datetime import timedelta
from typing import Any

import pytest

from tests.checks import messages, problems, setting

SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86400))
TINY = timedelta(microseconds=1)
LIFETIMES = ["ACCESS_TOKEN_LIFETIME", "IDLE_LIFETIME", "ABSOLUTE_LIFETIME"]


def client(**entry: Any) -> dict[str, Any]:
    """Return the setting that has one client, of transport body, with these keys."""
    return setting("CLIENTS", {"app": {"transport": "body", **entry}})


class TestDurations:
    @pytest.mark.parametrize("name", [*LIFETIMES, "GRACE_PERIOD"])
    def test_are_timedeltas(self, name: str) -> None:
        """A number of seconds is refused: nobody can see its unit."""
        assert problems(**setting(name, 300)) == ["E010"]

    @pytest.mark.parametrize("name", LIFETIMES)
    @pytest.mark.parametrize("value", [timedelta(0), -DAY, SECOND - TINY, 365 * DAY + TINY])
    def test_are_in_range(self, name: str, value: timedelta) -> None:
        """None is zero, negative, or longer than a year."""
        assert problems(**setting(name, value)) == ["E011"]

    def test_reach_to_a_year(self) -> None:
        """365 days is the longest."""
        assert problems(**setting("ABSOLUTE_LIFETIME", 365 * DAY)) == []

    @pytest.mark.parametrize("key", ["access_lifetime", "idle_lifetime", "absolute_lifetime"])
    @pytest.mark.parametrize(("value", "number"), [(None, "E010"), (timedelta(0), "E011")])
    def test_of_a_client_follow_the_same_rules(self, key: str, value: Any, number: str) -> None:
        """A client's lifetime is checked as the project's."""
        assert problems(**client(**{key: value})) == [number]

    def test_of_a_client_are_named(self) -> None:
        """The message says which client and which key."""
        (found,) = messages(**client(idle_lifetime=1))
        assert "TOKENAUTH_CLIENTS['app']['idle_lifetime']" in found.msg


class TestGrace:
    @pytest.mark.parametrize("value", [-TINY, 10 * MINUTE + TINY])
    def test_is_in_range(self, value: timedelta) -> None:
        """The grace is at most ten minutes: for so long a stolen predecessor is answered."""
        assert problems(**setting("GRACE_PERIOD", value)) == ["E012"]

    @pytest.mark.parametrize("value", [timedelta(0), 10 * MINUTE])
    def test_may_be_at_either_end(self, value: timedelta) -> None:
        """None at all, or ten minutes."""
        assert problems(**setting("GRACE_PERIOD", value)) == []


class TestRetention:
    @pytest.mark.parametrize("value", [None, 365])
    def test_is_a_timedelta(self, value: Any) -> None:
        """Neither a number without a unit, nor "for ever"."""
        assert problems(**setting("EVENT_RETENTION", value)) == ["E010"]

    @pytest.mark.parametrize("value", [DAY - TINY, 3650 * DAY + TINY])
    def test_is_in_range(self, value: timedelta) -> None:
        """From a day to ten years."""
        assert problems(**setting("EVENT_RETENTION", value)) == ["E015"]

    @pytest.mark.parametrize("value", [DAY, 3650 * DAY])
    def test_may_be_at_either_end(self, value: timedelta) -> None:
        """A day, or ten years."""
        assert problems(**setting("EVENT_RETENTION", value)) == []


class TestRelations:
    def test_idle_is_longer_than_access_and_grace(self) -> None:
        """Exactly as long is too short: a client in use would be logged out."""
        assert problems(**setting("IDLE_LIFETIME", 5 * MINUTE + 30 * SECOND)) == ["E013"]

    def test_idle_just_above_access_and_grace_will_do(self) -> None:
        """A microsecond more passes."""
        assert problems(**setting("IDLE_LIFETIME", 5 * MINUTE + 30 * SECOND + TINY)) == []

    def test_idle_is_not_longer_than_absolute(self) -> None:
        """An idle lifetime above the absolute one is never reached."""
        assert problems(**setting("ABSOLUTE_LIFETIME", 14 * DAY - TINY)) == ["E014"]

    def test_idle_may_be_as_long_as_absolute(self) -> None:
        """Equal passes."""
        assert problems(**setting("ABSOLUTE_LIFETIME", 14 * DAY)) == []

    def test_access_above_idle_is_refused(self) -> None:
        """An access token does not outlive the session's idle lifetime."""
        assert problems(**setting("ACCESS_TOKEN_LIFETIME", 15 * DAY)) == ["E013"]

    @pytest.mark.parametrize(
        ("entry", "number"),
        [
            ({"idle_lifetime": 5 * MINUTE}, "E013"),
            ({"access_lifetime": 14 * DAY}, "E013"),
            ({"absolute_lifetime": DAY}, "E014"),
            ({"idle_lifetime": 31 * DAY}, "E014"),
        ],
    )
    def test_hold_for_a_client_with_the_projects_defaults(
        self, entry: dict[str, Any], number: str
    ) -> None:
        """What a client does not set is the project's, and must fit what it does set."""
        assert problems(**client(**entry)) == [number]

    def test_are_not_repeated_for_clients_that_set_nothing(self) -> None:
        """One wrong setting is one message, however many clients inherit it."""
        assert problems(**setting("IDLE_LIFETIME", MINUTE)) == ["E013"]


class TestDeployment:
    def test_warns_of_a_long_access_token(self) -> None:
        """Above an hour, other services see a revocation too late."""
        assert problems(deploy=True, **setting("ACCESS_TOKEN_LIFETIME", HOUR + TINY)) == ["W010"]

    def test_allows_an_hour(self) -> None:
        """An hour passes."""
        assert problems(deploy=True, **setting("ACCESS_TOKEN_LIFETIME", HOUR)) == []

    def test_warns_of_a_clients_long_access_token(self) -> None:
        """A client's lifetime is checked as well."""
        clients = {
            "browser": {"transport": "cookie"},
            "batch": {"transport": "body", "access_lifetime": 2 * HOUR, "login": False},
        }
        assert problems(deploy=True, TOKENAUTH_CLIENTS=clients) == ["W010"]

    @pytest.mark.parametrize(
        "entry",
        [
            {"absolute_lifetime": 31 * DAY},
            {"idle_lifetime": 15 * DAY},
            {"access_lifetime": 6 * MINUTE},
        ],
    )
    def test_warns_of_long_lifetimes_for_the_asking(self, entry: dict[str, Any]) -> None:
        """Anybody may name a client at login: a longer lifetime needs login: False."""
        assert problems(deploy=True, **client(**entry)) == ["W011"]

    def test_allows_long_lifetimes_that_nobody_can_ask_for(self) -> None:
        """Provisioned clients may live longer."""
        clients = {
            "browser": {"transport": "cookie"},
            "sensor": {"transport": "body", "absolute_lifetime": 90 * DAY, "login": False},
        }
        assert problems(deploy=True, TOKENAUTH_CLIENTS=clients) == []

    def test_allows_shorter_lifetimes_for_the_asking(self) -> None:
        """Whoever asks for less may have it."""
        assert problems(deploy=True, **client(absolute_lifetime=20 * DAY)) == []
