"""The list of events: what it shows, to whom, what filters and searches find, and how."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.conftest import Api, Clock
from tests.leaks import contains, spellings
from tests.test_admin import EVENTS, FIREFOX, page, root, staff_with, start
from tests.test_admin_secrets import HOSTILE, MARKUP
from tokenauth import sessions
from tokenauth.admin.wording import describe_detail
from tokenauth.audit import make_event
from tokenauth.models import ALARMS, AuthEvent, AuthSession, EventType

__all__ = ["root", "staff_with"]  # fixtures


def event(kind: EventType = EventType.STEP_UP, **facts: Any) -> AuthEvent:
    """Save an event."""
    made = make_event(kind, at=facts.pop("at", datetime(2026, 5, 1, 12).astimezone()), **facts)
    made.save()
    return made


def shown(client: Client, **query: str) -> list[int]:
    """Return the ids of the events that the list shows, in order."""
    response = client.get(EVENTS, query)
    assert response.status_code == 200
    text = response.content.decode()
    return [int(found) for found in re.findall(r"authevent/(\d+)/change/", text)]


def row_of(client: Client, **query: str) -> dict[str, str]:
    """Return the cells of the first line, by column."""
    text = client.get(EVENTS, query).content.decode()
    line = text.partition("<tbody>")[2].partition("</tr>")[0]
    cells = re.findall(r'class="field-(\w+)[^"]*">(.*?)</t[dh]>', line, re.DOTALL)
    return {name: re.sub(r"<[^>]+>", "", cell) for name, cell in cells}


class TestPermissions:
    @pytest.mark.req("REQ-116")
    @pytest.mark.parametrize("name", ["", "export/"])
    def test_anonymous_is_sent_to_the_login(self, db: None, client: Client, name: str):
        """Nobody sees or exports events without logging in, whatever the method."""
        for method in (client.get, client.post):
            response = method(f"{EVENTS}{name}")
            assert response.status_code == 302
            assert response["Location"].startswith("/admin/login/")

    @pytest.mark.req("REQ-116")
    @pytest.mark.parametrize(
        ("held", "status"),
        [((), 403), (("view_authsession", "revoke_authsession"), 403), (("view_authevent",), 200)],
    )
    def test_staff_need_to_be_allowed_to_see_events(
        self, staff_with: Callable[..., Client], held: tuple[str, ...], status: int
    ):
        """The list and the export ask for the same permission."""
        client = staff_with(*held)

        assert client.get(EVENTS).status_code == status
        assert client.post(f"{EVENTS}export/").status_code == status

    @pytest.mark.req("REQ-116")
    def test_the_link_to_a_session_is_for_those_who_may_follow_it(
        self, user: User, staff_with: Callable[..., Client]
    ):
        """The others see its id."""
        session = start(user)
        both = staff_with("view_authevent", "view_authsession").get(EVENTS).content.decode()
        one = staff_with("view_authevent").get(EVENTS).content.decode()

        assert page(session) in both
        assert page(session) not in one
        assert str(session.pk) in one


class TestColumns:
    def test_say_what_happened(self, user: User, staff: User, clock: Clock, root: Client):
        """Time, event, user, session, who, why, from where, with what, and the rest in words."""
        session = start(user)
        sessions.revoke_session(session, reason="lost", actor=staff, note="on the train")
        AuthEvent.objects.update(ip="192.0.2.7", user_agent=FIREFOX)
        found = row_of(root)

        assert found.pop("created_at")
        assert found == {
            "what": "session revoked",
            "owner": "ada",
            "session_link": str(session.pk),
            "doer": "root",
            "reason_text": "device lost or stolen",
            "ip": "192.0.2.7",
            "device": "Firefox on Linux",
            "detail_text": "note: on the train",
        }

    def test_mark_alarms(self, db: None, root: Client):
        """By more than a colour."""
        for kind in EventType:
            event(kind)
            assert (row_of(root)["what"].startswith("Alarm: ")) == (kind in ALARMS)
        assert 'class="tokenauth-status tokenauth-event-alarm"' in root.get(EVENTS).content.decode()

    def test_of_an_account_that_is_gone(self, user: User, clock: Clock, root: Client):
        """The key is left, and says so for user and actor."""
        key = str(user.pk)
        event(user_id=user.pk, actor=user)
        user.delete()
        found = row_of(root, type="step_up")

        assert (found["owner"], found["doer"]) == (key, key)

    @pytest.mark.parametrize(
        ("detail", "words"),
        [
            ({}, ""),
            ({"count": 1}, "1 session"),
            ({"count": 5, "kept": "x"}, "5 sessions, all but the session x"),
            ({"count": "many"}, "count: many"),
            ({"client": "app"}, "client: app"),
            (
                {"presented": 3, "current": 7},
                "generation 3 was presented, the current one was 7",
            ),
            ({"from": 3, "to": 7}, "moved forward from generation 3 to 7"),
            ({"bulk": "network"}, "one of many, by: network"),
            ({"bulk": "own"}, "one of many, by: own"),
            (
                {"from_ip": "192.0.2.1", "from_device": "Firefox on Linux", "run": 2},
                "before on: Firefox on Linux, before at: 192.0.2.1, late answers in a row: 2",
            ),
            (
                {"last_ip": "192.0.2.1", "last_device": "Safari on iOS"},
                "the session was on: Safari on iOS, the session was at: 192.0.2.1",
            ),
            ({"own": [1, 2]}, "own: [1, 2]"),
            (["a"], "['a']"),
            ({"a\u202eb": "%(x)s\n"}, "a?b: %(x)s?"),
            ({"note": "100 %s"}, "note: 100 %s"),
        ],
    )
    def test_detail_in_words(self, detail: object, words: str):
        """What this package writes reads as a sentence, anything else as name and value."""
        assert describe_detail(detail) == words


class TestFilters:
    def test_by_kind(self, db: None, root: Client):
        """One kind of event, the newest first."""
        made = [event(kind).pk for kind in (EventType.REUSE, EventType.STEP_UP, EventType.REUSE)]

        assert shown(root, type="reuse") == [made[2], made[0]]

    def test_by_reason(self, db: None, root: Client):
        """Also by a reason of the project's own, which the list does not offer."""
        made = [event(reason=reason).pk for reason in ("lost", "", "own")]

        assert shown(root, reason="lost") == [made[0]]
        assert shown(root, reason="own") == [made[2]]

    def test_alarms_only(self, db: None, root: Client):
        """What somebody should look at."""
        made = {kind: event(kind).pk for kind in EventType}

        assert sorted(shown(root, alarms="only")) == sorted(made[kind] for kind in ALARMS)
        assert len(shown(root, alarms="x")) == len(made)

    @pytest.mark.parametrize(("chosen", "found"), [("today", 1), ("7", 2), ("30", 3)])
    def test_by_recent_time(
        self, db: None, root: Client, clock: Clock, settings: Any, chosen: str, found: int
    ):
        """Today since midnight here, and the last so many times 24 hours."""
        settings.TIME_ZONE = "Europe/Berlin"
        clock.time = clock.time.replace(hour=22, minute=30, day=20, month=1)  # 23:30 in Berlin
        for ago in (timedelta(hours=23), timedelta(days=6.9), timedelta(days=29.9)):
            event(at=clock() - ago)
        event(at=clock() - timedelta(days=30, seconds=1))

        assert len(shown(root, time=chosen)) == found

    def test_from_one_day_to_another(self, db: None, root: Client, settings: Any):
        """Both days included, in the reader's time zone; either may be left out."""
        settings.TIME_ZONE = "Europe/Berlin"
        made = [
            event(at=datetime.fromisoformat(f"2026-07-{moment}+02:00")).pk
            for moment in ("09T23:59:59", "10T00:00:00", "12T23:59:59", "13T00:00:00")
        ]
        first, second, third, fourth = made

        assert shown(root, time_from="2026-07-10", time_to="2026-07-12") == [third, second]
        assert shown(root, time_from="2026-07-13") == [fourth]
        assert shown(root, time_to="2026-07-09") == [first]

    @pytest.mark.parametrize(
        "query",
        [
            {"time_from": "soon"},
            {"time_from": "2026-02-02", "time_to": "2026-02-01"},
            {"time_to": "2026-02-30"},
            {"time_to": "9999-12-31"},
            {"time_from": "0001-01-01"},
            {"time_from": MARKUP},
        ],
    )
    def test_of_no_day_find_nothing(self, db: None, root: Client, query: dict[str, str]):
        """An error beside the field; and nobody takes all events for the answer."""
        event()
        response = root.get(EVENTS, query)
        assert response.context["cl"].result_count == 0
        assert 'class="errorlist' in response.content.decode()

    def test_by_days_keep_the_others(self, db: None, root: Client):
        """The form for two days carries the other filters and the search along, escaped."""
        text = root.get(EVENTS, {"type": "reuse", "q": '"><b>', "time": "7", "p": "1"})
        form = text.content.decode().partition('class="tokenauth-range"')[2].partition("</form>")[0]
        hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)

        assert dict(hidden) == {"type": "reuse", "q": "&quot;&gt;&lt;b&gt;"}

    def test_that_are_not_offered_are_refused(self, db: None, root: Client):
        """No column is open to questions by the address."""
        assert root.get(EVENTS, {"user_agent__contains": "x"}).status_code == 400


