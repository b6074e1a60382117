"""The filter of sessions by two days."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings

from tests.conftest import Clock
from tests.console import LIST, listed, make, save
from tests.test_admin import root
from tokenauth.models import AuthSession

__all__ = ["root"]  # a fixture

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture
def days(clock: Clock, user: User) -> list[AuthSession]:
    """Sessions of the last five days of which it is the 20th, at noon; the newest first."""
    clock.time = NOON
    return save(make(clock, user, age=age) for age in range(5))


@pytest.mark.parametrize(
    ("first", "last", "ages"),
    [
        ("2026-03-18", "2026-03-19", {1, 2}),
        ("2026-03-18", "2026-03-18", {2}),
        ("2026-03-19", "", {0, 1}),
        ("", "2026-03-17", {3, 4}),
        ("", "", {0, 1, 2, 3, 4}),
        ("2026-03-21", "", set()),
        ("1970-01-03", "9000-01-01", {0, 1, 2, 3, 4}),
    ],
)
def test_both_days_included(
    days: list[AuthSession], root: Client, first: str, last: str, ages: set[int]
) -> None:
    """From the first moment of one day to the last of the other; either may be left out."""
    found = listed(root, {"created_from": first, "created_to": last})
    assert found == {days[age].pk for age in ages}


def test_days_are_those_of_the_time_zone(days: list[AuthSession], root: Client) -> None:
    """Noon in UTC is the next day on Kiritimati."""
    with override_settings(TIME_ZONE="Pacific/Kiritimati"):
        found = listed(root, {"created_from": "2026-03-20", "created_to": "2026-03-20"})
    assert found == {days[1].pk}


def test_an_id_that_is_made_a_moment_later_counts(clock: Clock, user: User, root: Client) -> None:
    """A session from just before midnight has an id of just after it."""
    clock.time = datetime(2026, 3, 20, 0, 0, 0, 200_000, tzinfo=UTC)
    session = make(clock, user)
    session.created_at -= timedelta(milliseconds=300)
    save([session])
    assert listed(root, {"created_to": "2026-03-19"}) == {session.pk}
    assert listed(root, {"created_from": "2026-03-20"}) == set()


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-03-19", "2026-03-18"),
        ("yesterday", ""),
        ("2026-02-30", ""),
        ("0001-01-01", ""),
        ("", "9999-12-31"),
        ("\x00", "<script>"),
    ],
)
def test_what_is_no_range_is_said_and_finds_nothing(
    days: list[AuthSession], root: Client, first: str, last: str
) -> None:
    """The page is shown, with an error beside the field."""
    query = {"created_from": first, "created_to": last}
    assert listed(root, query) == set()
    text = root.get(LIST, query).content.decode()
    assert 'class="errorlist' in text
    assert "<script>alert" not in text
    assert 'value="<script>' not in text


def test_other_filters_stay(days: list[AuthSession], root: Client) -> None:
    """The form carries along what the address holds, escaped, but for the page's number."""
    query = {"client": 'app">', "q": "ada", "p": "1", "created_from": "2026-03-18"}
    text = root.get(LIST, query).content.decode()
    form = text[text.index('<form method="get" class="tokenauth-range">') :]
    form = form[: form.index("</form>")]
    assert '<input type="hidden" name="client" value="app&quot;&gt;">' in form
    assert '<input type="hidden" name="q" value="ada">' in form
    assert 'name="p"' not in form
    assert 'value="2026-03-18"' in form


def test_a_link_leads_back_to_any_time(days: list[AuthSession], root: Client) -> None:
    """Without the days, and with the rest."""
    text = root.get(LIST, {"q": "ada", "created_from": "2026-03-18"}).content.decode()
    links = [unescape(link) for link in re.findall(r'href="([^"]*)">Any time<', text)]
    assert links == ["?q=ada"]
