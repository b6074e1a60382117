"""The settings that docs/assurance.md names for each level do what it says."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from tests.checks import problems
from tests.conftest import Clock
from tests.domain import is_usable, row
from tokenauth.exceptions import SessionEnded
from tokenauth.issuing import Tokens
from tokenauth.sessions import rotate, start_session

DOCS = Path(__file__).resolve().parent.parent / "docs" / "assurance.md"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

Level = tuple[str | None, timedelta, timedelta]

# By block: the client, its overall and its inactivity timeout (SP 800-63B-4; for AAL1 ours).
LEVELS: dict[str, Level] = {
    "AAL1": (None, 30 * DAY, 14 * DAY),
    "AAL2": (None, 24 * HOUR, HOUR),
    "AAL3": (None, 12 * HOUR, 15 * MINUTE),
    "AAL1, with AAL2 for staff": ("staff", 24 * HOUR, HOUR),
}


def blocks() -> dict[str, dict[str, Any]]:
    """Return the settings of each block of the page, by the comment in its first line."""
    found = {}
    for name, code in re.findall(r"```python\n# ([^\n]*)\n(.*?)```", DOCS.read_text(), re.DOTALL):
        space: dict[str, Any] = {"timedelta": timedelta}
        exec(code, space)  # noqa: S102 - our own page
        found[name] = {key: value for key, value in space.items() if key.startswith("TOKENAUTH_")}
    return found


def test_every_block_is_a_level() -> None:
    """No level is on the page and not here, or the reverse."""
    assert list(blocks()) == list(LEVELS)


@pytest.mark.parametrize("name", LEVELS)
def test_passes_the_checks(name: str) -> None:
    """Those of a deployment too."""
    assert problems(deploy=True, **blocks()[name]) == []


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> Iterator[Level]:
    """One level, with its settings in force."""
    with override_settings(**blocks()[request.param]):
        yield LEVELS[request.param]


def renew(tokens: Tokens) -> Tokens:
    """Refresh by the transport of the session."""
    assert tokens.refresh is not None
    transport: Any = tokens.session.transport
    return rotate(tokens.refresh, transport=transport)


def reason(tokens: Tokens) -> str:
    """Refresh, which must fail because the session has ended; return the reason."""
    with pytest.raises(SessionEnded) as raised:
        renew(tokens)
    return str(raised.value.reason)


@pytest.mark.req("REQ-21")
def test_ends_in_time(user: User, clock: Clock, level: Level) -> None:
    """A session in constant use ends at the overall timeout, to the second; so do its tokens."""
    client, overall, inactive = level
    end = clock() + overall
    tokens = start_session(user, client=client)
    while clock() + inactive / 2 < end - MINUTE:
        clock.time += inactive / 2
        tokens = renew(tokens)
    clock.time = end - SECOND
    tokens = renew(tokens)
    assert is_usable(tokens)
    clock.time = end
    assert not is_usable(tokens)
    assert reason(tokens) == "expired"


@pytest.mark.req("REQ-22")
def test_ends_without_use(user: User, clock: Clock, level: Level) -> None:
    """A session that nobody uses ends at the inactivity timeout, to the second."""
    client, _, inactive = level
    tokens = start_session(user, client=client)
    clock.time += inactive - SECOND
    tokens = renew(tokens)
    clock.time += inactive - SECOND
    assert row(tokens).expires_at == clock() + SECOND
    clock.time += SECOND
    assert reason(tokens) == "expired"
