"""Ending many sessions at once: which, how many, in which steps, and what is said of it."""

import gc
import re
import tracemalloc
from collections.abc import Callable
from copy import copy
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import OperationalError, connection, transaction

from tests.conftest import Clock
from tests.domain import end_reason, events, is_usable, row, start
from tests.test_statement_counts import counting
from tokenauth import bulk, signals, system
from tokenauth.audit import Origin
from tokenauth.bulk import (
    Ended,
    Matching,
    Target,
    count_matching,
    newest_of_each,
    revoke_matching,
)
from tokenauth.exceptions import TryAgain
from tokenauth.models import AuthEvent, AuthSession, EventType, SessionQuerySet
from tokenauth.networks import Network, as_network
from tokenauth.revocation import revoke_session

NONE = Matching(0, 0)


def network(text: str) -> Network:
    """Return the network."""
    found = as_network(text)
    assert found is not None
    return found


def fill(user: User, number: int, **values: Any) -> list[AuthSession]:
    """Give a user so many sessions."""
    first = row(start(user))
    rows = []
    for _ in range(number - 1):
        other = copy(first)
        other.pk = system.new_id()
        rows.append(other)
    AuthSession.objects.bulk_create(rows)
    rows = [first, *rows]
    if values:
        AuthSession.objects.filter(pk__in=[row.pk for row in rows]).update(**values)
    return rows


def alive() -> set[Any]:
    """Return the ids of the sessions that were not revoked."""
    return set(AuthSession.objects.filter(revoked_at=None).values_list("pk", flat=True))


def end(target: Target, **more: Any) -> Ended:
    """Revoke what is meant, and check that it is what was counted."""
    counted = count_matching(target)
    done = revoke_matching(target, **{"reason": "admin", **more})
    assert (done.sessions, done.left) == (counted.sessions, 0)
    assert count_matching(target) == NONE
    return done


@pytest.fixture
def bob(db: None) -> User:
    """Another user."""
    return User.objects.create_user("bob")


class TestTarget:
    def test_must_name_somebody(self) -> None:
        """What was left empty by mistake is not everyone."""
        with pytest.raises(ValueError, match="say whose"):
            Target(created_before=system.now())

    def test_of_no_users_is_nobody(self, user: User) -> None:
        """An empty selection ends nothing."""
        start(user)
        assert end(Target(users=())).sessions == 0

    def test_takes_aware_times_only(self) -> None:
        """A time without a zone could be off by hours."""
        with pytest.raises(ValueError, match="time zone"):
            Target(everyone=True, created_before=system.now().replace(tzinfo=None))

    @pytest.mark.parametrize(
        ("target", "kind"),
        [
            (Target(users=(1,)), "user"),
            (Target(group=1), "group"),
            (Target(network=network("::1")), "network"),
            (Target(everyone=True), "everyone"),
        ],
    )
    def test_has_a_kind(self, target: Target, kind: str) -> None:
        """By what it was chosen."""
        assert target.kind == kind


