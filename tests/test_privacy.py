"""What is left of a person after erasure, and the copy of what is kept about them."""

import json
import tracemalloc
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from tests.conftest import PASSWORD, Api, Clock
from tests.domain import end_reason, is_usable, refresh, row, start
from tokenauth import sessions
from tokenauth.audit import Origin
from tokenauth.issuing import Tokens
from tokenauth.models import AuthEvent, AuthSession, RefreshToken
from tokenauth.privacy import erase_user_data, export_user, write_export

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36"
HOME, AWAY, OFFICE = "192.0.2.77", "2001:db8:77::1", "203.0.113.5"
OF_ADA = ("lovelace", "ada@example.com", HOME, AWAY, "Firefox", "Chrome", "analytical engine")


@pytest.fixture
def ada(db: None, clock: Clock) -> User:
    """Ada, who did everything that leaves a trace."""
    user = User.objects.create_user("lovelace", "ada@example.com", PASSWORD)
    app = Api(headers={"user-agent": FIREFOX}, REMOTE_ADDR=HOME)
    thief = Api(headers={"user-agent": CHROME}, REMOTE_ADDR=AWAY)
    app.login("lovelace", client="app", device_name="analytical engine")
    first = app.refresh_token
    app.post("/auth/reauthenticate/", {"password": "wrong"})
    clock.advance(hours=1)
    thief.refresh(first)
    app.refresh(first)
    clock.advance(hours=1)
    thief.refresh()
    assert app.refresh(first).json()["reason"] == "reuse"
    app.login("lovelace", client="app", device_name="analytical engine")
    app.post("/auth/reauthenticate/", {"password": PASSWORD})
    return user


@pytest.fixture
def bob(db: None, ada: User) -> Tokens:
    """Bob's session, which is nobody else's business."""
    user = User.objects.create_user("babbage", "bob@example.com", PASSWORD)
    return start(user, origin=Origin("198.51.100.1", "difference/1"), device_name="mill")


def dump() -> str:
    """Return all columns of all rows of the package's tables, from the database itself."""
    tables = [
        name for name in connection.introspection.table_names() if name.startswith("tokenauth_")
    ]
    assert len(tables) >= 4
    lines = []
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own names
            lines += [repr(line) for line in cursor.fetchall()]
    if connection.vendor == "sqlite":
        script = connection.connection.iterdump()
        lines += [line for line in script if "tokenauth_" in line]
    return "\n".join(lines)


def found(words: tuple[str, ...] = OF_ADA) -> set[str]:
    """Return which of the words are in the dump."""
    text = dump()
    return {word for word in words if word in text}


@pytest.mark.req("REQ-132")
class TestDeletion:
    def test_leaves_no_personal_data(self, ada: User, bob: Tokens):
        """Neither name nor mail, address, agent or device; what is Bob's stays."""
        assert found() == {*OF_ADA} - {"lovelace", "ada@example.com"}
        ada.delete()

        assert found() == set()
        assert found(("198.51.100.1", "difference/1", "mill")) == {
            *("198.51.100.1", "difference/1", "mill")
        }

    def test_keeps_the_audit(self, ada: User):
        """Every event is there, with the user's key: who it was, nobody can say any longer."""
        key, before = str(ada.pk), AuthEvent.objects.count()
        kinds = list(AuthEvent.objects.order_by("pk").values_list("type", flat=True))
        ada.delete()
        events = AuthEvent.objects.order_by("pk")

        assert before > 6
        assert list(events.values_list("type", flat=True))[:before] == kinds
        assert {event.user_key for event in events} == {key}
        assert not events.filter(user__isnull=False).exists()

    def test_of_staff_forgets_where_they_were(self, ada: User, bob: Tokens, staff: User):
        """What they did to others stays, and from where is forgotten."""
        where = Origin(OFFICE, "staff/1")
        sessions.revoke_session(row(bob), reason="admin", actor=staff, origin=where)
        assert found((OFFICE, "staff/1")) == {OFFICE, "staff/1"}
        staff.delete()

        assert found((OFFICE, "staff/1")) == set()
        assert AuthEvent.objects.get(reason="admin").user_id == bob.session.user_id


