import pytest

from tokenauth.guessing.limits import MOST_IN_A_ROW, Limit, limits_of

FREE = {"pair": 5, "account": 20, "address": 30}
LIMITS = limits_of(FREE)
DAY = 86_400


class TestDelay:
    @pytest.mark.parametrize("name", LIMITS)
    def test_begins_with_the_last_free_failure(self, name: str) -> None:
        """What is free is free; from then on the next guess waits for a second."""
        limit = LIMITS[name]
        assert limit.delay(limit.free - 1) == 0
        assert limit.delay(limit.free) == 1

    def test_doubles_with_each_failure(self) -> None:
        """1, 2, 4, 8 seconds."""
        assert [LIMITS["pair"].delay(5 + more) for more in range(4)] == [1, 2, 4, 8]

    @pytest.mark.parametrize(
        ("name", "longest"), [("pair", 900), ("account", 3600), ("address", 300), ("own", 900)]
    )
    def test_has_a_cap(self, name: str, longest: int) -> None:
        """It grows up to the cap and stays there."""
        limit = LIMITS[name]
        delays = [limit.delay(failures) for failures in range(MOST_IN_A_ROW)]
        assert delays == sorted(delays)
        assert delays[-1] == longest

    @pytest.mark.req("REQ-09")
    @pytest.mark.parametrize("name", ["pair", "account", "own"])
    def test_of_an_account_is_a_day_from_the_hundredth_in_a_row(self, name: str) -> None:
        """NIST allows no more in a row; whatever happens, a day passes before each further one."""
        assert LIMITS[name].delay(99) < DAY
        assert LIMITS[name].delay(100) == DAY
        assert LIMITS[name].delay(10**9) == DAY

    def test_of_an_address_keeps_its_cap(self) -> None:
        """A hundred failures of a whole office are no attack on one account."""
        assert LIMITS["address"].delay(10**9) == 300

    def test_is_not_late_if_a_hundred_are_free(self) -> None:
        """The day comes with the hundredth, whatever is free."""
        assert Limit("account", 100, 3600, kept=1).delay(100) == DAY


class TestLimits:
    def test_of_what_is_the_owner_s_follow_the_pair(self) -> None:
        """One setting says how often a person may mistype."""
        assert limits_of({**FREE, "pair": 9})["own"].free == 9

    @pytest.mark.parametrize("name", LIMITS)
    def test_are_remembered_for_longer_than_they_delay(self, name: str) -> None:
        """Otherwise the end of a delay would be a new beginning."""
        assert LIMITS[name].kept > LIMITS[name].delay(10**9)
