"""The overview: who sees it, what it says, and what it costs."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from tests.conftest import Api, Clock
from tests.domain import refresh
from tests.domain import start as start_tokens
from tests.leaks import contains, spellings
from tests.test_admin import LIST, page, root, staff_with, start
from tests.test_admin_secrets import BIDI, HOSTILE, MARKUP
from tests.test_pruning import refusing
from tokenauth import sessions
from tokenauth.admin.charts import Curve, draw, shares
from tokenauth.models import AuthSession, AuthStatistic, EventType
from tokenauth.statistics import Measure, gather

__all__ = ["root", "staff_with"]  # fixtures

OVERVIEW = f"{LIST}overview/"
PERIODS = ["24h", "7d", "30d"]


def show(client: Client, period: str = "24h") -> str:
    """Return the page."""
    response = client.get(OVERVIEW, {"period": period})
    assert response.status_code == 200
    return response.content.decode()


def numbers(text: str) -> dict[str, tuple[str, str]]:
    """Return the figures on top: label, count and change."""
    found = re.findall(
        r'<dt>(.*?)</dt>\s*<dd class="tokenauth-number">(.*?)</dd>'
        r'(?:\s*<dd class="tokenauth-change">(.*?)</dd>)?',
        text,
    )
    return {label: (count, change) for label, count, change in found}


def section(text: str, name: str) -> str:
    """Return one part of the page."""
    return text.partition(f'id="{name}"')[2].partition('<div class="module')[0]


def content_of(text: str) -> str:
    """Return the page without what Django puts around it."""
    return text.partition('<div id="content-main">')[2].partition("<footer")[0]


@pytest.fixture
def noon(clock: Clock, settings: Any) -> Clock:
    """The clock at noon, in a project whose zone is UTC."""
    settings.TIME_ZONE = "UTC"
    clock.time = clock.time.replace(hour=12, minute=0, second=0)
    return clock


class TestPermissions:
    @pytest.mark.req("REQ-116")
    def test_anonymous_is_sent_to_the_login(self, db: None, client: Client):
        """Nobody sees figures without logging in."""
        response = client.get(OVERVIEW)
        assert (response.status_code, response["Location"]) == (
            302,
            f"/admin/login/?next={OVERVIEW}",
        )

    @pytest.mark.req("REQ-116")
    @pytest.mark.parametrize(
        ("held", "status"),
        [
            ((), 403),
            (("view_authevent", "view_authstatistic", "revoke_authsession"), 403),
            (("view_authsession",), 200),
        ],
    )
    def test_staff_need_to_be_allowed_to_see_sessions(
        self, staff_with: Callable[..., Client], held: tuple[str, ...], status: int
    ):
        """No other permission opens the page."""
        assert staff_with(*held).get(OVERVIEW).status_code == status

    @pytest.mark.req("REQ-116")
    def test_the_links_to_it_are_for_those_who_may(self, staff_with: Callable[..., Client]):
        """From the list and from the app's page; who may only see events finds none."""
        allowed, other = staff_with("view_authsession"), staff_with("view_authevent")
        for address in (LIST, "/admin/tokenauth/"):
            assert f'href="{OVERVIEW}"' in allowed.get(address).content.decode()
        assert OVERVIEW not in other.get("/admin/tokenauth/").content.decode()

    @pytest.mark.req("REQ-119")
    def test_statistics_have_no_page_of_their_own(self):
        """The model is registered nowhere: nothing of it can be changed."""
        assert not admin.site.is_registered(AuthStatistic)


