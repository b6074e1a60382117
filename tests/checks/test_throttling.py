from typing import Any

import pytest

from tests.checks import problems, setting


class TestRates:
    @pytest.mark.parametrize("value", [None, "120/min", ["refresh"], 120])
    def test_are_a_mapping(self, value: Any) -> None:
        """One rate for all is refused: the limits mean different things."""
        assert problems(**setting("THROTTLE_RATES", value)) == ["E095"]

    @pytest.mark.parametrize("name", ["login", "Refresh", "", None, 1])
    def test_are_of_limits_that_exist(self, name: Any) -> None:
        """A name that is misspelt would leave the default in force."""
        assert problems(**setting("THROTTLE_RATES", {name: "120/min"})) == ["E096"]

    @pytest.mark.parametrize(
        "rate",
        [
            *("", "120", "120/", "/min", "x/min", "1.5/min", "5/5/min", "120 per minute"),
            *("0/min", "-1/min", "10/month", "10/fortnight", "10/Min", 121, ["120/min"], True),
        ],
    )
    def test_are_written_as_rest_framework_reads_them(self, rate: Any) -> None:
        """A number above 0 and a period; REST framework itself takes a month for a minute."""
        assert problems(**setting("THROTTLE_RATES", {"session": rate})) == ["E097"]

    @pytest.mark.parametrize(
        "rates",
        [{}, {"refresh": "1/s"}, {"session": "1000000/min"}, {"refused": "9/h", "session": None}],
    )
    def test_may_be_some_or_none(self, rates: Any) -> None:
        """Any of them may be set, or turned off."""
        assert problems(deploy=True, **setting("THROTTLE_RATES", rates)) == []
