"""Step-up: the jump, what it leaves behind, and what happens beside it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, transaction

from tests.conftest import PASSWORD, Clock
from tests.domain import (
    end_reason,
    events,
    interleave,
    interleave_jump,
    is_refreshed,
    is_usable,
    refresh,
    row,
    start,
)
from tokenauth import sessions
from tokenauth.access import verify_access_token
from tokenauth.audit import Origin
from tokenauth.exceptions import RefreshSuperseded, SessionEnded, TryAgain
from tokenauth.issuing import issue_tokens
from tokenauth.models import AuthEvent, AuthSession, RefreshToken
from tokenauth.protocol import Verdict
from tokenauth.sessions import Tokens, step_up

pytestmark = pytest.mark.req("REQ-51")

UPGRADED = ["tests.test_accounts.WeakHasher", "django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def tokens(user: User, clock: Clock) -> Tokens:
    """Ada's tokens, an hour after her login by password."""
    found = start(user, amr=("pwd",))
    clock.advance(hours=1)
    return found


def again(tokens: Tokens, *amr: str) -> Tokens:
    """Step up the session as it is in the database now."""
    session = AuthSession.objects.with_user().get(pk=tokens.session.pk)
    return step_up(session, amr=amr or ("pwd",))


def claims(tokens: Tokens) -> Any:
    """Return the claims of the access token."""
    return verify_access_token(tokens.access).token


def is_superseded(tokens: Tokens) -> bool:
    """Refresh; return whether the answer is that of a token from before a step-up."""
    try:
        refresh(tokens)
    except RefreshSuperseded:
        return True
    return False


class TestJump:
    def test_row(self, tokens: Tokens, clock: Clock):
        """Two generations on, the floor with them, and the times of now."""
        again(tokens, "pwd", "otp")
        session = row(tokens)
        assert (session.generation, session.floor) == (2, 2)
        assert (session.auth_time, session.amr) == (clock(), ["pwd", "otp"])
        assert session.rotated_at == session.listed_at == session.last_seen_at == clock()
        assert session.expires_at == clock() + timedelta(days=14)
        assert session.created_at == clock() - timedelta(hours=1)

    def test_end_is_not_moved_past_the_absolute_one(self, tokens: Tokens, clock: Clock):
        """A proof prolongs the idle time, never the session."""
        for _ in range(3):
            clock.advance(days=9)
            again(tokens)
        session = row(tokens)
        assert session.expires_at == session.absolute_expires_at

    def test_new_tokens(self, tokens: Tokens, clock: Clock):
        """They work, and say when and how."""
        new = again(tokens, "pwd", "otp")
        assert claims(new)["auth_time"] == clock().timestamp()
        assert claims(new)["amr"] == ["pwd", "otp"]
        assert claims(new)["gen"] == 2
        clock.advance(seconds=31)
        assert refresh(new).session.generation == 3

    def test_claims_are_kept_by_a_refresh(self, tokens: Tokens, clock: Clock):
        """A refresh proves nothing: ``auth_time`` stays that of the step-up."""
        new, then = again(tokens, "pwd", "otp"), clock().timestamp()
        clock.advance(hours=1)
        later = refresh(new)
        assert (claims(later)["auth_time"], claims(later)["amr"]) == (then, ["pwd", "otp"])

    def test_access_tokens_from_before(self, tokens: Tokens):
        """Each is refused at once, whatever its age."""
        assert is_usable(tokens) is False
        fresh = refresh(tokens)
        assert is_usable(fresh)
        again(tokens)
        assert not is_usable(fresh)

    def test_refresh_tokens_from_before(self, tokens: Tokens, clock: Clock):
        """Current, predecessor or older: superseded, without an alarm, now and for ever."""
        held = [tokens, refresh(tokens)]
        clock.advance(hours=1)
        held.append(refresh(held[-1]))
        new = again(tokens)
        for _ in range(2):
            before = AuthSession.objects.values().get()
            assert [is_superseded(old) for old in held] == [True] * 3
            assert AuthSession.objects.values().get() == before
            clock.advance(hours=1)
            assert is_refreshed(new)
        assert events("reuse", "revoked") == []

    def test_skipped_generation(self, tokens: Tokens):
        """The generation that was jumped over was never issued, and its token is superseded."""
        session = row(tokens)
        session.generation = 1
        skipped = sessions.Tokens(session, "", 0, forged(session), 0)
        again(tokens)
        assert is_superseded(skipped)

    def test_event(self, tokens: Tokens, clock: Clock, user: User):
        """One audit row: whose, which session, from where, by what."""
        step_up(tokens.session, amr=("pwd",), origin=Origin("192.0.2.7", "app/2"))
        event = AuthEvent.objects.get(type="step_up")
        assert (event.user, event.session_id) == (user, tokens.session.pk)
        assert (event.ip, event.user_agent) == ("192.0.2.7", "app/2")
        assert (event.detail, event.created_at) == ({"amr": ["pwd"]}, clock())

    def test_no_history(self, tokens: Tokens):
        """The event is its trace: the history of refresh tokens has no row of it."""
        again(tokens)
        assert list(RefreshToken.objects.values_list("generation", flat=True)) == [0]

    def test_event_and_state_are_one(self, tokens: Tokens, monkeypatch: Any):
        """If the audit row cannot be written, nothing has happened."""

        def refuse(_events: Any) -> None:
            raise RuntimeError("the disk is full")

        monkeypatch.setattr("tokenauth.stepup.record", refuse)
        before = AuthSession.objects.values().get()
        with pytest.raises(RuntimeError):
            again(tokens)
        assert AuthSession.objects.values().get() == before

    def test_within_the_grace_after_the_login(self, user: User, clock: Clock):
        """Generation and floor are both 0, and it jumps all the same."""
        tokens = start(user, amr=("pwd",))
        clock.advance(seconds=1)
        new = again(tokens)
        assert claims(new)["gen"] == 2
        assert not is_usable(tokens)

    def test_after_a_change_of_password(self, tokens: Tokens, user: User, clock: Clock):
        """That jump proved nothing new: a step-up right after it is one of its own."""
        user.set_password("another")
        user.save()
        sessions.renew_after_password_change(row(tokens), user)
        clock.advance(seconds=1)
        new = again(tokens)
        assert (claims(new)["gen"], claims(new)["auth_time"]) == (4, clock().timestamp())