class TestWhich:
    def test_of_users(self, user: User, bob: User) -> None:
        """Theirs and nobody else's, counted by user."""
        start(user), start(user)
        other = row(start(bob))
        assert end(Target(users=(user.pk,))).by_user == {user.pk: 2}
        assert alive() == {other.pk}

    def test_of_a_group(self, user: User, bob: User) -> None:
        """Of its members."""
        group = Group.objects.create(name="field staff")
        user.groups.add(group)
        mine, other = row(start(user)), row(start(bob))
        end(Target(group=group.pk))
        assert alive() == {other.pk}
        assert mine.pk not in alive()

    @pytest.mark.parametrize(
        ("first", "last"), [("10.1.2.3", "192.0.2.1"), ("192.0.2.1", "10.1.9.9")]
    )
    def test_of_a_network(self, user: User, first: str, last: str) -> None:
        """Where a session began, or was last seen."""
        fill(user, 1, first_ip=first, last_ip=last)
        (other,) = fill(user, 1, first_ip="192.0.2.1", last_ip="192.0.2.1")
        end(Target(network=network("10.1.0.0/16")))
        assert alive() == {other.pk}

    def test_of_everyone(self, user: User, bob: User) -> None:
        """All of them."""
        start(user), start(bob)
        assert count_matching(Target(everyone=True)) == Matching(2, 2)
        end(Target(everyone=True))
        assert alive() == set()

    def test_that_began_before(self, user: User, clock: Clock) -> None:
        """Not before: what began at that time or later stays."""
        start(user)
        limit = clock.advance(hours=1)
        younger = row(start(user))
        end(Target(everyone=True, created_before=limit))
        assert alive() == {younger.pk}

    def test_of_those_who_were_there(self, user: User, clock: Clock) -> None:
        """Whoever logs in after the question was asked is not meant by it."""
        start(user)
        target = Target(everyone=True)
        clock.advance(seconds=1)
        later = row(start(user))
        end(target)
        assert alive() == {later.pk}

    def test_but_those_to_keep(self, user: User) -> None:
        """All but this one."""
        start(user)
        this = row(start(user))
        end(Target(users=(user.pk,), keep=(this.pk,)))
        assert alive() == {this.pk}

    def test_but_the_acting_users_own(self, user: User, bob: User) -> None:
        """Whoever throws out everyone stays in."""
        start(user)
        own = row(start(bob))
        end(Target(everyone=True, spare_user=bob.pk))
        assert alive() == {own.pk}

    @pytest.mark.req("REQ-123")
    def test_but_superusers(self, user: User, staff: User) -> None:
        """Where they are not meant."""
        start(user)
        theirs = row(start(staff))
        end(Target(everyone=True, superusers=False))
        assert alive() == {theirs.pk}

    def test_but_what_has_ended(self, user: User, clock: Clock) -> None:
        """Neither expired nor revoked ones are counted or changed."""
        expired, revoked = start(user), start(user)
        clock.time = row(expired).expires_at + timedelta(minutes=10)
        revoke_session(row(revoked), reason="logout")
        assert end(Target(everyone=True)).sessions == 0
        assert end_reason(expired) == "expired"

    def test_all_that_is_said_counts(self, user: User, bob: User) -> None:
        """Users and a network: of these users, and from there."""
        (other,) = fill(user, 1, first_ip="192.0.2.1")
        (theirs,) = fill(bob, 1, first_ip="10.0.0.1")
        fill(user, 1, first_ip="10.0.0.1")
        end(Target(users=(user.pk,), network=network("10.0.0.0/8")))
        assert alive() == {other.pk, theirs.pk}


class TestNewestOfEach:
    def test_is_of_each(self, user: User, bob: User, clock: Clock) -> None:
        """The newest that lives and was there; nothing for a user without any."""
        start(user)
        newest = row(start(user))
        clock.advance(seconds=1)
        ended, theirs = row(start(user)), row(start(bob))
        revoke_session(ended, reason="logout")
        asked = clock()
        clock.advance(seconds=1)
        start(bob)
        eve = User.objects.create_user("eve")
        keep = newest_of_each([user.pk, bob.pk, eve.pk], until=asked)
        assert theirs.pk in keep
        assert len(keep) == 2
        assert set(keep) - {theirs.pk} <= {newest.pk, *alive()}

    def test_costs_one_statement(self, user: User, bob: User) -> None:
        """However many users."""
        with counting() as found:
            newest_of_each([user.pk, bob.pk], until=system.now())
        assert found.total == 1


