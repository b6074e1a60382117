from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import fetches

if TYPE_CHECKING:
    from tests.browser.stage import Stage

pytestmark = pytest.mark.browser


class TestFetch:
    def test_does_what_fetch_does(self, stage: Stage) -> None:
        """Same answers for the same bodies, same exceptions for the same faults."""
        record, found = fetches.compared(stage)
        assert record.broken == []
        # What the browser's own does, so that the comparison is of something.
        assert found["FormData"][0]["value"]["type"] == "multipart/form-data"
        assert found["Blob"][0]["value"]["length"] == 100_000
        assert found["stream"][0]["name"] == "TypeError"  # a stream needs HTTP/2
        assert found["aborted"][0]["name"] == "AbortError"
        assert found["timed out"][0]["name"] == "TimeoutError"
        assert found["aborted before, with a reason"][0] == {"thrown": "my reason"}

    def test_repeats_a_body_that_was_refused(self, stage: Stage) -> None:
        """After a 401 for the access token, all of the body is sent again with a new one."""
        assert fetches.repeated(stage).broken == []

    def test_abort_is_the_callers_alone(self, stage: Stage) -> None:
        """Others who wait for the same refresh get their answer."""
        assert fetches.aborted(stage, 2).broken == []
