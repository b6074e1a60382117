"""Refresh against everything that ends, or jumps, the session meanwhile: whoever is first.

Real threads and connections, a hundred rounds of each, on whatever database is configured.
Without a grace, so that every refresh writes. What refreshes meet among themselves is in
``test_concurrency``. Each test says how often the two sides really met (``pytest -rP``), and fails
if they hardly ever did: it would have shown nothing.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, transaction

from tests.conftest import PASSWORD, Api
from tests.domain import is_usable
from tests.races import Racers, racers
from tokenauth import sessions, system
from tokenauth.bulk import Target, count_matching, revoke_matching
from tokenauth.exceptions import RefreshFailed, RefreshInvalid, RefreshSuperseded, TryAgain
from tokenauth.models import AuthEvent, AuthSession, EventType
from tokenauth.pruning import prune
from tokenauth.sessions import Tokens

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_limits")]

ROUNDS = 100
REFRESHERS = 2
REFRESH = "__Secure-tokenauth-refresh"
TRIES = 50
STAGGER = 0.0003
"""Seconds; the other side starts up to nine of these later, to meet each step of a refresh."""
LEAST_MET = ROUNDS // 10


T = TypeVar("T")


@dataclass
class Round:
    """One round: a session, who is about to refresh it, and what was issued of it.

    Attributes:
        first: the tokens of the login.
        number: which round.
        apis: a client for each refresher, and one more for the other side.
        access: every access token of the session that anybody got.
        refresh: every refresh token, likewise.
        refreshing: when each refresh began and ended.
        acting: likewise of the other side.
    """

    first: Tokens
    number: int
    apis: list[Api]
    access: list[str] = field(default_factory=list)
    refresh: list[str] = field(default_factory=list)
    refreshing: list[tuple[float, float]] = field(default_factory=list)
    acting: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        self.access.append(self.first.access)
        self.refresh.append(str(self.first.refresh))
        for api in self.apis:
            api.http.cookies.clear()
            if self.first.session.transport == "cookie":
                api.http.cookies[REFRESH] = self.refresh[0]
            else:
                api.refresh_token = self.refresh[0]
            api.access = self.first.access

    @property
    def other(self) -> Api:
        """The client of the other side."""
        return self.apis[-1]

    def session(self) -> AuthSession:
        """Return the row as it is now."""
        return AuthSession.objects.with_user().get(pk=self.first.session.pk)

    def run(self, threads: Racers, other: Callable[["Round"], object]) -> None:
        """Refresh, and do the other thing, all at the same moment."""

        def late() -> None:
            time.sleep(STAGGER * (self.number % 10))
            began = time.monotonic()
            other(self)
            self.acting = began, time.monotonic()

        refreshes = [lambda api=api: self._refresh(api) for api in self.apis[:-1]]
        threads.run(*refreshes, late)

    @property
    def has_met(self) -> bool:
        """Whether the other side was at work while a refresh was."""
        began, ended = self.acting
        return any(began < end and start < ended for start, end in self.refreshing)

    def _refresh(self, api: Api) -> None:
        began = time.monotonic()
        answer = expected(api.refresh(), 200, 401)
        self.refreshing.append((began, time.monotonic()))
        if answer.status_code == 200:
            cookie = answer.cookies.get(REFRESH)
            self.access.append(answer.json()["access"])
            self.refresh.append(answer.json()["refresh"] if cookie is None else cookie.value)


def expected(answer: Any, *statuses: int) -> Any:
    """Return an answer if its status is one of these, or it is ``try_again``: no other error."""
    if answer.status_code == 503:
        assert answer.json()["code"] == "try_again"
    else:
        assert answer.status_code in statuses, answer.content
    return answer


def persist(act: Callable[[], T]) -> T:
    """Do it again while it is refused with ``try_again``, as its caller is told to."""
    for _ in range(TRIES):
        try:
            return act()
        except (TryAgain, OperationalError):
            continue
    raise AssertionError(f"refused {TRIES} times")


def insist(request: Callable[[], Any], *statuses: int) -> Any:
    """Send a request again while the answer is ``try_again``; return the other answer."""

    def send() -> Any:
        answer = expected(request(), *statuses)
        if answer.status_code == 503:
            raise TryAgain
        return answer

    return persist(send)


def refused_as(token: str, transport: Any) -> type[RefreshFailed] | None:
    """Refresh; return how it was refused, or ``None`` if it was not."""
    try:
        persist(lambda: sessions.rotate(token, transport=transport))
    except RefreshFailed as error:
        return type(error)
    return None


@pytest.fixture
def user(transactional_db: None) -> User:
    """Ada."""
    return User.objects.create_user("ada", password=PASSWORD)


@pytest.fixture
def rounds(settings: Any, user: User) -> Iterator[Callable[..., Iterator[tuple[Racers, Round]]]]:
    """Return what yields a hundred rounds, each with a session of its own."""
    settings.TOKENAUTH_GRACE_PERIOD = timedelta(0)
    apis = [Api() for _ in range(REFRESHERS + 1)]
    seen: list[Round] = []
    with racers(REFRESHERS + 1) as threads:

        def begin(client: str = "app") -> Iterator[tuple[Racers, Round]]:
            for number in range(ROUNDS):
                ada = User.objects.filter(username="ada").first()
                if ada is None:
                    ada = User.objects.create_user("ada", password=PASSWORD)
                elif not ada.is_active:
                    ada.is_active = True
                    ada.save()
                this = Round(sessions.start_session(ada, client=client), number, apis)
                seen.append(this)
                yield threads, this

        yield begin
    met = sum(this.has_met for this in seen)
    answered = sum(len(this.access) > 1 for this in seen)
    print(f"the sides met in {met} of {len(seen)} rounds; a refresh was answered in {answered}")  # noqa: T201 - for -rP
    assert met >= LEAST_MET


def ada() -> User:
    """Return Ada as she is now."""
    return User.objects.get(username="ada")


def log_out(this: Round) -> None:
    """Log out with the refresh token."""
    insist(lambda: this.other.logout(bearer=False), 204)


def revoke_as_staff(this: Round) -> None:
    """Revoke the session, as the admin does."""
    persist(lambda: sessions.revoke_session(this.first.session, reason="admin"))


def revoke_all(this: Round) -> None:
    """Revoke all of the user's, at the endpoint; the access token may be dead by then."""
    insist(lambda: this.other.post("/auth/sessions/revoke/", {"scope": "all"}), 200)


