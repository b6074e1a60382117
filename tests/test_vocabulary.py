"""The names of events: OWASP's where there is one, and documented."""

import logging
from pathlib import Path

import pytest

from tokenauth.models import EventType
from tokenauth.vocabulary import EXPORTED, NAMES, ROTATION, USED_AFTER_END, Name, names_of

DOCS = Path(__file__).resolve().parent.parent / "docs/audit.md"
WITHOUT_A_ROW = {ROTATION, USED_AFTER_END, EXPORTED}
# Of the cheat sheet, those that something in this package can be, with OWASP's level.
OWASP = {
    "authn_login_success": logging.INFO,
    "authn_login_fail": logging.WARNING,
    "authn_login_fail_max": logging.WARNING,
    "authn_password_change": logging.INFO,
    "authn_token_created": logging.INFO,
    "authn_token_revoked": logging.INFO,
    "authn_token_reuse": logging.CRITICAL,
    "authz_admin": logging.WARNING,
    "sensitive_read": logging.WARNING,
    "sensitive_delete": logging.WARNING,
    "session_created": logging.INFO,
    "session_renewed": logging.INFO,
    "session_expired": logging.INFO,
    "session_use_after_expire": logging.CRITICAL,
}
LOWER = {"session_use_after_expire": logging.WARNING}


def used() -> set[Name]:
    """Return every name that a record may have."""
    return {name for kind in NAMES for name in names_of(kind, by_staff=True)}


class TestNames:
    def test_of_every_type(self) -> None:
        """Nothing of the audit trail is without a name in the table."""
        assert {*EventType.values} <= NAMES.keys()

    @pytest.mark.req("REQ-127")
    def test_are_owasps(self) -> None:
        """With OWASP's level, but for the one that the module says."""
        owasp = {name.event: name.level for name in used() if "tokenauth_" not in name.event}
        assert owasp == OWASP | LOWER

    def test_of_our_own_cannot_be_mistaken(self) -> None:
        """What OWASP has no word for has a prefix."""
        assert {name.event for name in used()} - OWASP.keys() == {
            "tokenauth_database_behind",
            "tokenauth_late_answer",
            "tokenauth_moved",
            "tokenauth_renamed",
            "tokenauth_repeated_elsewhere",
        }

    def test_of_a_projects_own_type(self) -> None:
        """It is its own name, in one line."""
        assert names_of("paid\n") == (Name("tokenauth_paid?", logging.INFO),)

    def test_of_staff(self) -> None:
        """What somebody does to another is privileged as well."""
        alone, by_staff = names_of("revoked"), names_of("revoked", by_staff=True)
        assert by_staff == (*alone, Name("authz_admin", logging.WARNING))


class TestDocumented:
    def test_table(self) -> None:
        """The table of docs/audit.md is this one."""
        rows = {line for line in DOCS.read_text().splitlines() if line.startswith("| `")}
        for kind, names in NAMES.items():
            events = ", ".join(
                f"`{name.event}` {logging.getLevelName(name.level)}" for name in names
            )
            row = "no" if kind in WITHOUT_A_ROW else "yes"
            start = f"| `{kind}` | {events} | {row} | "
            assert [line for line in rows if line.startswith(start)], start
        assert len([row for row in rows if "| yes |" in row or "| no |" in row]) == len(NAMES)
