"""The real code against the reference model: whatever may happen to sessions, in any order.

In the suite a few hundred steps, always the same. ``make machine`` runs many more, each time
others, and says how often each rule ran.
"""

import copy
import hashlib
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import transaction
from django.test import override_settings
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests import reference_model as reference
from tests.conftest import Clock
from tests.domain import interleave
from tests.reference_model import Account, Answer, ModelSession
from tokenauth import pruning, sessions
from tokenauth.access import verify_access_token
from tokenauth.conf import config
from tokenauth.current import record_first_use
from tokenauth.exceptions import (
    AccessInvalid,
    RefreshInvalid,
    RefreshSuperseded,
    SessionEnded,
)
from tokenauth.issuing import Tokens, read_token
from tokenauth.models import AuthEvent, AuthSession, RefreshToken

STEPS = int(os.environ.get("TOKENAUTH_MACHINE_STEPS", "0"))
"""How many steps to run at least, with new seeds; 0 for the few of the suite."""

LENGTH = 50
RAN: Counter[str] = Counter()
"""How often each rule has run."""

START = datetime(2030, 1, 1, tzinfo=UTC)


class Held:
    """Tokens as a client holds them, and what the model calls them.

    Args:
        tokens: as they were issued.
        session: the model's session.
        generation: which generation they are of.
    """

    def __init__(self, tokens: Tokens, session: ModelSession, generation: int) -> None:
        self.refresh, self.access = tokens.refresh, tokens.access
        self.pk, self.session, self.generation = tokens.session.pk, session, generation

    def __repr__(self) -> str:
        return f"<tokens of generation {self.generation}>"


