from datetime import timedelta
from typing import Any

import pytest

from tests.checks import problems, setting


class TestEndSessionsOn:
    @pytest.mark.parametrize(
        "value", [[], (), ["email"], ("permissions",), ["email", "permissions"]]
    )
    def test_names_changes(self, value: Any) -> None:
        """Any of the changes that are known."""
        assert problems(deploy=True, **setting("END_SESSIONS_ON", value)) == []

    @pytest.mark.parametrize(
        "value", [None, True, "email", {"email"}, ["e-mail"], ["password"], [None], [["email"]]]
    )
    def test_names_nothing_else(self, value: Any) -> None:
        """A change that is misspelt would end no session, unseen."""
        assert problems(**setting("END_SESSIONS_ON", value)) == ["E106"]


class TestRevokeMaxAge:
    @pytest.mark.parametrize("value", [None, timedelta(minutes=1), timedelta(days=365)])
    def test_is_a_time_that_can_be_kept(self, value: Any) -> None:
        """None, or long enough to enter a password in."""
        assert problems(deploy=True, **setting("REVOKE_MAX_AGE", value)) == []

    @pytest.mark.parametrize(
        "value", [0, 300, "5 minutes", timedelta(0), timedelta(seconds=59), timedelta(days=366)]
    )
    def test_is_nothing_else(self, value: Any) -> None:
        """A number is of no unit; no proof is as young as a second at a client far away."""
        assert problems(**setting("REVOKE_MAX_AGE", value)) == ["E107"]