def deactivate(_this: Round) -> None:
    """Deactivate the account."""
    user = ada()
    user.is_active = False
    user.save()


def delete(_this: Round) -> None:
    """Delete the account."""
    persist(lambda: ada().delete())


def change_password(this: Round) -> None:
    """Change the password, as the admin does."""
    user = ada()
    user.set_password(f"{PASSWORD} {this.number}")
    user.save()


def log_in_over_it(this: Round) -> None:
    """Log in again in the same browser."""
    this.other.access = None
    insist(lambda: this.other.login(password=PASSWORD), 200)


ENDS: dict[str, tuple[Callable[[Round], None], str]] = {
    "logout": (log_out, "app"),
    "admin": (revoke_as_staff, "app"),
    "all": (revoke_all, "app"),
    "deactivation": (deactivate, "app"),
    "deletion": (delete, "app"),
    "password": (change_password, "app"),
    "logout-browser": (log_out, "browser"),
    "login": (log_in_over_it, "browser"),
}


@pytest.mark.req("REQ-23", "REQ-24", "REQ-38", "REQ-41", "REQ-46")
@pytest.mark.parametrize(("end", "client"), ENDS.values(), ids=ENDS)
def test_refresh_beside_the_end(rounds: Any, end: Callable[[Round], None], client: str):
    """Whoever is first: afterwards no token of the session works, and it does not come back."""
    for threads, this in rounds(client):
        this.run(threads, end)
        transport = this.first.session.transport
        assert all(refused_as(token, transport) for token in this.refresh)
        ended = AuthSession.objects.values().get(pk=this.first.session.pk)
        assert ended["revoked_at"] is not None
        assert not any(is_usable_raw(token) for token in this.access)
        assert all(refused_as(token, transport) for token in reversed(this.refresh))
        assert AuthSession.objects.values().get(pk=this.first.session.pk) == ended
    assert not AuthEvent.objects.filter(type=EventType.REUSE).exists()


def is_usable_raw(access: str) -> bool:
    """Return whether an access token is accepted."""
    return is_usable(Tokens(AuthSession(), access, 0, None, 0))


