"""The signed value of a link: for one session, one purpose and a day."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.signing import Signer
from hypothesis import given
from hypothesis import strategies as st

from tokenauth.notices.links import MAX_VALUE, Link, link_to, read_value, value_of

SESSION = uuid.UUID("0190a1b2-0000-7000-8000-00000000000f")
NOW = datetime(2026, 3, 12, 14, 30, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
OLD, NEW = "old" * 20, "new" * 20
SALT = "tokenauth.notices.end-session"


def signed(text: str, salt: str = SALT) -> str:
    """Return a text with a signature of this project."""
    return Signer(salt=salt, sep=".").sign(text)


class TestValue:
    def test_names_the_session_and_the_language(self) -> None:
        """What was written is read."""
        assert read_value(value_of(SESSION, NOW, "de"), NOW) == Link(SESSION, "de")

    def test_has_nothing_that_an_address_would_have_to_escape(self) -> None:
        """Mail programs make a link of all of it, also in plain text."""
        assert (
            value_of(SESSION, NOW, "zh-hans")
            .replace(".", "")
            .replace("_", "")
            .replace("-", "")
            .isalnum()
        )

    def test_is_shorter_than_what_is_refused(self) -> None:
        """With the longest code of a language that Django has, too."""
        assert len(value_of(SESSION, NOW, "x" * 40)) <= MAX_VALUE

    @pytest.mark.parametrize(
        ("age", "good"),
        [
            (-31 * SECOND, False),
            (-30 * SECOND, True),
            (DAY, True),
            (DAY + SECOND, False),
            (-400 * DAY, False),
        ],
        ids=str,
    )
    def test_is_good_for_a_day(self, age: timedelta, good: bool) -> None:  # noqa: FBT001
        """Not longer; and 30 seconds before, because hosts differ."""
        found = read_value(value_of(SESSION, NOW, "en"), NOW + age)
        assert (found is not None) is good

    def test_outlives_a_change_of_the_key(self, settings: Any) -> None:
        """As long as the old key is among the fallbacks, and no longer."""
        settings.SECRET_KEY = OLD
        value = value_of(SESSION, NOW, "en")
        settings.SECRET_KEY = NEW
        assert read_value(value, NOW) is None
        settings.SECRET_KEY_FALLBACKS = [OLD]
        assert read_value(value, NOW) is not None


class TestForgery:
    @pytest.mark.parametrize("place", range(120))
    def test_each_character_counts(self, place: int) -> None:
        """Another one anywhere, and the value is refused: it has one spelling."""
        value = value_of(SESSION, NOW, "en")
        place %= len(value)
        other = "A" if value[place] != "A" else "B"
        assert read_value(value[:place] + other + value[place + 1 :], NOW) is None

    @pytest.mark.parametrize(
        "text",
        [
            f"begin.{SESSION.hex}.{int(NOW.timestamp())}.en",
            f"end.{SESSION}.{int(NOW.timestamp())}.en",
            f"end.{SESSION.hex}.{int(NOW.timestamp())}",
            f"end.{SESSION.hex}.{int(NOW.timestamp())}.en.en",
            f"end.{SESSION.hex}.-1.en",
            f"end.{SESSION.hex}.٣.en",
            f"end.{SESSION.hex}.{int(NOW.timestamp())}.en\n",
            "",
        ],
    )
    def test_what_is_signed_must_be_of_this_form(self, text: str) -> None:
        """Signed by this project for this place, and for another purpose or of another form."""
        assert read_value(signed(text), NOW) is None

    def test_another_salt_is_another_purpose(self) -> None:
        """What the project signs for something else is nothing here."""
        text = f"end.{SESSION.hex}.{int(NOW.timestamp())}.en"
        assert read_value(signed(text), NOW) is not None
        assert read_value(signed(text, "other"), NOW) is None

    @pytest.mark.parametrize(
        "value", ["", ".", "x", "\ud800", "\x00", "x" * 10_000, "é.é", "end.." * 20]
    )
    def test_garbage_is_refused(self, value: str) -> None:
        """No exception, whatever it is."""
        assert read_value(value, NOW) is None

    @given(value=st.text())
    def test_any_text_is_refused(self, value: str) -> None:
        """Nor by any other text."""
        assert read_value(value, NOW) is None


class TestLink:
    def test_leads_to_the_site_of_the_setting(self, settings: Any) -> None:
        """The path is where the page is mounted."""
        settings.TOKENAUTH_SITE_URL = "https://example.com"
        assert link_to("a.b-c_d") == "https://example.com/auth/end-session/a.b-c_d/"
