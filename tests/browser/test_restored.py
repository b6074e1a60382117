from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import restored

if TYPE_CHECKING:
    from tests.browser.stage import Stage

pytestmark = pytest.mark.browser


class TestRestored:
    @pytest.mark.parametrize("locks", [True, False], ids=["locks", "no locks"])
    def test_ten_tabs_share_one_session(self, stage: Stage, *, locks: bool) -> None:
        """All stay logged in, by one rotation, and with Web Locks one request after the other."""
        record = restored.restored(stage, 3 if locks else 1, locks=locks)
        assert record.broken == []

    def test_ten_tabs_wake(self, stage: Stage) -> None:
        """Tabs that hold an expired access token do the same."""
        assert restored.woken(stage, 1).broken == []