class TestNumbers:
    def test_of_today(self, user: User, noon: Clock, root: Client):
        """What has happened since midnight, up to this second."""
        tokens = start_tokens(user)
        noon.advance(minutes=1)
        refresh(tokens)
        sessions.record_failed_login(client="app")
        start(user)
        sessions.revoke_session(start(user), reason="admin")
        found = numbers(show(root))

        assert {label: count for label, (count, _) in found.items()} == {
            "Active sessions": "2",
            "Sign-ins today": "3",
            "Failed sign-ins today": "1",
            "Refreshes today": "1",
            "Refresh tokens reused today": "0",
            "Sessions revoked today": "1",
        }

    def test_beside_those_of_a_week_ago(self, user: User, noon: Clock, root: Client):
        """Until the same time of day: what came later that day is left out."""
        now = noon.time
        noon.time = now - timedelta(days=7, hours=3)
        for _ in range(2):
            start(user)
        gather()
        noon.time = now - timedelta(days=7) + timedelta(hours=2)
        for _ in range(10):
            start(user)
        noon.time = now
        for _ in range(3):
            start(user)

        assert numbers(show(root))["Sign-ins today"] == ("3", "50 % more than a week ago (2)")

    def test_an_hour_counts_by_its_share(self, user: User, noon: Clock, root: Client):
        """At half past, half of that hour of last week is compared."""
        now = noon.time + timedelta(minutes=30)
        noon.time -= timedelta(days=7)
        for _ in range(8):
            start(user)
        noon.time = now
        start(user)

        assert numbers(show(root))["Sign-ins today"] == ("1", "75 % fewer than a week ago (4)")

    def test_that_did_not_change(self, user: User, noon: Clock, root: Client):
        """Said in words too; nothing is divided by nothing."""
        found = numbers(show(root))
        start(user)

        assert found["Sign-ins today"] == ("0", "as many as a week ago")
        assert numbers(show(root))["Sign-ins today"] == ("1", "none a week ago")

    def test_active_sessions_beside_those_of_a_week_ago(
        self, user: User, noon: Clock, root: Client
    ):
        """As counted in the same hour."""
        noon.time -= timedelta(days=7)
        start(user)
        gather()
        noon.time += timedelta(days=7)
        start(user)

        assert numbers(show(root))["Active sessions"] == ("2", "100 % more than a week ago (1)")


class TestGathering:
    def test_needs_no_cron(self, user: User, noon: Clock, root: Client):
        """The page counts what is due itself."""
        start(user)
        noon.advance(hours=3)
        show(root)

        rows = AuthStatistic.objects.filter(measure=Measure.SIGN_IN)
        assert [(row.key, row.count) for row in rows] == [("app", 1)]

    def test_says_what_it_had_no_time_for(
        self, user: User, noon: Clock, root: Client, monkeypatch: pytest.MonkeyPatch
    ):
        """The figures then end at a time that the page names."""
        for _ in range(5):
            start(user)
            noon.advance(hours=1)
        ticks = iter(x / 4 for x in range(1000))
        monkeypatch.setattr("tokenauth.system.monotonic", lambda: next(ticks))
        text = show(root)

        assert "Counted so far until" in text
        assert numbers(text)["Sign-ins today"][0] == "2"

    @pytest.mark.django_db(transaction=True)
    def test_a_busy_database_keeps_nobody_out(self, user: User, noon: Clock, root: Client):
        """The page shows what was counted before."""
        start(user)
        noon.advance(hours=3)
        with refusing(3, "INSERT", "statistic"):
            text = show(root)

        assert "have not been counted yet" in text

    def test_leaves_a_big_table_to_the_command(
        self, user: User, noon: Clock, root: Client, monkeypatch: pytest.MonkeyPatch
    ):
        """Active sessions are not counted by a page view that would have to read all of it."""
        monkeypatch.setattr("tokenauth.admin.overview.SCAN_AT_MOST", 2)
        for _ in range(3):
            start(user)
        assert numbers(show(root))["Active sessions"] == ("-", "")
        gather()

        assert numbers(show(root))["Active sessions"][0] == "3"


