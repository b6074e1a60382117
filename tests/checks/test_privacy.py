from datetime import timedelta
from typing import Any

import pytest

from tests.checks import problems, setting

DAY = timedelta(days=1)
TINY = timedelta(microseconds=1)


class TestFailedLoginRetention:
    @pytest.mark.parametrize("value", [None, 90, DAY - TINY, 3650 * DAY + TINY])
    def test_is_a_duration_in_range(self, value: Any) -> None:
        """From a day to ten years, and no number without a unit."""
        assert problems(**setting("FAILED_LOGIN_RETENTION", value)) == ["E115"]

    def test_is_not_longer_than_that_of_events(self) -> None:
        """It would never be reached."""
        assert problems(**setting("FAILED_LOGIN_RETENTION", 365 * DAY + TINY)) == ["E116"]

    @pytest.mark.parametrize("value", [DAY, 365 * DAY])
    def test_may_be_at_either_end(self, value: timedelta) -> None:
        """A day, or as long as events are kept."""
        assert problems(**setting("FAILED_LOGIN_RETENTION", value)) == []

    def test_by_default_follows_that_of_events(self) -> None:
        """A project that keeps all events for a week has nothing to put right."""
        assert problems(**setting("EVENT_RETENTION", 7 * DAY)) == []


class TestPersonalDataRetention:
    @pytest.mark.parametrize("value", [0, 30, DAY - TINY, 3650 * DAY + TINY])
    def test_is_a_duration_in_range(self, value: Any) -> None:
        """From a day to ten years."""
        assert problems(**setting("PERSONAL_DATA_RETENTION", value)) == ["E117"]

    @pytest.mark.parametrize("value", [None, DAY, 3650 * DAY])
    def test_may_be_none(self, value: timedelta | None) -> None:
        """Or at either end."""
        assert problems(**setting("PERSONAL_DATA_RETENTION", value)) == []


class TestKept:
    @pytest.mark.parametrize(("name", "number"), [("ADDRESSES", "E118"), ("USER_AGENTS", "E119")])
    @pytest.mark.parametrize("value", [None, False, "", "none", ["full"]])
    def test_is_a_word_that_exists(self, name: str, number: str, value: Any) -> None:
        """A misspelt "off" must not keep everything."""
        assert problems(**setting(name, value)) == [number]

    @pytest.mark.parametrize(
        ("name", "value"),
        [("ADDRESSES", "truncated"), ("ADDRESSES", "off"), ("USER_AGENTS", "device")],
    )
    def test_may_be_less(self, name: str, value: str) -> None:
        """Less than all passes, in production too."""
        assert problems(deploy=True, **setting(name, value)) == []