class TestWhatIsLeft:
    @pytest.mark.req("REQ-117", "REQ-43")
    def test_tokens_are_refused(self, user: User) -> None:
        """Refresh and access tokens, at once."""
        tokens = start(user)
        end(Target(everyone=True))
        assert not is_usable(tokens)
        assert end_reason(tokens) == "revoked"

    @pytest.mark.req("REQ-121")
    def test_event_of_each(self, user: User, staff: User, clock: Clock) -> None:
        """Who, whom, when, which, why and from where."""
        session = row(start(user))
        origin = Origin("192.0.2.7", "Staff/1.0")
        clock.advance(seconds=1)
        end(Target(everyone=True), reason="suspicious", actor=staff, note="T 1", origin=origin)
        event = AuthEvent.objects.get(type=EventType.REVOKED)
        assert (event.user, event.actor, event.session_id) == (user, staff, session.pk)
        assert (event.reason, event.ip, event.user_agent) == (
            "suspicious",
            "192.0.2.7",
            "Staff/1.0",
        )
        assert event.detail == {"bulk": "everyone", "note": "T 1"}
        session.refresh_from_db()
        assert (session.revoked_by, session.revoked_at) == (staff, event.created_at)
        assert (session.revoked_reason, session.revoked_note) == ("suspicious", "T 1")

    def test_one_signal(self, user: User, bob: User, received: Callable[..., Any]) -> None:
        """However many batches, with the number and no rows; with the user if it is one."""
        calls = received(signals.session_revoked)
        fill(user, 5)
        start(bob)
        end(Target(everyone=True), batch_size=2)
        start(user)
        end(Target(users=(user.pk,)))
        assert [(call["sessions"], call["count"], call["user"]) for call in calls] == [
            ([], 6, None),
            ([], 1, user),
        ]

    def test_no_signal_of_nothing(self, user: User, received: Callable[..., Any]) -> None:
        """Nothing ended, nothing is sent."""
        calls = received(signals.session_revoked)
        end(Target(everyone=True))
        assert calls == []

    @pytest.mark.req("REQ-120")
    def test_count_is_of_rows_that_changed(
        self, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What somebody else ends between reading and writing is theirs: reason and event too."""
        rows = fill(user, 3)
        update = SessionQuerySet.update

        def beside(query: SessionQuerySet, **values: Any) -> int:
            monkeypatch.setattr(SessionQuerySet, "update", update)
            AuthSession.objects.filter(pk=rows[1].pk).update(
                revoked_at=system.now(), revoked_reason="logout"
            )
            return update(query, **values)

        monkeypatch.setattr(SessionQuerySet, "update", beside)
        done = revoke_matching(Target(users=(user.pk,)), reason="admin")
        assert done == Ended(2, 0, {user.pk: 2})
        assert events("revoked") == [("revoked", "admin")] * 2
        rows[1].refresh_from_db()
        assert rows[1].revoked_reason == "logout"


class TestBatches:
    @pytest.mark.vendor("postgresql", "mysql")  # SQLite takes few values at once
    def test_statements(self, user: User) -> None:
        """Three for each batch, BEGIN and COMMIT aside, and none to find that all are gone."""
        fill(user, 5500)
        with counting() as found:
            revoke_matching(Target(everyone=True), reason="admin")
        kinds = [sql.split()[0] for sql in found.statements]
        assert kinds == ["SELECT", "UPDATE", "INSERT"] * 2
        assert alive() == set()

    @pytest.mark.vendor("postgresql", "mysql")  # SQLite takes few values at once
    def test_of_a_network_cost_the_same(self, user: User) -> None:
        """However the network is found."""
        fill(user, 30, first_ip="10.1.2.3")
        target = Target(network=network("10.1.0.0/20"), superusers=False, spare_user=-1)
        with counting() as found:
            revoke_matching(target, reason="admin", batch_size=20)
        assert [sql.split()[0] for sql in found.statements] == ["SELECT", "UPDATE", "INSERT"] * 2

    def test_go_forward(self, user: User) -> None:
        """Each begins behind the last: what has been ended is not read again."""
        fill(user, 6)
        seen: list[Ended] = []
        with counting() as found:
            revoke_matching(Target(everyone=True), reason="x", batch_size=3, progress=seen.append)
        reads = [sql for sql in found.statements if sql.startswith("SELECT")]
        assert [entry.sessions for entry in seen] == [3, 6, 6]
        assert [bool(re.search(r"\Wid\W > ", sql)) for sql in reads] == [False, True, True]

    @pytest.mark.parametrize("size", [0, 5001])
    def test_have_a_size(self, size: int) -> None:
        """A number that makes no sense is refused."""
        with pytest.raises(ValueError, match="batch_size"):
            revoke_matching(Target(everyone=True), reason="admin", batch_size=size)

    def test_memory_is_bounded(self, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ten times as many sessions need no more memory: one batch is held at a time."""
        monkeypatch.setattr("tokenauth.audit.logger.disabled", True)

        def peak(number: int) -> int:
            fill(user, number)
            tracemalloc.start()
            try:
                target = Target(everyone=True)
                collect = lambda _: gc.collect()  # noqa: E731 - what is garbage is not held
                revoke_matching(target, reason="admin", batch_size=100, progress=collect)
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        peak(200)
        few, many = peak(200), peak(2000)
        assert many < few * 1.5


class TestTime:
    def test_what_is_left_is_said(self, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """A run whose time is over ends between two batches, and the next one goes on."""
        fill(user, 5)
        target = Target(users=(user.pk,))
        monkeypatch.setattr("tokenauth.system.monotonic", count().__next__)
        done = revoke_matching(target, reason="admin", batch_size=2, max_seconds=2)
        assert done == Ended(2, 3, {user.pk: 2})
        assert revoke_matching(target, reason="admin").sessions == 3

    def test_it_is_counted_up_to_a_number(
        self, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Counting takes time as well."""
        fill(user, 5)
        monkeypatch.setattr(bulk, "MOST_COUNTED", 2)
        assert revoke_matching(Target(everyone=True), reason="x", max_seconds=0) == Ended(0, 2)


@pytest.mark.django_db(transaction=True)
class TestFailures:
    def test_a_refused_batch_is_tried_again(
        self, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A deadlock ends nothing half, and the run goes on."""
        fill(user, 3)
        refuse(monkeypatch, 0, 1)
        assert revoke_matching(Target(everyone=True), reason="admin").sessions == 3

    def test_what_was_committed_stays(
        self, user: User, monkeypatch: pytest.MonkeyPatch, received: Callable[..., Any]
    ) -> None:
        """The second batch is refused for good: the first has ended, its signal is sent."""
        calls = received(signals.session_revoked)
        fill(user, 3)
        refuse(monkeypatch, 1, 2, 3)
        with pytest.raises(TryAgain):
            revoke_matching(Target(everyone=True), reason="admin", batch_size=2)
        assert len(alive()) == 1
        assert AuthEvent.objects.filter(type=EventType.REVOKED).count() == 2
        assert [call["count"] for call in calls] == [2]

    def test_a_transaction_is_refused(self, user: User) -> None:
        """A rollback would undo it, and every lock would be held to the end."""
        with transaction.atomic(), pytest.raises(RuntimeError):
            revoke_matching(Target(everyone=True), reason="admin")

    def test_each_batch_is_committed(self, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing is open between two batches: a refresh waits for one at most."""
        fill(user, 4)
        open_blocks: list[bool] = []
        revoke_matching(
            Target(everyone=True),
            reason="admin",
            batch_size=2,
            progress=lambda _: open_blocks.append(connection.in_atomic_block),
        )
        assert open_blocks == [False, False, False]


def refuse(monkeypatch: pytest.MonkeyPatch, *turns: int) -> None:
    """Let the database refuse the writes of these numbers."""
    number, write = count(), SessionQuerySet.update

    def update(query: SessionQuerySet, **values: Any) -> int:
        if next(number) in turns:
            raise OperationalError("deadlock detected")
        return write(query, **values)

    monkeypatch.setattr(SessionQuerySet, "update", update)


class TestOtherUserModels:
    def test_no_groups(self, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """A user model without groups has no sessions of a group."""
        monkeypatch.setattr(bulk, "has_column", lambda _name: False)
        with pytest.raises(ValueError, match="no groups"):
            count_matching(Target(group=1))

    def test_superusers_by_no_column(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where SQL cannot leave superusers out, they are not ended by mistake."""
        assert bulk.knows_superusers()
        monkeypatch.setattr(bulk, "has_column", lambda _name: False)
        assert not bulk.knows_superusers()
        with pytest.raises(ValueError, match="no is_superuser"):
            count_matching(Target(everyone=True, superusers=False))