class TestPlots:
    @pytest.mark.parametrize("period", PERIODS)
    def test_show_their_time(self, user: User, noon: Clock, root: Client, period: str):
        """Each plot has a title, the same in words, and as a table that adds up."""
        for hours in (0, 30, 24 * 8):
            noon.advance(hours=hours)
            start(user)
        text = show(root, period)
        expected = {"24h": 1, "7d": 1, "30d": 3}[period]
        plot = text.partition('id="chart-sign-ins"')[2].partition("</figure>")[0]

        assert f"Sign-ins: {expected} in all" in plot
        cells = re.findall(r'<tr><th scope="row">[^<]*</th><td>(\d+)</td>', plot)
        assert len(cells) == {"24h": 24, "7d": 168, "30d": 30}[period]
        assert sum(map(int, cells)) == expected
        assert re.search(r'aria-labelledby="(\S+) (\S+)"', plot)
        assert plot.count('id="chart-sign-ins-title"') == 1
        assert plot.count('id="chart-sign-ins-text"') == 1

    def test_of_an_unknown_time_are_of_24_hours(self, db: None, noon: Clock, root: Client):
        """What stands in the address is one of three, or nothing."""
        assert 'href="?period=24h" aria-current="true"' in show(root, MARKUP)

    @pytest.mark.parametrize("period", PERIODS)
    def test_of_nothing(self, db: None, noon: Clock, root: Client, period: str):
        """An empty database has a page that says so."""
        text = show(root, period)

        assert text.count("Nothing in this time.") == 6
        assert "<svg" not in content_of(text)

    def test_of_thirty_days_are_days_of_the_reader(
        self, user: User, clock: Clock, root: Client, settings: Any
    ):
        """Midnight is that of the current time zone, over a change of its clocks too."""
        settings.TIME_ZONE = "Europe/Berlin"
        clock.time = clock.time.replace(month=11, day=10, hour=22, minute=30, second=0)
        start(user)
        clock.advance(hours=1)  # the next day in Berlin
        for _ in range(2):
            start(user)
        plot = show(root, "30d").partition('id="chart-sign-ins"')[2].partition("</figure>")[0]
        cells = re.findall(r'<tr><th scope="row">([^<]*)</th><td>(\d+)</td>', plot)

        assert [count for _, count in cells[-2:]] == ["1", "2"]
        assert [day.split(",")[0] for day, _ in cells[-2:]] == ["Nov. 10", "Nov. 11"]
        assert len({day for day, _ in cells}) == 30

    def test_are_well_formed(self, user: User, noon: Clock, root: Client):
        """Every SVG parses, and its coordinates are numbers in any language."""
        start(user)
        with translation.override("de"):
            text = show(root)
        plots = re.findall(r"<svg.*?</svg>", content_of(text), re.DOTALL)

        assert len(plots) > 3
        for plot in plots:
            for element in ET.fromstring(plot).iter():  # noqa: S314 - our own page
                for name in ("x", "y", "x1", "y2", "cx", "width", "height", "d"):
                    assert "," not in element.get(name, "")

    def test_need_no_inline_style_or_script(self, user: User, noon: Clock, root: Client):
        """Nor anything from elsewhere: the page works under a strict policy."""
        start(user)
        content = content_of(show(root))

        assert "<svg" in content
        assert not re.search(r"<(style|script|img|iframe|link)|\s(style|on\w+)=|://", content)

    def test_leave_a_gap_where_nothing_was_counted(self):
        """A level that is not known is no zero: the line is interrupted, a lone point a dot."""
        times = [(str(n), str(n)) for n in range(5)]
        chart = draw("x", "X", times, [Curve("a", [1, 2, None, 4, None], is_level=True)])

        assert [path.count("L") for path in chart.lines[0].paths] == [1]
        assert len(chart.lines[0].dots) == 1
        assert [cells for _, cells in chart.rows] == [["1"], ["2"], ["-"], ["4"], ["-"]]

    def test_tell_what_is_not_over_from_a_fall(self):
        """The last stretch of a count is drawn apart, and named; of a level it is no other."""
        times = [(str(n), str(n)) for n in range(3)]
        count, level = Curve("a", [2, 2, 1]), Curve("b", [2, 2, 1], is_level=True)
        chart = draw("x", "X", times, [count, level])

        assert [line.paths[0].count("L") for line in chart.lines] == [1, 2]
        assert [line.unfinished.count("L") for line in chart.lines] == [1, 0]
        assert [time for time, _ in chart.rows] == ["0", "1", "2 (so far)"]

    @pytest.mark.parametrize(
        ("most", "top"), [(0, 4), (1, 4), (4, 4), (5, 8), (9, 20), (81, 200), (12345, 20000)]
    )
    def test_have_an_axis_that_reads_well(self, most: int, top: int):
        """Five marks, of round numbers, the last one above everything."""
        chart = draw("x", "X", [("a", "a"), ("b", "b")], [Curve("a", [0, most])])

        assert len(chart.ups) == 5
        assert chart.ups[-1].text.replace(",", "") == str(top)

    def test_of_what_was_never_counted(self):
        """In words: not counted, rather than nothing."""
        chart = draw("x", "X", [("a", "a")], [Curve("Active", [None], is_level=True)])

        assert (chart.text, chart.is_empty) == ("Active: not counted yet.", True)

    def test_shares_add_up(self):
        """Of the whole; what did not happen has none."""
        found = shares([("a", 2), ("b", 1), ("c", 0)])

        assert [(part.label, part.percent, part.width) for part in found] == [
            ("a", "67 %", "66.7"),
            ("b", "33 %", "33.3"),
        ]
        assert shares([("a", 0)]) == []