@pytest.mark.req("REQ-132")
class TestErasure:
    def test_leaves_no_personal_data(self, ada: User, bob: Tokens):
        """The account stays, and what is Bob's."""
        erase_user_data(ada)

        assert found() == set()
        assert "mill" in dump()

    def test_ends_nothing(self, user: User, clock: Clock):
        """A session that lives goes on, and learns its place at its next refresh."""
        tokens = start(user, origin=Origin(HOME, FIREFOX))
        erase_user_data(user)
        clock.advance(hours=1)
        assert row(tokens).first_ip is None
        renewed = sessions.rotate(
            tokens.refresh or "", transport="body", origin=Origin(HOME, FIREFOX)
        )

        assert is_usable(renewed)
        assert row(tokens).last_ip == HOME
        assert row(tokens).moves == 0

    def test_keeps_what_judges_a_token(self, user: User, clock: Clock):
        """A replay is still caught."""
        tokens = newest = start(user, origin=Origin(HOME, FIREFOX))
        for _ in range(2):
            clock.advance(hours=1)
            newest = refresh(newest)
        erase_user_data(user)

        assert end_reason(tokens) == "reuse"

    def test_is_recorded(self, user: User, staff: User):
        """That it was done, and by whom."""
        erase_user_data(user)
        erase_user_data(user, actor=staff)
        events = AuthEvent.objects.filter(type="erased").order_by("pk")

        assert [event.user_id for event in events] == [user.pk] * 2
        assert [event.actor_id for event in events] == [user.pk, staff.pk]


class TestExport:
    def test_is_all_that_is_kept(self, ada: User, bob: Tokens):
        """Each session, refresh and event, ready for JSON."""
        data = export_user(ada)
        theirs = AuthSession.objects.filter(user=ada)
        text = json.dumps(data)

        assert data["user"] == str(ada.pk)
        assert len(data["sessions"]) == theirs.count() == 2
        assert len(data["refreshes"]) == RefreshToken.objects.filter(session__in=theirs).count()
        assert len(data["events"]) == AuthEvent.objects.filter(user=ada).count()
        assert all(word in text for word in (HOME, AWAY, "Firefox", "analytical engine"))

    def test_has_nothing_of_others(self, ada: User, bob: Tokens, staff: User):
        """Neither Bob's, nor from where staff did what they did, nor who they are."""
        where = Origin(OFFICE, "staff/1")
        for session in AuthSession.objects.filter(user=ada):
            sessions.revoke_session(
                session, reason="admin", actor=staff, note="Bob has called", origin=where
            )
        text = json.dumps(export_user(ada))

        assert '"by_another": true' in text
        assert not [
            word
            for word in ("198.51.100.1", "mill", "difference", OFFICE, "staff/1", "Bob", "root")
            if word in text
        ]
        assert json.loads(text) == json.loads(json.dumps(export_user(ada)))

    def test_has_no_secret(self, ada: User):
        """No seed, no hash of the account, and no column that is not named."""
        session = AuthSession.objects.filter(user=ada).latest("pk")
        text = json.dumps(export_user(ada))

        assert bytes(session.seed).hex() not in text
        assert session.auth_hash not in text
        assert "seed" not in text
        assert "hash" not in text

    def test_is_written_as_it_is_returned(self, ada: User):
        """Piece by piece, the same."""
        pieces: list[str] = []
        write_export(ada, pieces.append)

        assert json.loads("".join(pieces)) == json.loads(json.dumps(export_user(ada)))
        assert len(pieces) > 10

    def test_of_nobody(self, user: User):
        """Somebody who never logged in."""
        assert export_user(user) == {
            "user": str(user.pk),
            "sessions": [],
            "refreshes": [],
            "events": [],
        }

    def test_is_bounded_in_memory(self, user: User, clock: Clock):
        """Three times as many events take no more memory than those that are read at once."""
        peaks = []
        for more in (2_000, 4_000):
            AuthEvent.objects.bulk_create(
                (
                    AuthEvent(created_at=clock(), type="login", user=user, user_agent="x" * 300)
                    for _ in range(more)
                ),
                batch_size=500,
            )
            tracemalloc.start()
            write_export(user, len)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

        assert peaks[1] < 1.4 * peaks[0]


class TestCommand:
    def test_writes_json(self, ada: User):
        """To standard output, and nothing else."""
        out = StringIO()
        call_command("tokenauth_export", "lovelace", stdout=out)

        assert json.loads(out.getvalue()) == json.loads(json.dumps(export_user(ada)))

    def test_knows_only_users(self, db: None):
        """A name that nobody has is an error, which does not repeat it."""
        with pytest.raises(CommandError) as raised:
            call_command("tokenauth_export", "nobody\x1b[31m", stdout=StringIO())

        assert "\x1b" not in str(raised.value)
