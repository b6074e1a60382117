"""Reading the audit's log records back, as a log collection would."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

FIELDS = (
    *("event", "type", "time", "user", "actor", "session", "client", "ip", "user_agent", "reason"),
)


class JsonLines(logging.Handler):
    """A handler that writes one line of JSON for each record, and reads them back.

    It knows the fields by name only, as a formatter that a project configures does.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        facts = {name: getattr(record, name) for name in FIELDS}
        facts |= {"level": record.levelname, "message": record.getMessage()}
        self.lines.append(json.dumps(facts))

    @property
    def records(self) -> list[dict[str, Any]]:
        """What was logged, the oldest first."""
        return [json.loads(line) for line in self.lines]

    @property
    def names(self) -> list[str]:
        """The events of the vocabulary, the oldest first."""
        return [record["event"] for record in self.records]

    def forget(self) -> None:
        """Begin anew."""
        self.lines.clear()


@pytest.fixture
def log() -> Iterator[JsonLines]:
    """The audit's log records from here on."""
    handler = JsonLines()
    logger = logging.getLogger("tokenauth.audit")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def time_of(record: dict[str, Any]) -> datetime:
    """Return the time of a record, which must be ISO 8601 with the offset of UTC."""
    assert record["time"].endswith("+00:00")
    return datetime.fromisoformat(record["time"]).astimezone(UTC)
