"""The events as CSV: whole, streamed, harmless in a spreadsheet, and never silent."""

import csv
import io
import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext

from tests.conftest import Api, Clock
from tests.leaks import contains, spellings
from tests.test_admin import EVENTS, root, start
from tests.test_admin_events import event
from tests.test_admin_secrets import BIDI, MARKUP
from tokenauth import sessions
from tokenauth.admin import export
from tokenauth.admin.export import COLUMNS, defuse
from tokenauth.models import AuthEvent, AuthSession, EventType

__all__ = ["root"]  # a fixture

EXPORT = f"{EVENTS}export/"


def text_of(response: Any) -> str:
    """Return the whole file; the test client closes it at its end, as a server does."""
    assert response.status_code == 200
    text: str = response.getvalue().decode()
    return text


def rows_of(text: str) -> list[dict[str, str]]:
    """Return the lines under the header."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def exported(client: Client, query: str = "") -> list[dict[str, str]]:
    """Export, and return the lines."""
    return rows_of(text_of(client.post(f"{EXPORT}{query}")))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Portions of three rows."""
    monkeypatch.setattr(export, "PORTION", 3)


class TestFile:
    def test_has_every_fact(self, user: User, staff: User, clock: Clock, root: Client):
        """Codes and times for programs, and the names that go with the keys."""
        session = start(user)
        sessions.revoke_session(session, reason="lost", actor=staff, note="on the train")
        AuthEvent.objects.update(ip="192.0.2.7", user_agent="Firefox/130")
        last, first = exported(root)

        assert last == {
            "time": clock().isoformat(),
            "event": "revoked",
            "user_key": str(user.pk),
            "user": "ada",
            "session": str(session.pk),
            "actor_key": str(staff.pk),
            "actor": "root",
            "reason": "lost",
            "address": "192.0.2.7",
            "user_agent": "Firefox/130",
            "detail": json.dumps({"note": "on the train"}),
        }
        assert (first["event"], first["actor"], first["detail"]) == ("login", "", "")

    def test_is_a_download_with_a_date(self, db: None, clock: Clock, root: Client):
        """By its headers: a CSV file that nobody keeps."""
        response = root.post(EXPORT)

        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert response["Content-Disposition"] == (
            f'attachment; filename="tokenauth-events-{clock():%Y-%m-%d}.csv"'
        )
        assert "no-store" in response["Cache-Control"]
        assert text_of(response) == ",".join(COLUMNS) + "\r\n"

    @pytest.mark.parametrize("language", ["en", "de"])
    def test_is_in_utc_and_in_codes(self, db: None, root: Client, settings: Any, language: str):
        """Whatever the reader's time zone and language."""
        settings.TIME_ZONE, settings.LANGUAGE_CODE = "Asia/Kolkata", language
        event(EventType.REUSE, at=datetime.fromisoformat("2026-05-01T00:00:00+05:30"))

        assert [(row["time"], row["event"]) for row in exported(root)] == [
            ("2026-04-30T18:30:00+00:00", "reuse")
        ]

    def test_needs_a_post(self, db: None, root: Client):
        """A link that is followed in advance exports nothing, and leaves no entry."""
        assert root.get(EXPORT).status_code == 405
        assert not LogEntry.objects.exists()

    def test_needs_a_csrf_token(self, staff: User):
        """No other site can make a member of staff export."""
        client = Client(enforce_csrf_checks=True)
        client.force_login(staff)

        assert client.post(EXPORT).status_code == 403
        form = client.get(EVENTS).content.decode().partition('class="tokenauth-tool"')[2]
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
        assert token
        assert client.post(EXPORT, {"csrfmiddlewaretoken": token[1]}).status_code == 200


