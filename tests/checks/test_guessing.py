from pathlib import Path
from typing import Any

import pytest

from tests.checks import problems, setting

HERE = f"{__name__}."


def one_name(username: str) -> str:
    """Give all spellings one name."""
    return username


async def async_name(username: str) -> str:
    """Do the same, too late."""
    return username


def cache(backend: str, location: Any = "") -> dict[str, Any]:
    """Return the setting of one cache."""
    path = f"django.core.cache.backends.{backend}"
    return {"CACHES": {"default": {"BACKEND": path, "LOCATION": location}}}


class TestGuessing:
    @pytest.mark.parametrize("value", [True, 5, "pair", [("pair", 5)]])
    def test_is_a_mapping(self, value: Any) -> None:
        """One number for all is refused: the counters see very different numbers of people."""
        assert problems(**setting("GUESSING", value)) == ["E090"]

    @pytest.mark.parametrize("name", ["ip", "", "own", None, 5])
    def test_has_no_other_counter(self, name: Any) -> None:
        """A counter that is misspelt would keep its default unseen."""
        assert problems(**setting("GUESSING", {name: 5})) == ["E091"]

    @pytest.mark.parametrize("value", [0, -1, 101, 5.0, "5", True, None])
    def test_of_an_account_is_a_number_up_to_a_hundred(self, value: Any) -> None:
        """NIST allows no more failures in a row."""
        assert problems(**setting("GUESSING", {"account": value})) == ["E092"]

    @pytest.mark.parametrize("value", [0, 100_001])
    def test_of_an_address_is_in_range(self, value: int) -> None:
        """A university may share one; the whole world does not."""
        assert problems(**setting("GUESSING", {"address": value})) == ["E092"]

    @pytest.mark.parametrize(
        "value",
        [None, {}, {"pair": 1}, {"pair": 100, "account": 100, "address": 100_000}],
    )
    def test_may_be_off_or_at_either_end(self, value: Any) -> None:
        """None turns it off."""
        assert problems(deploy=True, **setting("GUESSING", value)) == []


class TestAccountKey:
    @pytest.mark.parametrize("value", ["", "nowhere.key", f"{HERE}nothing", f"{HERE}HERE", 1, []])
    def test_can_be_imported_and_called(self, value: Any) -> None:
        """An empty text, such as a variable that is not set, is no function."""
        assert problems(**setting("ACCOUNT_KEY", value)) == ["E093"]

    def test_is_not_async(self) -> None:
        """A coroutine would give every request a name of its own."""
        assert problems(**setting("ACCOUNT_KEY", f"{HERE}async_name")) == ["E094"]

    def test_may_be_a_plain_function(self) -> None:
        """A function of one argument passes."""
        assert problems(**setting("ACCOUNT_KEY", f"{HERE}one_name")) == []


class TestCache:
    @pytest.mark.parametrize("backend", ["locmem.LocMemCache", "dummy.DummyCache"])
    def test_is_not_each_process_s_own(self, backend: str) -> None:
        """Four workers would give a guesser four times the tries."""
        assert problems(deploy=True, **cache(backend)) == ["W090"]

    def test_counts_in_one_step(self, tmp_path: Path) -> None:
        """Files are read, and written a moment later: two guesses at once count as one."""
        found = problems(deploy=True, **cache("filebased.FileBasedCache", tmp_path))
        assert found == ["W091"]

    def test_is_the_one_that_counts(self) -> None:
        """Another cache of the project may be what it likes."""
        both = {
            **cache("redis.RedisCache", "redis://127.0.0.1:1")["CACHES"],
            "pages": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        }
        assert problems(deploy=True, CACHES=both) == []
        assert problems(deploy=True, CACHES=both, TOKENAUTH_THROTTLE_CACHE="pages") == ["W090"]

    def test_does_not_matter_where_nothing_is_counted(self) -> None:
        """A project that has something else for it."""
        off = {**cache("locmem.LocMemCache"), **setting("GUESSING", None)}
        assert problems(deploy=True, **off) == []
