"""Each filter of the list shows the sessions that it names, and no other."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.conftest import Clock
from tests.console import LIST, listed, make, save, statements
from tests.test_admin import root
from tokenauth.admin import filters, periods
from tokenauth.codes import MANY_REPEATS
from tokenauth.models import AuthSession

__all__ = ["root"]  # a fixture

DAY = timedelta(days=1)
SECONDS = 5 / 86400
FACTS: tuple[dict[str, Any], ...] = (
    {},
    {"revoked_reason": "logout"},
    {"revoked_reason": "reuse"},
    {"revoked_reason": "licence"},
    {"late_run": 3},
    {"grace_count": MANY_REPEATS},
    {"grace_count": MANY_REPEATS - 1},
    {"moved_at": "now"},
    {"new_device": True, "device_kind": "phone"},
    {"device_kind": "tablet", "client": "browser"},
    {"client": "television"},
)
AGES = (
    (0, 0),
    (0.01, 0),
    (3, 0),
    (3, 2),
    (9, 8),
    (20, 0),
    (20, 8),
    (20, 15),
    (29, 29),
    (40, 12),
    (40, 35),
)

Test = Callable[[AuthSession, Clock], bool]


def has_ended_by_time(session: AuthSession, clock: Clock) -> bool:
    """Whether it is over, and nobody has revoked it."""
    over = session.expires_at <= clock() or session.end_recorded_at is not None
    return over and session.revoked_at is None


def is_active(session: AuthSession, clock: Clock) -> bool:
    """Whether a request may use it."""
    user = session.user
    lives = session.revoked_at is None and not has_ended_by_time(session, clock)
    return lives and user is not None and user.is_active


def midnight(clock: Clock) -> Any:
    """The beginning of the day, where the server is."""
    local = timezone.localtime(clock())
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def suspicious(session: AuthSession, _clock: Clock) -> bool:
    """Whether any of the four is so."""
    return (
        session.revoked_reason == "reuse"
        or session.late_run > 1
        or session.grace_count >= MANY_REPEATS
        or session.moved_at is not None
    )


CHOICES: dict[tuple[str, str], Test] = {
    ("status", "active"): is_active,
    ("status", "idle"): lambda one, clock: (
        has_ended_by_time(one, clock) and one.expires_at < one.absolute_expires_at
    ),
    ("status", "expired"): lambda one, clock: (
        has_ended_by_time(one, clock) and one.expires_at == one.absolute_expires_at
    ),
    ("status", "revoked"): lambda one, clock: one.revoked_at is not None,
    ("suspicious", "any"): suspicious,
    ("suspicious", "reuse"): lambda one, clock: one.revoked_reason == "reuse",
    ("suspicious", "late"): lambda one, clock: one.late_run > 1,
    ("suspicious", "repeats"): lambda one, clock: one.grace_count >= MANY_REPEATS,
    ("suspicious", "moved"): lambda one, clock: one.moved_at is not None,
    ("seen", "today"): lambda one, clock: one.last_seen_at >= midnight(clock),
    ("seen", "7"): lambda one, clock: one.last_seen_at >= clock() - 7 * DAY,
    ("seen", "30"): lambda one, clock: one.last_seen_at >= clock() - 30 * DAY,
    ("seen", "not7"): lambda one, clock: one.last_seen_at < clock() - 7 * DAY,
    ("seen", "not14"): lambda one, clock: one.last_seen_at < clock() - 14 * DAY,
    ("created", "today"): lambda one, clock: one.created_at >= midnight(clock),
    ("created", "7"): lambda one, clock: one.created_at >= clock() - 7 * DAY,
    ("created", "30"): lambda one, clock: one.created_at >= clock() - 30 * DAY,
    ("client", "app"): lambda one, clock: one.client == "app",
    ("client", "browser"): lambda one, clock: one.client == "browser",
    ("kind", "phone"): lambda one, clock: one.device_kind == "phone",
    ("kind", "tablet"): lambda one, clock: one.device_kind == "tablet",
    ("new", "yes"): lambda one, clock: one.new_device,
    ("staff", "yes"): lambda one, clock: one.user is not None and one.user.is_staff,
    ("revoked", "no"): lambda one, clock: one.revoked_at is None,
    ("revoked", "logout"): lambda one, clock: one.revoked_reason == "logout",
    ("revoked", "reuse"): lambda one, clock: one.revoked_reason == "reuse",
}
NOT_CONFIGURED: dict[tuple[str, str], Test] = {
    ("client", "television"): lambda one, clock: one.client == "television",
    ("revoked", "licence"): lambda one, clock: one.revoked_reason == "licence",
}


@pytest.fixture
def many(clock: Clock, user: User, staff: User) -> list[AuthSession]:
    """Sessions of every age, state and kind; of Ada, of staff, of nobody and of one who left."""
    left = User.objects.create_user("left", is_active=False)
    rows = []
    for number, ((age, silent), facts) in enumerate(product(AGES, FACTS)):
        owner = (user, user, staff, left, None)[number % 5]
        known = {name: clock() if value == "now" else value for name, value in facts.items()}
        if "revoked_reason" in facts:
            known["revoked_at"] = clock()
        rows.append(make(clock, owner or user, age=age, silent=silent, **known))
        rows[-1].user = owner
    # Another host, whose clock is ahead, has told these already that they are over.
    for age, silent in ((14, 14), (30, 3)):
        ending = make(clock, user, age=age - SECONDS, silent=silent - SECONDS)
        ending.end_recorded_at = clock()
        assert ending.expires_at > clock()
        rows.append(ending)
    return save(rows)


class TestChoices:
    @pytest.mark.parametrize("choice", [*CHOICES, *NOT_CONFIGURED], ids="-".join)
    def test_shows_these_and_no_others(
        self, many: list[AuthSession], clock: Clock, root: Client, choice: tuple[str, str]
    ) -> None:
        """What the address asks for is what a reader of each row would choose."""
        fits = (CHOICES | NOT_CONFIGURED)[choice]
        wanted = {one.pk for one in many if fits(one, clock)}
        assert 0 < len(wanted) < len(many)
        assert listed(root, dict([choice])) == wanted

    def test_every_choice_is_known_here(self, root: Client) -> None:
        """A choice that is offered and not tested would be found."""
        specs = root.get(LIST).context["cl"].filter_specs
        offered = {
            (spec.parameter_name, str(value))
            for spec in specs
            if hasattr(spec, "lookup_choices")
            for value, _ in spec.lookup_choices
        }
        offered |= {("created", value) for value, _ in periods.CHOICES}
        plain = {choice for choice in offered if choice[0] in {"kind", "revoked"}}
        assert offered - plain == {c for c in CHOICES if c[0] not in {"kind", "revoked"}}

    def test_two_together(self, many: list[AuthSession], clock: Clock, root: Client) -> None:
        """Filters add up."""
        wanted = {one.pk for one in many if one.new_device and is_active(one, clock)}
        assert listed(root, {"new": "yes", "status": "active"}) == wanted != set()

    def test_the_expired_begin_with_what_ended_last(
        self, clock: Clock, user: User, root: Client
    ) -> None:
        """In the order of the index that finds them."""
        rows = save(make(clock, user, age=age, silent=age - 29) for age in (50, 31, 40))
        shown = root.get(LIST, {"status": "expired"}).context["cl"].result_list
        assert [one.pk for one in shown] == [rows[index].pk for index in (1, 2, 0)]


class TestBadValues:
    @pytest.mark.parametrize("value", ["", "x", "\x00", "7 days", "🙂", "x" * 59, "-1", "None"])
    @pytest.mark.parametrize("name", sorted(filters.PARAMETERS))
    def test_never_fail(
        self, clock: Clock, user: User, root: Client, name: str, value: str
    ) -> None:
        """They are ignored, or name nothing; the page is shown."""
        save([make(clock, user)])
        assert root.get(LIST, {name: value}).status_code == 200

    @pytest.mark.parametrize("name", ["status", "seen", "created", "kind", "suspicious", "new"])
    def test_are_ignored(self, clock: Clock, user: User, root: Client, name: str) -> None:
        """A value that is no choice narrows nothing."""
        [session] = save([make(clock, user)])
        assert listed(root, {name: "nonsense"}) == {session.pk}

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ({"p": "x"}, 200),
            ({"o": "99.x.-"}, 200),
            ({"user": "x"}, 302),
            ({"user": "9" * 40}, 302),
        ],
    )
    def test_of_djangos_own(self, root: Client, query: dict[str, str], status: int) -> None:
        """What Django reads itself leads back to the list, or is ignored."""
        assert root.get(LIST, query).status_code == status


class TestStatements:
    @pytest.mark.req("REQ-124")
    @pytest.mark.parametrize("choice", [("p", "1"), *CHOICES], ids="-".join)
    def test_are_as_many_with_60_as_with_5(
        self, clock: Clock, user: User, staff: User, root: Client, choice: tuple[str, str]
    ) -> None:
        """Each filter costs the same, whatever it finds."""
        example = EXAMPLES.get(choice[0], {}) | EXAMPLES.get("-".join(choice), {})
        owner = staff if choice[0] == "staff" else user
        if "revoked_reason" in example:
            example = example | {"revoked_at": clock()}
        if "moved_at" in example:
            example = example | {"moved_at": clock()}
        counts = []
        for more in (5, 55):
            save(make(clock, owner, **example) for _ in range(more))
            found = root.get(LIST, dict([choice])).context["cl"].result_count
            counts.append((found, statements(root, dict([choice]))))
        usual = 5 if choice[0] == "staff" else 4
        assert counts == [(5, usual), (60, usual)]


EXAMPLES: dict[str, dict[str, Any]] = {
    "status-idle": {"age": 20, "silent": 15},
    "status-expired": {"age": 31, "silent": 2},
    "status-revoked": {"revoked_reason": "user"},
    "suspicious": {"grace_count": 500},
    "suspicious-reuse": {"revoked_reason": "reuse"},
    "suspicious-late": {"late_run": 2},
    "suspicious-moved": {"moved_at": None},
    "seen-not7": {"age": 20, "silent": 15},
    "seen-not14": {"age": 20, "silent": 15},
    "client-browser": {"client": "browser"},
    "kind-phone": {"device_kind": "phone"},
    "kind-tablet": {"device_kind": "tablet"},
    "new": {"new_device": True},
    "revoked-logout": {"revoked_reason": "logout"},
    "revoked-reuse": {"revoked_reason": "reuse"},
}


class TestStaff:
    def test_is_not_offered_where_no_column_says_so(
        self, monkeypatch: pytest.MonkeyPatch, root: Client
    ) -> None:
        """A project whose users have no such column has no such filter."""
        monkeypatch.setattr(filters, "has_column", lambda name: False)
        specs = root.get(LIST).context["cl"].filter_specs
        assert "staff" not in {getattr(spec, "parameter_name", "") for spec in specs}
        assert "status" in {getattr(spec, "parameter_name", "") for spec in specs}


class TestPermission:
    def test_the_address_reads_no_other_column(self, root: Client) -> None:
        """What is no filter is refused, however alike it looks."""
        for name in ("status__gt", "client__startswith", "created_at__gte", "user__email"):
            assert root.get(LIST, {name: "a"}).status_code == 400
