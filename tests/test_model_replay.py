"""The model checker's model is the real code: its schedules, carried out by real threads.

The real functions send every statement through connections of their own, in the order that the
model says; after each one the committed row must be what the model says, the columns of WHERE
and SET those of the model, and at the end so must every answer. ``make replay`` carries out every
schedule of two actors, the suite each seventh.
"""

import os
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from proofs.model import others, programs
from proofs.model.explorer import Explorer
from proofs.model.invariants import check
from proofs.model.parts import Database, Scenario, Step
from proofs.model.programs import EPOCH
from proofs.model.scenarios import ROWS, combinations
from proofs.model.schedules import Schedule, schedules
from proofs.model.state import Now, Outcome, Row, Tick, Update, World
from tests.domain import start
from tests.replay import Stage, Turn
from tokenauth import database, sessions, system
from tokenauth.access import verify_access_token
from tokenauth.accounts import end_of
from tokenauth.current import record_first_use
from tokenauth.exceptions import (
    AccessInvalid,
    RefreshInvalid,
    RefreshSuperseded,
    SessionEnded,
    TryAgain,
)
from tokenauth.issuing import Tokens, issue_tokens, read_token
from tokenauth.models import AuthSession, RefreshToken
from tokenauth.tokens import access

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.vendor("sqlite", "postgresql"),
]

STRIDE = int(os.environ.get("TOKENAUTH_REPLAY_STRIDE", "7"))
"""Which of the schedules of two actors are carried out: 1 for all of them."""

TRIPLES = 12
"""So many schedules of three actors are drawn for each row."""

TIMES = (
    "rotated_at",
    "expires_at",
    "absolute_expires_at",
    "auth_time",
    "revoked_at",
    "end_recorded_at",
    "listed_at",
)
NUMBERS = (
    "generation",
    "confirmed_generation",
    "floor",
    "late_generation",
    "late_run",
    "revoked_reason",
)
COARSE = {"admin": "revoked", "password": "account", "deactivated": "account"}


def test_constants():
    """The model's numbers are those of the code."""
    assert programs.ATTEMPTS == database.ATTEMPTS
    assert timedelta(seconds=programs.LEEWAY) == access.LEEWAY


class Real:
    """One session and its user, put where the model's are, and what the actors do with them."""

    def __init__(self, user: User, stage: Stage) -> None:
        self.user, self.stage = user, stage
        self.session = start(user).session
        self.old_password, self.old_hash = user.password, self.session.auth_hash
        self.tokens: dict[int, Tokens] = {}
        for generation in range(4):
            self.session.generation = generation
            self.session.expires_at = EPOCH + timedelta(seconds=1000)
            self.tokens[generation] = issue_tokens(self.session, EPOCH, with_refresh=True)

    def put(self, row: Row) -> None:
        """Bring the database to the beginning of a scenario."""
        self.stage.seconds = 0
        RefreshToken.objects.all().delete()
        User.objects.update(password=self.old_password, is_active=True)
        values: dict[str, Any] = {name: getattr(row, name) for name in NUMBERS}
        values |= {name: _time(getattr(row, name)) for name in TIMES}
        rows = AuthSession.objects.filter(pk=self.session.pk)
        rows.update(**values, auth_hash=self.old_hash, amr=["pwd"])

    def row(self) -> Row:
        """Return the committed row in the model's words."""
        found = AuthSession.objects.get(pk=self.session.pk)
        values = {name: getattr(found, name) for name in NUMBERS}
        values |= {name: _seconds(getattr(found, name)) for name in TIMES}
        return Row(**values, auth_hash=int(found.auth_hash != self.old_hash))

    def action(self, call: Any) -> Callable[[], Outcome]:
        """Return what the real code does for a program of the model."""
        function, arguments = call
        return lambda: getattr(self, function.__name__)(*arguments)

    def rotate(self, presented: int) -> Outcome:
        """Refresh."""
        try:
            given = sessions.rotate(str(self.tokens[presented].refresh), transport="body")
        except SessionEnded as error:
            return Outcome("ended", presented, reason=error.reason)
        except RefreshSuperseded:
            return Outcome("superseded", presented)
        except RefreshInvalid:
            return Outcome("invalid", presented)
        except TryAgain:
            return Outcome("try_again")
        return self._given(given, presented)

    def use(self, generation: int) -> Outcome:
        """An API request."""
        try:
            accepted = verify_access_token(self.tokens[generation].access)
        except AccessInvalid:
            return Outcome("refused", generation)
        if accepted.is_first_use:
            record_first_use(accepted)
        return Outcome("accepted", generation)

    def logout(self) -> Outcome:
        """Log out with a refresh token."""
        found = sessions.find_sessions(refresh_tokens=[str(self.tokens[0].refresh)])
        if not found:
            return Outcome("revoked", reason="nothing was left to end")
        sessions.revoke_sessions(found, reason="logout")
        return Outcome("revoked", reason="logout")

    def revoke(self, reason: str) -> Outcome:
        """Staff end all of the user's sessions."""
        sessions.revoke_user_sessions(self.user, reason=reason)
        return Outcome("revoked", reason=reason)

    def step_up(self) -> Outcome:
        """The password was entered again."""
        session = self._authenticated()
        if session is None:
            return Outcome("refused")
        try:
            return self._given(sessions.step_up(session, amr=["pwd"]))
        except SessionEnded:
            return Outcome("refused")
        except TryAgain:
            return Outcome("try_again")

    def change_password(self) -> Outcome:
        """The password is changed in this session."""
        session = self._authenticated()
        if session is None:
            return Outcome("refused")
        try:
            with transaction.atomic():
                user = session.user
                user.set_password("another horse battery")
                user.save(update_fields=["password"])
                return self._given(sessions.renew_after_password_change(session, user))
        except (SessionEnded, TryAgain):
            return Outcome("try_again")

    def change_password_elsewhere(self) -> Outcome:
        """The password is changed in another session."""
        user = User(pk=self.user.pk, username="ada")
        user.set_password("another horse battery")
        with transaction.atomic():
            user.save(update_fields=["password"])
            sessions.revoke_user_sessions(user, reason="password")
        return Outcome("revoked", reason="password")

    def deactivate(self) -> Outcome:
        """Staff deactivate the account."""
        User.objects.filter(pk=self.user.pk).update(is_active=False)
        return Outcome("done")

    def _authenticated(self) -> AuthSession | None:
        found = AuthSession.objects.with_user().filter(pk=self.session.pk).first()
        return None if found is None or end_of(found, system.now()) else found

    def _given(self, tokens: Tokens, presented: int | None = None) -> Outcome:
        generation = read_token(tokens.access, self.stage.now(), accept_expired=True).generation
        return Outcome("tokens", presented, generation, tokens.refresh is not None)


