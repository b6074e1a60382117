from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import faults

if TYPE_CHECKING:
    from tests.browser.stage import Stage

pytestmark = pytest.mark.browser


class TestReload:
    def test_as_fast_as_possible(self, stage: Stage) -> None:
        """Twenty reloads, most of which cut the one before off, log nobody out."""
        assert faults.hurried(stage, 1).broken == []

    def test_when_the_server_has_rotated(self, stage: Stage) -> None:
        """Nor do twenty that each throw the answer of a refresh away."""
        assert faults.interrupted(stage, 1).broken == []


class TestNetwork:
    @pytest.mark.parametrize("locks", [True, False], ids=["locks", "no locks"])
    def test_delays_and_reorders(self, stage: Stage, *, locks: bool) -> None:
        """Five tabs whose answers come late and in any order stay logged in."""
        assert faults.delayed(stage, 1 if locks else 2, locks=locks).broken == []

    def test_loses_answers(self, stage: Stage) -> None:
        """The page asks again, and is given what it did not hear."""
        assert faults.lost(stage, 2).broken == []

    def test_loses_an_answer_for_an_hour(self, stage: Stage) -> None:
        """A token that was rotated an hour ago, and never answered for, still works."""
        assert faults.late(stage, 1).broken == []


class TestServer:
    def test_killed_and_started_again(self, stage: Stage) -> None:
        """Nobody is told that they are logged out while nobody can know."""
        assert faults.restarted(stage, 1).broken == []


class TestSleep:
    @pytest.mark.parametrize("jump", [True, False], ids=["clock", "processes"])
    def test_for_an_hour(self, stage: Stage, *, jump: bool) -> None:
        """Tabs that wake renew what has expired."""
        assert faults.slept(stage, 1, jump=jump).broken == []