def forged(session: AuthSession) -> str:
    """Return the refresh token of the generation that the instance says."""
    return str(issue_tokens(session, session.rotated_at, with_refresh=True).refresh)


class TestTwice:
    @pytest.mark.parametrize("pause", [0, 29.999])
    def test_within_the_grace(self, tokens: Tokens, clock: Clock, pause: float):
        """A double click, or a lost answer: the same generation, no second jump or event."""
        first = again(tokens)
        clock.advance(seconds=pause)
        before = AuthSession.objects.values().get()
        second = again(tokens)
        assert second.refresh == first.refresh
        assert is_usable(first)
        assert is_usable(second)
        assert AuthSession.objects.values().get() == before
        assert events("step_up") == [("step_up", "")]

    def test_says_when_the_first_was(self, tokens: Tokens, clock: Clock):
        """Its access token has the times of the row, so both answers say the same."""
        then = clock().timestamp()
        again(tokens)
        clock.advance(seconds=20)
        assert claims(again(tokens))["auth_time"] == then

    @pytest.mark.parametrize("pause", [30, 3600])
    def test_after_the_grace(self, tokens: Tokens, clock: Clock, pause: float):
        """It is another step-up."""
        first = again(tokens)
        clock.advance(seconds=pause)
        assert claims(again(tokens))["auth_time"] == clock().timestamp()
        assert row(tokens).floor == 4
        assert is_superseded(first)

    def test_by_another_method(self, tokens: Tokens, clock: Clock):
        """More was proved: the tokens have to say so."""
        again(tokens)
        clock.advance(seconds=1)
        new = again(tokens, "pwd", "otp")
        assert (claims(new)["gen"], claims(new)["amr"]) == (4, ["pwd", "otp"])

    def test_after_a_refresh(self, tokens: Tokens, clock: Clock, settings: Any):
        """A session that was rotated since jumps: the floor is behind it."""
        first = again(tokens)
        settings.TOKENAUTH_GRACE_PERIOD = timedelta(seconds=1)
        clock.advance(seconds=1)
        refresh(first)
        settings.TOKENAUTH_GRACE_PERIOD = timedelta(seconds=30)
        assert claims(again(tokens))["gen"] == 5

    def test_without_a_grace(self, tokens: Tokens, settings: Any):
        """Each jumps."""
        settings.TOKENAUTH_GRACE_PERIOD = timedelta(0)
        assert [claims(again(tokens))["gen"] for _ in range(3)] == [2, 4, 6]

    def test_from_one_reading(self, tokens: Tokens):
        """Two requests that read the same row: the second finds the first and repeats it."""
        one, two = row(tokens), row(tokens)
        first, second = step_up(one, amr=("pwd",)), step_up(two, amr=("pwd",))
        assert first.refresh == second.refresh
        assert row(tokens).generation == 2
        assert events("step_up") == [("step_up", "")]