class TestTables:
    def test_of_clients_and_devices(self, user: User, noon: Clock, root: Client):
        """Each with its number and its share of the sign-ins of the time shown."""
        for client in ("app", "app", "browser", "app"):
            sessions.start_session(user, client=client)
        AuthSession.objects.filter(client="browser").update(device_kind="tablet")
        text = show(root)

        assert re.search(r"app</th>\s*<td>3</td>.*75 %", section(text, "clients"), re.DOTALL)
        devices = section(text, "devices")
        assert re.search(r"tablet</th>\s*<td>1</td>.*25 %", devices, re.DOTALL)
        assert re.search(r"unknown</th>\s*<td>3</td>", devices)

    def test_of_users_link_to_their_sessions(self, user: User, noon: Clock, root: Client):
        """The name, the number, and the list of exactly these."""
        for _ in range(2):
            start(user)
        link = f"{LIST}?user={user.pk}"

        assert re.search(
            rf'<a href="{re.escape(link)}">ada</a></th><td>2<', section(show(root), "top-users")
        )
        assert root.get(link).status_code == 200

    def test_of_users_are_those_of_the_newest_count(self, user: User, noon: Clock, root: Client):
        """What a crash left of an earlier one is not shown."""
        start(user)
        gather()
        AuthStatistic.objects.create(
            hour=noon() - timedelta(hours=1), measure=Measure.TOP_USER, key="left", count=9
        )

        assert "left" not in section(show(root), "top-users")

    def test_of_users_who_are_gone(self, user: User, noon: Clock, root: Client):
        """By what is left of them, their key; the key of another user model is no error."""
        start(user)
        gather()
        AuthStatistic.objects.filter(measure=Measure.TOP_USER).update(key="not-a-number")

        assert ">not-a-number</a>" in section(show(root), "top-users")

    @pytest.mark.parametrize(
        ("values", "sign"),
        [
            ({"late_run": 3}, "late answers in a row"),
            ({"grace_count": 1000}, "many repeated answers"),
            ({"moved_at": "2026-01-01T00:00Z"}, "address and browser changed at once"),
            (
                {"revoked_at": "2026-01-01T00:00Z", "revoked_reason": "reuse"},
                "refresh token reused",
            ),
        ],
    )
    def test_of_suspicious_sessions(
        self, user: User, noon: Clock, root: Client, values: dict[str, Any], sign: str
    ):
        """Linked, with what is suspicious in words; the others are not there."""
        found, other = start(user), start(user)
        AuthSession.objects.filter(pk=found.pk).update(**values)
        text = section(show(root), "suspicious")

        assert page(found) in text
        assert sign in text
        assert page(other) not in text

    def test_of_suspicious_sessions_are_the_last_ten(self, user: User, noon: Clock, root: Client):
        """The newest first."""
        made = []
        for _ in range(11):
            made.append(start(user))
            noon.advance(seconds=1)
        AuthSession.objects.update(late_run=2)
        text = section(show(root), "suspicious")

        assert re.findall(r'href="([^"]+/change/)"', text) == [page(s) for s in made[:0:-1]]


