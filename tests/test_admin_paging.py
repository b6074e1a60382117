"""The list counts no more rows than it has pages for, and says so."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.conftest import Clock
from tests.console import LIST, make, save
from tests.test_admin import page, root
from tokenauth.admin import paging
from tokenauth.models import AuthSession

__all__ = ["root"]  # a fixture

pytestmark = pytest.mark.req("REQ-124")
SAID = "There are more than"


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> int:
    """A bound that a test can exceed: two pages and a half."""
    monkeypatch.setattr(paging, "MAX_ROWS", 120)
    return 120


@pytest.fixture
def rows(clock: Clock, user: User) -> list[AuthSession]:
    """130 sessions, the newest first; every third is of a browser."""
    clients = ("app", "app", "browser")
    return save(make(clock, user, age=n / 100, client=clients[n % 3]) for n in range(130))


def test_pages_follow_each_other(rows: list[AuthSession], root: Client) -> None:
    """Each session is on one page, in order."""
    shown = [
        one.pk
        for number in (1, 2, 3)
        for one in root.get(LIST, {"p": number}).context["cl"].result_list
    ]
    assert shown == [one.pk for one in rows]


def test_all_of_them_are_counted_up_to_the_bound(rows: list[AuthSession], root: Client) -> None:
    """A list that fits says how many it has, and nothing of a bound."""
    response = root.get(LIST)
    assert response.context["cl"].result_count == 130
    assert SAID not in response.content.decode()


def test_more_are_said_not_counted(most: int, rows: list[AuthSession], root: Client) -> None:
    """Beyond the bound the page says that there are more, and what to do."""
    response = root.get(LIST)
    assert response.context["cl"].result_count == most
    assert "There are more than 120 such sessions" in response.content.decode()


def test_exactly_as_many_are_not_more(most: int, rows: list[AuthSession], root: Client) -> None:
    """The bound itself is no excess."""
    AuthSession.objects.filter(pk__in=[one.pk for one in rows[:10]]).delete()
    response = root.get(LIST)
    assert response.context["cl"].result_count == most
    assert SAID not in response.content.decode()


def test_the_last_page_is_within_the_bound(
    most: int, rows: list[AuthSession], root: Client
) -> None:
    """No page skips more rows than the bound; one beyond it leads back to the list."""
    last = root.get(LIST, {"p": 3}).context["cl"].result_list
    assert [one.pk for one in last] == [one.pk for one in rows[100:120]]
    response = root.get(LIST, {"p": 4})
    assert (response.status_code, response["Location"]) == (302, f"{LIST}?e=1")


def test_a_filter_is_counted_by_itself(most: int, rows: list[AuthSession], root: Client) -> None:
    """What is narrowed is counted as narrowed, and searched too."""
    assert root.get(LIST, {"client": "browser"}).context["cl"].result_count == 43
    assert root.get(LIST, {"q": "ada"}).context["cl"].result_count == most
    assert root.get(LIST, {"q": "bob"}).context["cl"].result_count == 0


@pytest.mark.parametrize("query", [{}, {"client": "app"}, {"q": "ada"}, {"p": "2"}, {"o": "10"}])
def test_no_statement_counts_without_a_limit(
    rows: list[AuthSession], root: Client, query: dict[str, str]
) -> None:
    """A count of the table is never asked for: each is of so many rows, from the list's end on."""
    with CaptureQueriesContext(connection) as captured:
        root.get(LIST, query)
    counts = [one["sql"] for one in captured.captured_queries if "COUNT(" in one["sql"].upper()]
    assert len(counts) == 1
    assert re.search(r"LIMIT 2001\) ", counts[0])
    assert "ORDER BY" in counts[0]


class TestOrder:
    @pytest.fixture
    def columns(self, root: Client) -> list[str]:
        """The names of the columns, as the address numbers them."""
        names = root.get(LIST).context["cl"].list_display
        return [name if isinstance(name, str) else name.__name__ for name in names]

    def test_only_by_indexed_columns(
        self, columns: list[str], rows: list[AuthSession], root: Client
    ) -> None:
        """Nothing that would sort the whole table can be asked for."""
        text = root.get(LIST).content.decode()
        assert set(re.findall(r'href="\?o=-?(\d+)', text)) == {
            str(columns.index(name)) for name in ("created", "latest_end")
        }

    @pytest.mark.parametrize(
        ("column", "order"),
        [
            ("created", ["id"]),
            ("-created", ["-id"]),
            ("latest_end", ["absolute_expires_at", "id"]),
            ("-latest_end", ["-absolute_expires_at", "-id"]),
            ("last_seen", ["-id"]),
            ("status", ["-id"]),
            ("created.latest_end", ["id"]),
        ],
    )
    def test_one_index_gives_the_order(
        self, columns: list[str], root: Client, column: str, order: list[str]
    ) -> None:
        """One column and the key, both the same way: MariaDB would sort the table otherwise."""
        asked = ".".join(
            "-" * part.startswith("-") + str(columns.index(part.removeprefix("-")))
            for part in column.split(".")
        )
        found: Any = root.get(LIST, {"o": asked}).context["cl"].queryset
        assert list(found.query.order_by) == order

    def test_oldest_first(self, columns: list[str], rows: list[AuthSession], root: Client) -> None:
        """The header of the column turns the list round."""
        text = root.get(LIST, {"o": str(columns.index("created"))}).content.decode()
        assert 0 < text.index(page(rows[-1])) < text.index(page(rows[-2]))
