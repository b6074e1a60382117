"""What is suspicious about a session, in words."""

from typing import Any

import pytest
from django.test import Client

from tests.conftest import Clock
from tests.test_admin import page, root
from tests.test_admin_timeline import home, text_of
from tokenauth.admin.display import exact
from tokenauth.admin.signs import signs_of
from tokenauth.codes import MANY_REPEATS
from tokenauth.issuing import Tokens
from tokenauth.models import SUSPICIOUS, AuthSession

__all__ = ["home", "root"]  # fixtures

pytestmark = pytest.mark.any_database


class TestSigns:
    @staticmethod
    def signs(**columns: Any) -> list[str]:
        """Return what is said of a session with these columns."""
        return [sign.what for sign in signs_of(AuthSession(**columns))]

    def test_an_ordinary_session_has_none(self, home: Tokens, root: Client) -> None:
        """Nor a heading for them."""
        response = root.get(page(home.session))
        assert response.context["signs"] == []
        assert "Suspicious" not in response.content.decode()

    @pytest.mark.req("REQ-125")
    def test_each_in_words(self, clock: Clock) -> None:
        """What was seen, with its number or its time."""
        assert self.signs(revoked_reason="reuse") == ["Refresh token reused"]
        assert self.signs(late_generation=7, late_run=3) == ["3 late answers in a row"]
        assert self.signs(late_generation=7, late_run=1) == []
        assert self.signs(grace_count=102) == ["102 repeated answers"]
        once = f"Address and browser changed at once on {exact(clock())}"
        assert self.signs(moved_at=clock()) == [once]

    def test_the_gravest_comes_first(self, clock: Clock) -> None:
        """Reuse before everything else."""
        columns = {"revoked_reason": "reuse", "late_generation": 1, "late_run": 2}
        assert len(self.signs(moved_at=clock(), grace_count=100, **columns)) == 4
        assert self.signs(moved_at=clock(), **columns)[0] == "Refresh token reused"

    @pytest.mark.parametrize(
        "columns",
        [
            {},
            {"revoked_reason": "reuse"},
            {"revoked_reason": "lost"},
            {"late_generation": 1, "late_run": 1},
            {"late_generation": 2, "late_run": 2},
            {"grace_count": MANY_REPEATS},
            {"grace_count": MANY_REPEATS - 1},
            {"moves": 7},
            {"moved_at": True},
        ],
    )
    def test_they_are_what_the_filter_finds(
        self, home: Tokens, clock: Clock, columns: dict[str, Any]
    ) -> None:
        """The page gives a reason for each session that the list calls suspicious, no other."""
        values = {name: clock() if value is True else value for name, value in columns.items()}
        AuthSession.objects.update(**values)
        found = AuthSession.objects.filter(SUSPICIOUS).exists()
        assert bool(signs_of(AuthSession.objects.get())) == found

    def test_each_says_what_to_do(self, home: Tokens, clock: Clock, root: Client) -> None:
        """A sentence for a support person, in the page."""
        AuthSession.objects.update(moved_at=clock())
        assert "Ask the user whether both places are theirs" in text_of(
            root.get(page(home.session))
        )