def _time(seconds: int | None) -> Any:
    return None if seconds is None else EPOCH + timedelta(seconds=seconds)


def _seconds(time: Any) -> int | None:
    return None if time is None else int((time - EPOCH).total_seconds())


@pytest.fixture
def real(user: User, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Real]:
    """The session, two players, and the model's settings."""
    settings.TOKENAUTH_GRACE_PERIOD = timedelta(seconds=30)
    settings.TOKENAUTH_IDLE_LIFETIME = timedelta(seconds=1000)
    stage = Stage(3)
    monkeypatch.setattr("tokenauth.system.now", stage.now)
    yield Real(user, stage)
    stage.close()


def draw(explorer: Explorer, chance: random.Random) -> Schedule:
    """Return one order of the statements, each drawn from what may come next."""
    path: list[tuple[Step, World]] = []
    while following := list(explorer.steps(path[-1][1] if path else explorer.start())):
        path.append(chance.choice(following))
    return tuple(path)


def carry_out(real: Real, explorer: Explorer, schedule: Schedule) -> None:
    """Run the real code in the order of a schedule, and compare it after every statement."""
    try:
        _carry_out(real, explorer.scenario, schedule)
    except AssertionError as error:
        lines = (explorer.describe(step) for step, _ in schedule)
        error.add_note("\n    ".join([explorer.scenario.name, *lines]))
        raise


def _carry_out(real: Real, scenario: Scenario, schedule: Schedule) -> None:
    real.put(scenario.row)
    players, outcomes = real.stage.players, {}
    for index, actor in enumerate(scenario.actors):
        if actor.calls[0][0] is not others.wait:
            first = next(actor.calls[0][0](scenario.rules, *actor.calls[0][1]))
            players[index].begin(real.action(actor.calls[0]), arrives=isinstance(first, Now))
    for step, world in schedule:
        if isinstance(step.statement, Tick):
            real.stage.seconds += step.statement.seconds
            continue
        compare(step, world, players[step.actor].turn(), real.row())
        if step.outcome is not None:
            outcomes[step.actor] = step.outcome
    for index, expected in outcomes.items():
        if scenario.actors[index].calls[0][0] is not others.wait:
            reason = COARSE.get(expected.reason, expected.reason)
            if expected.kind == "revoked":
                reason = expected.reason
            assert players[index].result == expected._replace(reason=reason, raced=False)


def compare(step: Step, world: World, turn: Turn, row: Row) -> None:
    """Compare one statement, and the committed row after it, with the model's."""
    statement = step.statement
    kind = "arrival" if isinstance(statement, Now) else str(statement).split()[0]
    assert turn.kind == kind
    assert row == world.row
    if isinstance(statement, Update):
        guards = frozenset((column, operator) for column, operator, _ in statement.where)
        assert turn.where == guards
        assert turn.sets >= {column for column, _ in statement.values} - {"password"}
        assert turn.rows in {None, step.result}


def kind_of_database() -> Database:
    """Return how the database of this run behaves."""
    is_sqlite = connection.vendor == "sqlite"
    return Database(waits=is_sqlite, one_writer=is_sqlite)


def explorers(size: int, row: str) -> Iterator[Explorer]:
    """Yield the scenarios of so many actors from a row, but for pruning."""
    for scenario in combinations(size):
        calls = [actor.calls[0][0] for actor in scenario.actors]
        if scenario.row is ROWS[row] and others.prune not in calls:
            yield Explorer(scenario, kind_of_database(), check, eager_clock=True)


@pytest.mark.req("REQ-17", "REQ-23")
@pytest.mark.parametrize("row", ROWS)
def test_pairs(real: Real, row: str):
    """Orders of the statements of every two actors: each, or in the suite each seventh."""
    for explorer in explorers(2, row):
        for schedule in islice(schedules(explorer), 0, None, STRIDE):
            carry_out(real, explorer, schedule)


@pytest.mark.parametrize("row", ROWS)
def test_triples(real: Real, row: str):
    """Orders of the statements of three actors, drawn with a seed: there are too many."""
    chance = random.Random(row)
    for explorer in chance.sample(list(explorers(3, row)), TRIPLES):
        carry_out(real, explorer, draw(explorer, chance))