class TestCost:
    def test_statements_do_not_grow(self, user: User, noon: Clock, root: Client):
        """One sign-in or hundreds of everything: the same number of statements."""

        def cost(period: str) -> int:
            with CaptureQueriesContext(connection) as queries:
                show(root, period)
            return len(queries)

        AuthSession.objects.filter(pk=start(user).pk).update(late_run=2)
        gather()
        few = [cost(period) for period in PERIODS]
        for number in range(25):
            other = User.objects.create(username=f"user-{number}")
            sessions.record_failed_login(client="app")
            for _ in range(2):
                start(other)
            sessions.revoke_user_sessions(other, reason=f"reason-{number}")
            start(other)
        AuthSession.objects.update(late_run=2, grace_count=500)
        AuthStatistic.objects.all().delete()
        gather()

        assert [cost(period) for period in PERIODS] == few
        assert max(few) <= 16

    def test_the_big_tables_are_read_by_ranges(self, user: User, noon: Clock, root: Client):
        """No statement of a page view reads sessions, events or history without a border."""
        start(user)
        gather()
        with CaptureQueriesContext(connection) as queries:
            show(root)
        big = ("tokenauth_authsession", "tokenauth_authevent", "tokenauth_refreshtoken")
        found = [one["sql"] for one in queries if any(name in one["sql"] for name in big)]

        assert found
        assert all(" >= " in sql or " > " in sql or "LIMIT 10" in sql for sql in found)


class TestSafety:
    @pytest.mark.req("REQ-122")
    def test_hostile_text_is_text(self, user: User, noon: Clock, root: Client):
        """Names of users, devices and clients, and codes of kinds: escaped, in one line."""
        user.username = HOSTILE[:150]
        user.save()
        start(user)
        AuthSession.objects.update(
            client=f"{MARKUP}{BIDI}",
            device_kind="<b>",
            device_name=HOSTILE[:100],
            device=HOSTILE[:80],
            late_run=2,
        )
        text = show(root)

        assert MARKUP not in text
        assert text.count("&lt;script&gt;") >= 3
        assert not re.findall("[\u202a-\u202e\u2066-\u2069\u200e\u200f]", text)

    @pytest.mark.req("REQ-118")
    def test_no_secret_is_shown(self, noon: Clock, app: Api, root: Client):
        """Neither tokens nor seeds nor hashes."""
        secrets = {str(app.access), str(app.refresh_token)}
        for session in AuthSession.objects.all():
            secrets |= spellings(bytes(session.seed)) | {session.auth_hash}
        AuthSession.objects.update(late_run=2)

        assert not contains(show(root), secrets)

    @pytest.mark.req("REQ-118")
    def test_a_token_leaves_the_address(self, noon: Clock, app: Api, root: Client):
        """As on every page."""
        response = root.get(OVERVIEW, {"period": str(app.access)})

        assert (response.status_code, response["Location"]) == (302, OVERVIEW)

    def test_no_measure_is_an_event_that_nobody_writes(self):
        """What is counted from events is named as the events are."""
        counted = {Measure.FAILURE, Measure.STEP_UP, Measure.REUSE, Measure.LATE_ANSWER}
        assert counted <= set(EventType.values)
