from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import logins

if TYPE_CHECKING:
    from tests.browser.stage import Stage

pytestmark = pytest.mark.browser


class TestLogout:
    def test_every_tab_shows_it_at_once(self, stage: Stage) -> None:
        """Within 200 ms no tab shows the session any more, or sends its access token."""
        record = logins.logged_out(stage, 2)
        assert record.broken == []
        # A busy machine may stall a tab; not each time.
        assert record.figures["of them, within 200 ms"] >= 1

    @pytest.mark.parametrize("kind", ["tab", "alone", "script"])
    def test_a_late_refresh_brings_nothing_back(self, stage: Stage, kind: str) -> None:
        """Whoever waits for it: neither in memory nor by its cookie."""
        record = logins.answered_late(stage, 1, kind)
        assert record.broken == []
        # Where nobody can stop it the cookie does come back, and opens nothing.
        assert record.figures.get("cookies of the dead session that came back", 0) == (
            kind == "script"
        )


class TestLogin:
    @pytest.mark.parametrize("kind", ["race", "held", "alone"])
    def test_stays_among_refreshes_with_a_dead_cookie(self, stage: Stage, kind: str) -> None:
        """All tabs come to the new session, whatever the old cookie is answered, and when."""
        assert logins.logged_in(stage, 1, kind).broken == []


class TestVisitor:
    def test_makes_no_refresh_request(self, stage: Stage) -> None:
        """Who has never logged in asks the auth endpoints nothing."""
        assert logins.visited(stage, 1).broken == []