class SessionMachine(RuleBasedStateMachine):
    """Two users, their sessions, and everything that anybody has ever been given."""

    held = Bundle("held")

    @initialize(target=held)
    def begin(self) -> Any:
        """Two accounts, and one session; time stands still."""
        self.patch = pytest.MonkeyPatch()
        self.clock = Clock(START)
        self.patch.setattr("tokenauth.system.now", self.clock)
        self.overrides = override_settings(
            TOKENAUTH_GRACE_PERIOD=reference.GRACE,
            TOKENAUTH_IDLE_LIFETIME=reference.IDLE,
            TOKENAUTH_ABSOLUTE_LIFETIME=reference.ABSOLUTE,
            SECRET_KEY=django_settings.SECRET_KEY,
            SECRET_KEY_FALLBACKS=[],
            TOKENAUTH_REFRESH_KEYS=[],
        )
        self.overrides.enable()
        self.users = [User.objects.create_user(name, password="0") for name in ("ada", "bob")]
        self.accounts = [Account(), Account()]
        self.models: dict[Any, ModelSession] = {}
        self.keys = 0
        return self._login(0)

    def teardown(self) -> None:
        """Leave nothing behind."""
        if not hasattr(self, "patch"):
            return
        for model in (RefreshToken, AuthEvent, AuthSession, User):
            model.objects.all().delete()
        self.overrides.disable()
        self.patch.undo()

    # What clients do.

    @rule(target=held, who=st.integers(0, 1))
    def login(self, who: int) -> Any:
        """A user logs in, if the account is active."""
        RAN["login"] += 1
        return self._login(who)

    def _login(self, who: int) -> Any:
        if not self.accounts[who].is_active:
            return multiple()
        user = User.objects.get(pk=self.users[who].pk)
        tokens = sessions.start_session(user, client="app", amr=("pwd",))
        model = ModelSession(self.accounts[who], self.clock())
        self.models[tokens.session.pk] = model
        return Held(tokens, model, 0)

    @rule(target=held, token=held)
    def refresh(self, token: Held) -> Any:
        """Somebody refreshes with any token that was ever issued."""
        RAN["refresh"] += 1
        return self._refresh(token)

    @rule(token=held)
    def refresh_and_lose_the_answer(self, token: Held) -> None:
        """The same, and the answer never arrives."""
        RAN["lost answer"] += 1
        self._refresh(token)

    @rule(target=held, token=held)
    def refresh_twice(self, token: Held) -> Any:
        """A request is delivered twice; the second answer is the one that counts."""
        RAN["duplicate"] += 1
        self._refresh(token)
        return self._refresh(token)

    @rule(target=held, token=held, seconds=st.sampled_from((29, 31, 400)))
    def refresh_late(self, token: Held, seconds: int) -> Any:
        """A request was held up on its way: whatever came meanwhile has overtaken it."""
        RAN["late delivery"] += 1
        self.clock.advance(seconds=seconds)
        return self._refresh(token)

    @rule(target=held, token=held, times=st.sampled_from((4, 3)))
    def lose_answer_after_answer(self, token: Held, times: int) -> Any:
        """A client's answers are lost so often in a row, and it asks again an hour later."""
        RAN["answers lost in a row"] += 1
        newest = self._refresh(token)
        for _ in range(times):
            if not isinstance(newest, Held):
                return multiple()
            self.clock.advance(hours=1)
            self._refresh(newest)
            self.clock.advance(hours=1)
            newest = self._refresh(newest)
        return newest

    @rule(target=held, older=held, newer=held)
    def refresh_in_the_wrong_order(self, older: Held, newer: Held) -> Any:
        """Two requests arrive in the reverse of the order of their tokens."""
        RAN["reordered"] += 1
        if older.generation > newer.generation:
            older, newer = newer, older
        self._refresh(newer)
        return self._refresh(older)

    @rule(
        target=held,
        token=held,
        other=held,
        what=st.sampled_from(("refresh", "refresh", "logout", "use")),
        seconds=st.sampled_from((31, 0)),
    )
    def refresh_in_parallel(self, token: Held, other: Held, what: str, seconds: int) -> Any:
        """Something happens between the reading of the row and the writing of the decision."""
        model, now = token.session, self.clock.advance(seconds=seconds)
        if model.is_gone or model.end(now):
            return multiple()
        answer = model.judge(token.generation, now)
        if answer in {Answer.KEPT, Answer.SUPERSEDED}:
            return multiple()  # writes nothing that could lose
        RAN["parallel refresh"] += 1
        with pytest.MonkeyPatch.context() as patch:
            act = {"refresh": self._refresh, "logout": self._logout, "use": self._use}[what]
            interleave(patch, lambda: act(other))
            return self._refresh(token, raced=answer is Answer.NEW, late=True)

    @rule(token=held)
    def use(self, token: Held) -> None:
        """An API request with any access token."""
        RAN["use"] += 1
        self._use(token)

    @rule(token=held)
    def logout(self, token: Held) -> None:
        """Log out with any refresh token."""
        RAN["logout"] += 1
        self._logout(token)

    # What changes accounts and sessions from elsewhere.

    @rule(
        what=st.sampled_from(("activate", "activate", "reset", "keys", "back", "prune")),
        number=st.integers(0, 8),
    )
    def world_goes_on(self, what: str, number: int) -> None:
        """Something that needs no token: one rule, as clients are what matters."""
        if what == "activate":
            self.deactivate(number % 2)
        elif what == "reset":
            self.reset_password(number % 2)
        elif what == "keys":
            self.rotate_keys(explicit=number % 2 == 0)
        elif what == "back":
            self.set_clock_back(number + 1)
        else:
            self.prune()

    @rule(token=held)
    def revoke(self, token: Held) -> None:
        """Staff end one session."""
        RAN["revoke"] += 1
        row = AuthSession.objects.filter(pk=token.pk).first()
        expected = token.session.revoke(self.clock(), "revoked")
        if row is not None:
            assert sessions.revoke_session(row, reason="admin") is expected

    def deactivate(self, who: int) -> None:
        """Staff deactivate an account, or activate it again."""
        RAN["deactivate, reactivate"] += 1
        # Mostly active: with an account that is not, there is little to do.
        inactive = next((i for i in (0, 1) if not self.accounts[i].is_active), None)
        who = who if inactive is None else inactive
        self.accounts[who].is_active ^= True
        User.objects.filter(pk=self.users[who].pk).update(is_active=self.accounts[who].is_active)

    @rule(target=held, token=held)
    def change_password(self, token: Held) -> Any:
        """The user changes the password in a session, which stays; the others end."""
        model, now = token.session, self.clock()
        if model.is_gone or model.end(now):
            return multiple()
        RAN["password change"] += 1
        with transaction.atomic():
            user = self._new_password(model.account)
            row = AuthSession.objects.with_user().get(pk=token.pk)
            tokens = sessions.renew_after_password_change(row, user)
        for other in self.models.values():
            if other.account is model.account and other is not model:
                other.revoke(now, "account")
        model.jump(now)
        model.password = model.account.password
        return Held(tokens, model, model.newest.number)

    def reset_password(self, who: int) -> None:
        """The password is changed where no session is known."""
        RAN["password reset"] += 1
        account = self.accounts[who]
        self._new_password(account)
        if not account.is_active:
            # It was deactivated behind the back of the signals; this save tells them.
            for model in self.models.values():
                if model.account is account:
                    model.revoke(self.clock(), "account")

    @rule(target=held, token=held)
    def step_up(self, token: Held) -> Any:
        """The user enters the password again."""
        model, now = token.session, self.clock()
        row = AuthSession.objects.with_user().filter(pk=token.pk).first()
        if row is None or model.is_gone or model.end(now):
            return multiple()
        RAN["step-up"] += 1
        tokens = sessions.step_up(row, amr=["pwd"])
        return Held(tokens, model, model.prove(now))

    # What happens to the world.

    @rule(step=st.sampled_from((1, 4, 6, 29, 30, 31, 299, 600, 4000, 15_000, 60_000)))
    def wait(self, step: int) -> None:
        """Time passes."""
        RAN["clock forward"] += 1
        self.clock.advance(seconds=step)

    def set_clock_back(self, step: int) -> None:
        """The next host's clock is some seconds behind."""
        RAN["clock back"] += 1
        self.clock.advance(seconds=-step)

    def prune(self) -> None:
        """What is over goes."""
        RAN["prune"] += 1
        removed = pruning.prune().removed.sessions
        there = sum(not model.is_gone for model in self.models.values())
        for model in self.models.values():
            model.prune(self.clock())
        assert removed == there - sum(not model.is_gone for model in self.models.values())

    def rotate_keys(self, *, explicit: bool) -> None:
        """A new key signs, and the old ones verify."""
        RAN["key rotation"] += 1
        self.keys += 1
        if explicit:
            keys: Any = django_settings
            old: list[Any] = [key.secret for key in config.refresh_keys.keys]
            new = hashlib.sha256(str(self.keys).encode()).digest()
            keys.TOKENAUTH_REFRESH_KEYS = [new, *old]
        else:
            old = [django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS]
            django_settings.SECRET_KEY_FALLBACKS = old
            django_settings.SECRET_KEY = f"the secret key number {self.keys} of a test, long enough"

    @rule(target=held, token=held, next_one=st.booleans())
    def lose_commits(self, token: Held, *, next_one: bool) -> Any:
        """A session goes on, and then its row is restored from before."""
        model, now = token.session, self.clock()
        if model.is_gone or model.end(now):
            return multiple()
        RAN["restored database"] += 1
        before, row = copy.copy(model), AuthSession.objects.filter(pk=token.pk).values().get()
        before.history = copy.deepcopy(model.history)
        self.clock.advance(seconds=31 if next_one else 1)
        given = self._refresh(token)
        vars(model).update(vars(before))
        AuthSession.objects.filter(pk=token.pk).update(**row)
        return given

    # What must hold.

    @invariant()
    def agrees(self) -> None:
        """Every row is what the model says, and an ended session is of no use."""
        if not hasattr(self, "models"):
            return
        rows = {row.pk: row for row in AuthSession.objects.with_user()}
        living = {pk for pk, model in self.models.items() if not model.is_gone}
        assert rows.keys() == living
        for pk in living:
            row, model = rows[pk], self.models[pk]
            assert row.generation == model.newest.number
            assert row.confirmed_generation == model.seen
            assert (row.floor, row.expires_at) == (model.floor, model.ends_at)
            assert row.rotated_at == model.newest.fresh_at
            assert (row.revoked_at is not None) == bool(model.ended)

    def _refresh(self, token: Held, *, raced: bool = False, late: bool = False) -> Any:
        """Refresh, and compare; with ``late``, predict only when what lies between has happened."""
        now = self.clock()
        expected = None if late else token.session.refresh(token.generation, now)
        given = None
        try:
            given = sessions.rotate(_refresh_token(token), transport="body")
        except SessionEnded as error:
            got: tuple[str, int | None] = str(error.reason), None
        except RefreshSuperseded:
            got = "superseded", None
        except RefreshInvalid:
            got = "invalid", None
        else:
            got = "tokens", read_token(given.access, now).generation
        if expected is None:
            expected = token.session.refresh(token.generation, now, raced=raced)
        assert got == expected
        if given is None or given.refresh is None:
            return multiple()
        assert expected[1] is not None
        return Held(given, token.session, expected[1])

    def _use(self, token: Held) -> None:
        now = self.clock()
        try:
            claims = read_token(token.access, now)
        except AccessInvalid:
            return  # too old, or from a clock that is too far ahead: tests/test_access.py
        try:
            access = verify_access_token(token.access)
        except AccessInvalid:
            got = False
        else:
            got = True
            if access.is_first_use:
                record_first_use(access)
        assert got is token.session.use(claims.generation, now)

    def _logout(self, token: Held) -> None:
        found = sessions.find_sessions(refresh_tokens=[_refresh_token(token)])
        ended = sessions.revoke_sessions(found, reason="logout")
        assert ended == token.session.revoke(self.clock(), "logout")

    def _new_password(self, account: Account) -> User:
        account.password += 1
        user = User.objects.get(pk=self.users[self.accounts.index(account)].pk)
        user.set_password(str(account.password))
        user.save()
        return user


def _refresh_token(token: Held) -> str:
    assert token.refresh is not None
    return token.refresh


def test_saving_a_user_who_is_not_active_ends_the_sessions(db: None):
    """A story that the machine has found, and that its fixed seeds do not tell."""
    state = SessionMachine()
    try:
        state.begin()
        state.world_goes_on(what="activate", number=0)
        state.agrees()
        state.world_goes_on(what="reset", number=0)
        state.agrees()
        assert [model.ended for model in state.models.values()] == ["account"]
    finally:
        state.teardown()


@pytest.mark.req("REQ-14", "REQ-15")
def test_machine(db: None):
    """The real code does what the reference model says, step by step."""
    if not STEPS:
        few = settings(max_examples=25, stateful_step_count=40, derandomize=True, database=None)
        run_state_machine_as_test(SessionMachine, settings=few)
        assert RAN
        return
    many = settings(max_examples=20, stateful_step_count=LENGTH, database=None)
    while sum(RAN.values()) < STEPS:
        run_state_machine_as_test(SessionMachine, settings=many)
    lines = [f"{count:>8,}  {name}" for name, count in RAN.most_common()]
    sys.stdout.write("\n".join(["", *lines, f"{sum(RAN.values()):>8,}  steps, no disagreement\n"]))