class TestBadValues:
    @pytest.mark.parametrize("value", ["x", "\x00", "🙂", "x" * 59, "-1"])
    @pytest.mark.parametrize("name", ["alarms", "type", "reason", "time"])
    def test_never_fail(self, root: Client, name: str, value: str) -> None:
        """They are ignored, or name nothing: a database refuses some that reach it."""
        assert root.get(EVENTS, {name: value}).status_code == 200
        export = root.post(f"{EVENTS}export/?{urlencode({name: value})}")
        assert b"".join(export.streaming_content)  # type: ignore[attr-defined]  # it is streamed


class TestSearch:
    def test_by_session(self, user: User, clock: Clock, root: Client):
        """All that happened to one session."""
        session, other = start(user), start(user)
        sessions.revoke_session(session, reason="lost")
        assert len(shown(root, q=str(session.pk))) == 2
        assert len(shown(root, q=str(other.pk))) == 1

    @pytest.mark.parametrize("term", ["ada", "ada@example.org", " ada "])
    def test_by_user(self, user: User, clock: Clock, root: Client, term: str):
        """By the whole name or e-mail address; the key, which is no name, works as well."""
        User.objects.filter(pk=user.pk).update(email="ada@example.org")
        start(user)
        start(User.objects.create(username="adam"))

        assert len(shown(root, q=term)) == len(shown(root, q=str(user.pk))) == 1

    def test_by_the_key_of_a_user_who_is_gone(self, user: User, clock: Clock, root: Client):
        """The key outlives the account."""
        key = str(user.pk)
        start(user)
        user.delete()

        assert len(shown(root, q=key)) == 2

    def test_by_address(self, db: None, root: Client):
        """As it is stored, however it is spelled."""
        found = event()
        AuthEvent.objects.update(ip="2001:db8::7")
        event()

        assert shown(root, q="2001:0DB8:0::7") == [found.pk]

    @pytest.mark.parametrize("term", ["nobody", "0", "999999999999999999999", "%", "x y " * 75])
    def test_of_nothing_finds_nothing(self, user: User, clock: Clock, root: Client, term: str):
        """No term is an error, and none is a pattern."""
        start(user)

        assert shown(root, q=term) == []


