"""The statements that are made once: the same rows as by the ORM."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User, UserManager
from django.db import DatabaseError, OperationalError, connection

from tests.conftest import Clock
from tests.domain import refresh, row, start
from tests.test_statement_counts import counting
from tokenauth import statements, system
from tokenauth.audit import Origin
from tokenauth.issuing import Tokens
from tokenauth.models import AuthSession, RefreshToken
from tokenauth.statements import load_session, write_rotation

ORIGIN = Origin(ip="2001:db8::7", user_agent="agent/7 100% 'quoted'")


@pytest.fixture
def tokens(user: User, clock: Clock) -> Tokens:
    """A session with something in every field."""
    tokens = start(user, amr=("pwd", "otp"), device_name="Ada's 📱", origin=ORIGIN)
    AuthSession.objects.update(
        revoked_at=clock(), revoked_by=user, revoked_reason="admin", listed_at=clock()
    )
    return tokens


def fields(instance: Any) -> dict[str, Any]:
    """Return the values of all fields, comparable."""
    found = {field.attname: vars(instance)[field.attname] for field in instance._meta.fields}
    return {name: bytes(value) if name == "seed" else value for name, value in found.items()}


class TestLoadSession:
    def test_equals_the_orms(self, tokens: Tokens):
        """Every field of session and user, of the same type; one statement."""
        by_orm = AuthSession.objects.with_user().get()
        with counting() as count:
            loaded = load_session(tokens.session.pk)
            assert loaded is not None
            assert loaded.user.username == "ada"
        assert count.total == 1
        assert fields(loaded) == fields(by_orm)
        assert fields(loaded.user) == fields(by_orm.user)
        types = [
            {name: type(value) for name, value in fields(one).items()} for one in (loaded, by_orm)
        ]
        assert types[0] == types[1]
        assert (loaded._state.db, loaded._state.adding) == ("default", False)

    def test_can_be_saved(self, tokens: Tokens):
        """It is an instance like any other."""
        loaded = load_session(tokens.session.pk)
        assert loaded is not None
        loaded.device_name = "phone"
        loaded.save()
        assert row(tokens).device_name == "phone"

    def test_knows_no_other(self, tokens: Tokens):
        """None for an id that there is not."""
        assert load_session(system.new_id()) is None

    def test_without_a_user(self, tokens: Tokens):
        """A session whose user is gone is loaded without one."""
        AuthSession.objects.update(user=None)
        loaded = load_session(tokens.session.pk)
        assert loaded is not None
        assert loaded.user is None

    def test_with_a_dangling_user(self, tokens: Tokens, user: User):
        """A key without its row: as good as none."""
        AuthSession.objects.update(user_id=user.pk + 1)
        loaded = load_session(tokens.session.pk)
        assert loaded is not None
        assert loaded.visible_user() is None

    def test_leaves_the_choice_to_a_manager_that_hides_users(
        self, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
    ):
        """Whom it hides may change from one request to the next."""
        hidden: list[str] = []

        class Visible(UserManager):
            def get_queryset(self) -> Any:
                return super().get_queryset().exclude(username__in=["nobody", *hidden])

        manager = Visible()
        manager.model = User
        monkeypatch.setattr(User._meta, "default_manager", manager)
        loaded = load_session(tokens.session.pk)
        assert loaded is not None
        assert loaded.visible_user() is not None
        hidden.append("ada")
        loaded = load_session(tokens.session.pk)
        assert loaded is not None
        assert loaded.visible_user() is None


class TestLoadSessionForRotation:
    @pytest.fixture(autouse=True)
    def fresh(self) -> Iterator[None]:
        """What is compiled depends on the user model, which these tests change."""
        statements._select.cache_clear()
        yield
        statements._select.cache_clear()

    def test_equals_the_orms_in_what_it_has(self, tokens: Tokens):
        """What a refresh reads and answers."""
        by_orm = AuthSession.objects.with_user().get()
        loaded = load_session(tokens.session.pk, is_rotation=True)
        assert loaded is not None
        has = set(vars(loaded)) - {"_state", "seed"}
        assert {name: vars(loaded)[name] for name in has} == {
            name: vars(by_orm)[name] for name in has
        }
        assert bytes(loaded.seed) == bytes(by_orm.seed)
        assert {"password", "is_active", "username"} <= set(vars(loaded.user))

    def test_loads_the_rest_when_it_is_asked_for(self, tokens: Tokens, user: User):
        """A receiver of a signal finds all of it."""
        User.objects.update(email="ada@example.com")
        loaded = load_session(tokens.session.pk, is_rotation=True)
        assert loaded is not None
        assert loaded.get_deferred_fields() == {
            AuthSession._meta.get_field(name).attname for name in statements._NOT_ROTATED
        }
        assert loaded.first_ip == ORIGIN.ip
        assert loaded.revoked_by_id == user.pk
        assert loaded.user.email == "ada@example.com"

    def test_a_refresh_asks_for_nothing_more(self, user: User, clock: Clock):
        """Neither does the signal that it sends, if nobody asks."""
        tokens = start(user, origin=ORIGIN)
        clock.advance(hours=1)
        with counting() as count:
            refresh(tokens)
        assert not [sql for sql in count.statements[1:] if sql.startswith("SELECT")]

    @pytest.mark.parametrize(
        "name", ["get_session_auth_hash", "get_session_auth_fallback_hash", "is_active"]
    )
    def test_leaves_nothing_of_the_user_out_if_the_model_decides(
        self, tokens: Tokens, monkeypatch: pytest.MonkeyPatch, name: str
    ):
        """An auth hash of its own may be made of any field."""
        if name == "is_active":
            named = [field for field in User._meta.concrete_fields if field.name != name]
            monkeypatch.setitem(User._meta.__dict__, "concrete_fields", tuple(named))
            assert statements._not_needed(User) == []
            return
        monkeypatch.setattr(User, name, lambda self: [], raising=True)
        loaded = load_session(tokens.session.pk, is_rotation=True)
        assert loaded is not None
        assert loaded.user.get_deferred_fields() == set()


class TestWriteRotation:
    @pytest.fixture
    def session(self, user: User, clock: Clock) -> AuthSession:
        """A living session at generation 0."""
        return row(start(user))

    @staticmethod
    def values(clock: Clock, generation: int = 1) -> dict[str, Any]:
        """What a rotation changes."""
        return {
            "generation": generation,
            "confirmed_generation": generation - 1,
            "rotated_at": clock.advance(hours=1),
            "expires_at": clock() + timedelta(days=1),
            "last_ip": ORIGIN.ip,
            "last_user_agent": ORIGIN.user_agent,
        }

    def test_writes_both_rows(self, session: AuthSession, clock: Clock):
        """The session, and a line of history; the instance follows."""
        values = self.values(clock)
        assert write_rotation(session, values, ORIGIN)
        assert fields(session) == fields(AuthSession.objects.get())
        assert {name: vars(session)[name] for name in values} == values
        line = RefreshToken.objects.get(generation=1)
        assert (line.session_id, line.issued_at) == (session.pk, clock())
        assert (line.ip, line.user_agent) == (ORIGIN.ip, ORIGIN.user_agent)

    def test_without_an_address(self, session: AuthSession, clock: Clock):
        """Where nobody is believed to know it."""
        assert write_rotation(session, {**self.values(clock), "last_ip": None}, Origin())
        assert RefreshToken.objects.get(generation=1).ip is None
        assert AuthSession.objects.get().last_ip is None

    @pytest.mark.parametrize("guard", ["generation", "revoked_at", "end_recorded_at"])
    def test_writes_nothing_over_what_was_not_read(
        self, session: AuthSession, clock: Clock, guard: str
    ):
        """Neither the session nor a line; the instance stays as it was read."""
        AuthSession.objects.update(**{guard: 7 if guard == "generation" else clock()})
        before = fields(session)
        stored = fields(AuthSession.objects.get())
        assert not write_rotation(session, self.values(clock), ORIGIN)
        assert fields(AuthSession.objects.get()) == stored
        assert fields(session) == before
        assert not RefreshToken.objects.filter(generation=1).exists()

    def test_a_new_auth_hash_replaces_the_one_that_was_read(
        self, session: AuthSession, clock: Clock
    ):
        """Not one that a login has carried over in between: that would end the session."""
        values = {**self.values(clock), "auth_hash": "under the new key"}
        AuthSession.objects.update(auth_hash="carried over")
        assert not write_rotation(session, values, ORIGIN)
        session.refresh_from_db()
        assert write_rotation(session, values, ORIGIN)
        assert AuthSession.objects.get().auth_hash == "under the new key"

    @pytest.fixture
    def refusing(self, request: pytest.FixtureRequest, session: AuthSession) -> Iterator[None]:
        """Have the database refuse what touches the history, with an error of this class."""

        def refuse(execute: Any, sql: str, *rest: Any) -> Any:
            if "INSERT" in sql:
                raise request.param("no")
            return execute(sql, *rest)

        with connection.execute_wrapper(refuse):
            yield

    @pytest.mark.parametrize("refusing", [DatabaseError], indirect=True)
    def test_a_failing_line_fails_nothing(self, session: AuthSession, clock: Clock, refusing: None):
        """The rotation is written without it."""
        assert write_rotation(session, self.values(clock), ORIGIN)
        assert AuthSession.objects.get().generation == 1

    @pytest.mark.vendor("postgresql")
    @pytest.mark.parametrize("refusing", [OperationalError], indirect=True)
    def test_a_lost_race_is_the_callers(self, session: AuthSession, clock: Clock, refusing: None):
        """A serialisation failure is decided anew, not written in another way."""
        with pytest.raises(OperationalError):
            write_rotation(session, self.values(clock), ORIGIN)
        assert AuthSession.objects.get().generation == 0

    @pytest.mark.vendor("postgresql")
    def test_is_one_statement(self, session: AuthSession, clock: Clock):
        """One round trip and one commit."""
        with counting() as count:
            write_rotation(session, self.values(clock), ORIGIN)
        assert count.total == 1


def test_statements_are_kept(user: User, clock: Clock):
    """Made once, for the second and every later request."""
    tokens = start(user)
    load_session(tokens.session.pk)
    before = statements._select.cache_info().misses
    load_session(tokens.session.pk)
    assert statements._select.cache_info().misses == before