@pytest.mark.req("REQ-117", "REQ-120")
def test_refreshes_beside_a_bulk_revocation(rounds: Any):
    """Nothing of what was counted is alive afterwards, and each has one event, and one end."""
    for threads, this in rounds():
        there = [sessions.start_session(ada(), client="app") for _ in range(3)]
        this.apis[1].refresh_token = there[0].refresh
        ended: list[int] = []

        def revoke(this: Round, ended: list[int] = ended) -> None:
            target = Target(users=(ada().pk,))
            ended.append(count_matching(target).sessions)
            persist(lambda: revoke_matching(target, reason="admin", batch_size=2))

        this.run(threads, revoke)
        assert ended == [4]
        assert not AuthSession.objects.filter(revoked_at=None).exists()
        assert all(refused_as(token, "body") for token in [*this.refresh, str(there[1].refresh)])
        assert not any(is_usable_raw(token) for token in this.access)
    assert AuthEvent.objects.filter(type=EventType.REVOKED).count() == 4 * ROUNDS
    assert not AuthEvent.objects.filter(type=EventType.REUSE).exists()


@pytest.mark.req("REQ-17", "REQ-51")
def test_refresh_beside_a_step_up(rounds: Any):
    """One lineage: the step-up's tokens go on, all others are superseded, and nothing is reuse."""
    for threads, this in rounds():
        proved: dict[str, Any] = {}

        def step_up(this: Round, proved: dict[str, Any] = proved) -> None:
            data = {"password": PASSWORD}
            answer = insist(lambda: this.other.post("/auth/reauthenticate/", data), 200)
            proved.update(answer.json())

        this.run(threads, step_up)
        session = this.session()
        assert session.generation == session.floor in {2, 3}
        assert_only_lineage(this, proved["access"], proved["refresh"])
    assert not AuthEvent.objects.filter(type=EventType.REUSE).exists()
    assert AuthEvent.objects.filter(type=EventType.STEP_UP).count() == ROUNDS


@pytest.mark.req("REQ-17", "REQ-24")
def test_refresh_beside_a_kept_session(rounds: Any):
    """``update_session_auth_hash``: this session goes on by its new tokens alone, others end."""
    for threads, this in rounds():
        there = sessions.start_session(ada(), client="app")
        this.apis[1].refresh_token = there.refresh
        kept: list[Tokens] = []

        def change(this: Round, kept: list[Tokens] = kept) -> None:
            with transaction.atomic():
                user = ada()
                user.set_password(f"{PASSWORD} {this.number}")
                user.save()
                kept.append(sessions.renew_after_password_change(this.first.session, user))

        this.run(threads, lambda this, change=change: persist(lambda: change(this)))
        mine = [token for token in this.refresh if token[:24] == this.refresh[0][:24]]
        others = [token for token in this.refresh if token not in mine] + [str(there.refresh)]
        assert all(refused_as(token, "body") for token in others)
        this.refresh = mine
        assert_only_lineage(this, kept[-1].access, str(kept[-1].refresh))
    assert not AuthEvent.objects.filter(type=EventType.REUSE).exists()


@pytest.mark.req("REQ-133")
def test_refresh_beside_a_prune(rounds: Any):
    """What is over goes, and is refused as before or as unknown; what lives is not touched."""
    for threads, this in rounds():
        over = sessions.start_session(ada(), client="app")
        ended = system.now() - timedelta(hours=1)
        AuthSession.objects.filter(pk=over.session.pk).update(
            absolute_expires_at=ended, expires_at=ended
        )
        this.apis[1].refresh_token = over.refresh
        this.run(threads, lambda _this: persist(prune))
        assert len(this.refresh) == 2
        assert not AuthSession.objects.filter(pk=over.session.pk).exists()
        assert refused_as(str(over.refresh), "body") is RefreshInvalid
        assert refused_as(this.refresh[-1], "body") is None
        assert this.session().revoked_at is None


def assert_only_lineage(this: Round, access: str, refresh: str) -> None:
    """Fail unless these tokens work, and all that were issued beside them are superseded."""
    assert is_usable_raw(access)
    assert not any(is_usable_raw(token) for token in this.access if token != access)
    assert {refused_as(token, "body") for token in this.refresh} == {RefreshSuperseded}
    assert refused_as(refresh, "body") is None
    assert {refused_as(token, "body") for token in this.refresh} == {RefreshSuperseded}
    assert this.session().revoked_at is None
