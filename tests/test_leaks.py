"""The watch for secrets is worth something only if it sees them."""

import logging
from dataclasses import dataclass

import pytest

from tests import leaks
from tests.conftest import Api
from tokenauth import system
from tokenauth.audit import make_event, record
from tokenauth.models import EventType

logger = logging.getLogger("tests.leaks")


@pytest.fixture
def leaking(secrets_seen: leaks.Watch):
    """Give the watch to a test that leaks on purpose, and then forget what it did."""
    yield secrets_seen
    secrets_seen.start()


@pytest.mark.req("REQ-126")
class TestWatch:
    def test_sees_a_refresh_token_in_a_log_record(self, leaking: leaks.Watch, app: Api) -> None:
        """A refresh token that the endpoints minted is found in a message."""
        logger.debug("got %s", app.refresh_token)
        assert leaking.leaks() == ["a record of the logger tests.leaks"]

    def test_sees_an_access_token_in_a_log_record(self, leaking: leaks.Watch, app: Api) -> None:
        """An access token is found in the extra fields of a record."""
        logger.debug("got it", extra={"header": f"Bearer {app.access}"})
        assert leaking.leaks() == ["a record of the logger tests.leaks"]

    def test_sees_a_token_in_a_field_of_the_audit(self, leaking: leaks.Watch, app: Api) -> None:
        """Each fact of an audit record is looked at."""
        event = make_event(EventType.MOVED, at=system.now(), reason=str(app.refresh_token)[-32:])
        record([event])
        assert leaking.leaks() == ["a record of the logger tokenauth.audit"]

    def test_sees_a_seed_in_a_log_record(self, leaking: leaks.Watch, app: Api) -> None:
        """A session's seed is found as the database would print it."""
        logger.debug("row %r", bytes.fromhex(max(leaking.seeds, key=is_hex)))
        assert leaking.leaks() == ["a record of the logger tests.leaks"]

    def test_sees_a_key_in_repr(self, leaking: leaks.Watch, app: Api) -> None:
        """A value whose repr() shows a derived key is found."""

        @dataclass
        class Careless:
            key: str

        leaking.made(Careless(max(leaking.keys, key=is_hex)))
        (found,) = leaking.leaks()
        assert found.startswith("repr() of tests.test_leaks.")

    def test_sees_nothing_in_an_honest_login(self, leaking: leaks.Watch, app: Api) -> None:
        """A login mints a token of each kind, and shows none."""
        assert len(leaking.tokens) >= 2
        assert leaking.leaks() == []


def is_hex(text: str) -> bool:
    """Return whether a spelling of a secret is the hexadecimal one."""
    return len(text) >= 64 and set(text) <= set("0123456789abcdef")