class TestEnded:
    @pytest.mark.parametrize("reason", ["logout", "admin"])
    def test_revoked_before(self, tokens: Tokens, reason: str):
        """A row that was read before it was revoked does not bring the session back."""
        session = row(tokens)
        sessions.revoke_session(row(tokens), reason=reason)
        assert_ended(session, "logout" if reason == "logout" else "revoked")

    def test_expired(self, tokens: Tokens, clock: Clock):
        """Neither does one of a session that is over by time."""
        clock.advance(days=14)
        assert_ended(row(tokens), "expired")

    def test_expired_in_the_database_alone(self, tokens: Tokens, clock: Clock):
        """The write itself refuses it, whatever was read."""
        session = row(tokens)
        AuthSession.objects.update(expires_at=clock())
        assert_ended(session, "expired")

    def test_gone(self, tokens: Tokens):
        """A session whose row was pruned is revoked."""
        session = row(tokens)
        AuthSession.objects.all().delete()
        assert_ended(session, "revoked")

    def test_inactive(self, tokens: Tokens):
        """An account that is not active steps up nowhere."""
        User.objects.update(is_active=False)
        assert_ended(row(tokens), "account")

    def test_deleted(self, tokens: Tokens, user: User):
        """Nor one that is gone."""
        user.delete()
        assert_ended(row(tokens), "account")

    def test_password_changed(self, tokens: Tokens, user: User):
        """The auth hash is not that of the account any more."""
        user.set_password("another")
        user.save()
        assert_ended(row(tokens), "account")


def assert_ended(session: AuthSession, reason: str) -> None:
    """Step up, which must be refused for this reason and change nothing."""
    before = list(AuthSession.objects.values())
    with pytest.raises(SessionEnded) as raised:
        step_up(session, amr=("pwd",))
    assert raised.value.reason == reason
    assert list(AuthSession.objects.values()) == before
    assert events("step_up") == []


class TestBeside:
    """Something real between reading and writing."""

    def test_refresh(self, tokens: Tokens, monkeypatch: Any):
        """It jumps from where the rotation went; the rotation's token is superseded, no alarm."""
        rotated: list[Tokens] = []
        interleave_jump(monkeypatch, lambda: rotated.append(refresh(tokens)))
        new = again(tokens)
        assert (row(tokens).generation, row(tokens).floor) == (3, 3)
        assert is_superseded(rotated[0])
        assert not is_usable(rotated[0])
        assert is_usable(new)

    def test_refresh_that_comes_second(self, tokens: Tokens, monkeypatch: Any):
        """A rotation that was decided before the jump finds the floor above it."""
        new: list[Tokens] = []
        verdicts = interleave(monkeypatch, lambda: new.append(again(tokens)))
        assert is_superseded(tokens)
        assert verdicts == [Verdict.ROTATE, Verdict.SUPERSEDED]
        assert is_usable(new[0])
        assert events("reuse") == []

    def test_repeat_that_comes_second(self, tokens: Tokens, monkeypatch: Any):
        """A repeated answer that was decided before the jump is not given after it."""
        refresh(tokens)
        interleave(monkeypatch, lambda: again(tokens))
        assert is_superseded(tokens)
        assert events("reuse") == []

    def test_reuse_that_comes_second(self, tokens: Tokens, clock: Clock, monkeypatch: Any):
        """A token that was reuse before the jump is superseded after it."""
        latest = refresh(tokens)
        clock.advance(hours=1)
        refresh(latest)
        clock.advance(hours=1)
        interleave(monkeypatch, lambda: again(tokens))
        assert is_superseded(tokens)
        assert row(tokens).revoked_at is None

    def test_revocation(self, tokens: Tokens, monkeypatch: Any):
        """A session that ends meanwhile stays ended."""
        end = lambda: sessions.revoke_session(row(tokens), reason="admin")  # noqa: E731 - short
        interleave_jump(monkeypatch, end)
        assert_beside_end(tokens, "revoked")

    def test_deactivation(self, tokens: Tokens, monkeypatch: Any):
        """The account is looked at again too: a refresh beside it makes the write fail."""

        def deactivate() -> None:
            refresh(tokens)
            User.objects.update(is_active=False)

        interleave_jump(monkeypatch, deactivate)
        assert_beside_end(tokens, "account")

    def test_another_step_up(self, tokens: Tokens, monkeypatch: Any):
        """Of two at once, one jumps, and both get its tokens."""
        others: list[Tokens] = []
        interleave_jump(monkeypatch, lambda: others.append(again(tokens)))
        new = again(tokens)
        assert new.refresh == others[0].refresh
        assert row(tokens).generation == 2
        assert len(events("step_up")) == 1

    def test_step_up_by_another_method(self, tokens: Tokens, monkeypatch: Any):
        """Both jump, and the last one's tokens count."""
        interleave_jump(monkeypatch, lambda: again(tokens, "otp"))
        assert claims(again(tokens))["gen"] == 4

    def test_confirmation(self, tokens: Tokens, monkeypatch: Any, clock: Clock):
        """A first use that is recorded meanwhile does not stand in its way."""
        interleave_jump(monkeypatch, lambda: sessions.confirm(row(tokens), 0, clock()))
        assert claims(again(tokens))["gen"] == 2

    def test_three_rotations(self, tokens: Tokens, clock: Clock, monkeypatch: Any):
        """After three lost races it gives up, and nothing was issued."""
        held = [tokens]

        def rotate() -> None:
            clock.advance(minutes=1)
            held.append(refresh(held[-1]))

        interleave_jump(monkeypatch, *[rotate] * 3)
        with pytest.raises(TryAgain):
            again(tokens)
        assert (row(tokens).generation, row(tokens).floor) == (3, 0)
        assert is_refreshed(held[-1])

    @pytest.mark.django_db(transaction=True)
    def test_refusals_of_the_database(self, tokens: Tokens, monkeypatch: Any):
        """A serialisation failure or deadlock is tried again; the third is ``TryAgain``."""

        def refuse() -> None:
            raise OperationalError("deadlock detected")

        with monkeypatch.context() as patch:
            interleave_jump(patch, refuse, refuse)
            assert claims(again(tokens))["gen"] == 2
        with monkeypatch.context() as patch:
            interleave_jump(patch, refuse, refuse, refuse)
            with pytest.raises(TryAgain):
                again(tokens, "otp")
        assert row(tokens).generation == 2