class TestCost:
    def test_statements_do_not_grow(self, user: User, staff: User, clock: Clock, root: Client):
        """One event or a page of fifty, of as many users."""

        def cost() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert shown(root)
            return len(queries)

        event(user_id=user.pk, actor=staff)
        few = cost()
        for number in range(60):
            other = User.objects.create(username=f"user-{number}")
            sessions.revoke_session(start(other), reason="lost", actor=other)

        assert cost() == few

    def test_a_list_of_any_length_is_counted_to_a_bound(
        self, db: None, root: Client, monkeypatch: pytest.MonkeyPatch
    ):
        """Beyond it the page says that there are more, and how to see them."""
        monkeypatch.setattr("tokenauth.admin.paging.MAX_ROWS", 3)
        for _ in range(4):
            event()
        with CaptureQueriesContext(connection) as queries:
            text = root.get(EVENTS).content.decode()

        assert "There are more than 3 such events" in text
        counts = [one["sql"] for one in queries if "COUNT(" in one["sql"]]
        assert counts
        assert all("LIMIT 4" in sql for sql in counts)


class TestSafety:
    @pytest.mark.req("REQ-122")
    def test_hostile_text_is_text(self, user: User, clock: Clock, root: Client):
        """In every column, filter and field."""
        user.username = HOSTILE[:150]
        user.save()
        made = event(user_id=user.pk, actor=user)
        AuthEvent.objects.update(
            type=MARKUP[:32],
            reason=MARKUP[:32],
            user_agent=HOSTILE,
            detail={MARKUP: HOSTILE, "note": HOSTILE, "client": HOSTILE},
        )
        for address in (EVENTS, f"{EVENTS}?reason={MARKUP}&type=x", f"{EVENTS}{made.pk}/change/"):
            text = root.get(address).content.decode()
            assert MARKUP not in text
        text = root.get(EVENTS).content.decode()
        assert text.count("&lt;script&gt;") >= 6
        assert not re.findall("[\u202a-\u202e\u2066-\u2069\u200e\u200f]", text)

    @pytest.mark.req("REQ-118")
    def test_no_secret_is_shown(self, clock: Clock, app: Api, root: Client):
        """Neither tokens nor seeds nor hashes, in the list and on the page of each event."""
        clock.advance(minutes=1)
        old = str(app.refresh_token)
        for _ in range(2):
            app.refresh()
            clock.advance(minutes=1)
        Api().refresh(old)
        secrets = {old, str(app.access), str(app.refresh_token)}
        for session in AuthSession.objects.all():
            secrets |= spellings(bytes(session.seed)) | {session.auth_hash}
        pages = [EVENTS, *(f"{EVENTS}{found}/change/" for found in shown(root))]

        assert AuthEvent.objects.filter(type="reuse").exists()
        assert not [at for at in pages if contains(root.get(at).content.decode(), secrets)]