class TestRows:
    @pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7])
    def test_are_whole_at_every_border(self, db: None, root: Client, small: None, count: int):
        """Each once, the newest first, however portions fall; also those of one moment."""
        moment = datetime.fromisoformat("2026-05-01T00:00:00+00:00")
        for number in range(count):
            event(at=moment + timedelta(seconds=number // 3), reason=f"{number}")

        assert [row["reason"] for row in exported(root)] == [
            f"{number}" for number in reversed(range(count))
        ]

    def test_are_those_that_the_list_shows(self, user: User, clock: Clock, root: Client):
        """By the same filters and the same search, given by the button's own address."""
        made = start(user)
        start(user)
        sessions.revoke_session(made, reason="lost")
        text = root.get(EVENTS, {"type": "login", "q": str(made.pk)}).content.decode()
        action = re.search(r'action="([^"]+export/[^"]*)"', text)
        assert action
        address = action[1].replace("&amp;", "&")
        found = rows_of(text_of(root.post(address)))

        assert [(row["event"], row["session"]) for row in found] == [("login", str(made.pk))]

    def test_of_a_filter_that_is_none(self, db: None, root: Client):
        """Nothing is exported that was not asked for."""
        assert root.post(f"{EXPORT}?time_from=soon").status_code == 400
        assert root.post(f"{EXPORT}?user_agent__contains=x").status_code == 400
        assert not LogEntry.objects.exists()

    def test_that_arrive_meanwhile_stay_out(self, db: None, root: Client, small: None):
        """The export goes back in time: nothing new moves anything in it."""
        for number in range(7):
            event(reason=f"{number}")
        response: Any = root.post(EXPORT)
        parts = iter(response.streaming_content)
        read = [next(parts), next(parts)]
        event(at=datetime.fromisoformat("2999-01-01T00:00:00+00:00"), reason="new")
        read += parts

        found = rows_of(b"".join(read).decode())
        assert [row["reason"] for row in found] == [f"{number}" for number in range(6, -1, -1)]


class TestStream:
    def test_begins_before_anything_is_read(self, db: None, root: Client, small: None):
        """The header comes first, then a portion for each statement, and no count."""
        for _ in range(7):
            event()
        response: Any = root.post(EXPORT)
        with CaptureQueriesContext(connection) as queries:
            parts = iter(response.streaming_content)
            assert next(parts).decode() == ",".join(COLUMNS) + "\r\n"
            assert len(queries) == 0
            assert next(parts).decode().count("\r\n") == 3
            assert len(queries) == 1
        with CaptureQueriesContext(connection) as queries:
            assert [part.decode().count("\r\n") for part in parts] == [3, 1]

        assert "COUNT(" not in "".join(one["sql"] for one in queries)

    def test_asks_as_often_as_there_are_portions(self, db: None, root: Client, small: None):
        """The request itself costs the same, however much there is; no page is counted."""

        def cost() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert root.post(EXPORT).status_code == 200
            return len(queries)

        event()
        cost()  # a process looks some things up once
        few = cost()
        for _ in range(20):
            event()

        assert cost() == few

    @pytest.mark.django_db(transaction=True)
    def test_under_asgi(self, staff: User, small: None):
        """The same, without a warning: every portion is awaited, none is collected."""
        for number in range(7):
            event(reason=f"{number}")
        client = AsyncClient()
        client.force_login(staff)

        async def read() -> list[str]:
            response: Any = await client.post(EXPORT)
            assert response.is_async
            return [part.decode() async for part in response.streaming_content]

        parts = async_to_sync(read)()
        assert len(parts) == 4
        found = rows_of("".join(parts))
        assert [row["reason"] for row in found] == [f"{number}" for number in range(6, -1, -1)]
        assert LogEntry.objects.get().change_message == "Exported 7 events: no filter"


class TestHistory:
    def test_says_who_exported_how_many_by_which_filter(self, db: None, staff: User, root: Client):
        """One entry, of the events as such."""
        for _ in range(3):
            event(EventType.REUSE)
        exported(root, "?type=reuse")
        entry = LogEntry.objects.get()

        assert entry.user == staff
        assert entry.content_type.model == "authevent"
        assert entry.change_message == "Exported 3 events: type=reuse"
        assert "Export of events" in root.get("/admin/").content.decode()

    def test_tells_of_an_export_that_was_cut_short(self, db: None, root: Client, small: None):
        """The client went away after the first portion: so many left the house."""
        for _ in range(7):
            event()
        response: Any = root.post(EXPORT)
        parts = iter(response.streaming_content)
        next(parts)
        next(parts)
        response._iterator.close()

        assert LogEntry.objects.get().change_message == "Exported 3 events: no filter"

    def test_tells_of_one_whose_process_died(self, db: None, root: Client):
        """The entry is there before the first row is sent."""
        root.post(f"{EXPORT}?type=reuse")

        assert LogEntry.objects.get().change_message == "Began an export of events: type=reuse"

    def test_keeps_a_filter_that_is_long_or_hostile_short_and_plain(self, db: None, root: Client):
        """What stood in the address is one line."""
        exported(root, f"?reason={MARKUP}%0A{'a ' * 2000}")
        message = LogEntry.objects.get().change_message

        assert len(message) < 1100
        assert message.isprintable()


class TestSafety:
    @pytest.mark.req("REQ-122")
    @pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
    def test_no_cell_is_a_formula(self, user: User, root: Client, begin: str):
        """Whatever clients and users chose for themselves (OWASP, CSV Injection)."""
        text = f'{begin}HYPERLINK("http://evil.example","x")'
        user.username = text
        user.save()
        made = event(user_id=user.pk, actor=user, reason=text[:32])
        AuthEvent.objects.filter(pk=made.pk).update(user_agent=text, user_key=text, actor_key=text)
        (row,) = exported(root)

        assert not [cell for cell in row.values() if cell.startswith(begin)]
        shown = f"'{begin if begin.isprintable() else '?'}HYPERLINK"
        assert row["user_agent"].startswith(shown)
        assert row["user"].startswith(shown)

    @pytest.mark.parametrize(
        ("text", "safe"),
        [
            ("", ""),
            ("ada", "ada"),
            ("a=b", "a=b"),
            ("=1+1", "'=1+1"),
            ("-5", "'-5"),
            ("\t=1", "'?=1"),
            ("::1", "::1"),
        ],
    )
    def test_what_is_harmless_stays(self, text: str, safe: str):
        """Only the beginning of a cell makes a formula."""
        assert defuse(text) == safe

    @pytest.mark.req("REQ-122", "REQ-128")
    def test_no_cell_breaks_out_of_its_line(self, user: User, root: Client):
        """Quotes, commas, line breaks and bidirectional overrides stay in one cell of one line."""
        hostile = f'a",b\r\nc{BIDI}'
        made = event(user_id=user.pk)
        AuthEvent.objects.filter(pk=made.pk).update(
            user_agent=hostile, type=hostile, detail={hostile: hostile}
        )
        text = text_of(root.post(EXPORT))
        (row,) = rows_of(text)

        assert text.count("\n") == 2
        assert row["user_agent"] == row["event"] == 'a",b??c?gnp.exe?'
        assert list(row) == list(COLUMNS)
        assert not re.findall("[\u202a-\u202e\u2066-\u2069]", text)

    @pytest.mark.req("REQ-118")
    def test_no_secret_is_in_it(self, clock: Clock, app: Api, root: Client):
        """Neither tokens nor seeds nor hashes, after a theft either; nor in the history."""
        old = str(app.refresh_token)
        for _ in range(2):
            clock.advance(minutes=1)
            app.refresh()
        clock.advance(minutes=1)
        Api().refresh(old)
        secrets = {old, str(app.access), str(app.refresh_token)}
        for session in AuthSession.objects.all():
            secrets |= spellings(bytes(session.seed)) | {session.auth_hash}
        text = text_of(root.post(EXPORT))

        assert "reuse" in text
        assert not contains(text, secrets)

    @pytest.mark.req("REQ-118")
    def test_a_token_leaves_the_address(self, app: Api, root: Client):
        """Nothing is exported, and the history does not keep it."""
        response = root.post(f"{EXPORT}?q={app.access}")

        assert (response.status_code, response["Location"]) == (302, EXPORT)
        assert not LogEntry.objects.exists()