def assert_beside_end(tokens: Tokens, reason: str) -> None:
    """Step up, which must find the session ended; it stays so."""
    with pytest.raises(SessionEnded) as raised:
        again(tokens)
    assert raised.value.reason == reason
    assert end_reason(tokens) == reason
    assert events("step_up") == []


class TestAuthHash:
    def test_under_a_fallback(self, tokens: Tokens, settings: Any):
        """A hash of an old SECRET_KEY is rewritten, as by a rotation."""
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "a new one that is long enough, and then some more"
        new = again(tokens)
        settings.SECRET_KEY_FALLBACKS = []
        assert row(tokens).auth_hash == row(tokens).user.get_session_auth_hash()
        assert new.session.auth_hash == row(tokens).auth_hash

    def test_rehashed_by_the_view(self, tokens: Tokens, settings: Any):
        """A view's own check of the password re-hashes it: this session and the others go on."""
        other = start(tokens.session.user)
        settings.PASSWORD_HASHERS = UPGRADED
        session = AuthSession.objects.with_user().get(pk=tokens.session.pk)
        assert session.user.check_password(PASSWORD)
        assert row(tokens).user.password != tokens.session.user.password
        new = step_up(session, amr=("pwd",))
        assert claims(new)["gen"] == 2
        assert is_refreshed(other)

    def test_rehashed_under_a_fallback(self, tokens: Tokens, settings: Any):
        """What was carried over meanwhile is not overwritten by the hash of the old password."""
        session = AuthSession.objects.with_user().get(pk=tokens.session.pk)
        settings.PASSWORD_HASHERS = UPGRADED
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "a new one that is long enough, and then some more"
        account = User.objects.get()
        assert account.check_password(PASSWORD)
        sessions.carry_over(account)
        assert is_usable(step_up(session, amr=("pwd",)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("commits", [True, False])
def test_in_the_callers_transaction(tokens: Tokens, commits: Any):
    """What is rolled back has not happened: neither the jump nor its event."""
    current = refresh(tokens)
    with transaction.atomic():
        new = again(tokens)
        transaction.set_rollback(not commits)
    assert is_usable(new)
    assert is_usable(current) is not commits
    assert is_superseded(current) is commits
    assert bool(events("step_up")) is commits
