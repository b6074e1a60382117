"""A pasted token finds its session, and goes nowhere else."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from tests.conftest import Clock
from tests.domain import refresh, row, start
from tests.test_admin import LIST, page, root, staff_with
from tests.test_admin_revoking import messages_of
from tokenauth import sessions
from tokenauth.issuing import Tokens
from tokenauth.models import AuthEvent, AuthSession

__all__ = ["root", "staff_with"]  # fixtures

FIND = f"{LIST}find-by-token/"
UNKNOWN = "No session was found"


@pytest.fixture
def tokens(clock: Clock, user: User) -> Tokens:
    """A session's first tokens; it has been rotated twice since."""
    first = start(user)
    later = first
    for _ in range(2):
        clock.advance(seconds=60)
        later = refresh(later)
    return first


def find(client: Client, pasted: str) -> Any:
    """Paste a text."""
    return client.post(FIND, {"token": pasted})


def says(response: Any, session: AuthSession) -> str:
    """Return what the page of the session says, to which the answer must lead."""
    assert (response.status_code, response["Location"]) == (302, page(session))
    [(level, text)] = messages_of(response)
    assert level == "info"
    return text


class TestFinds:
    @pytest.mark.parametrize("kind", ["refresh", "access"])
    def test_of_either_kind(self, tokens: Tokens, root: Client, kind: str) -> None:
        """The session's page says which generation the token was of."""
        text = says(find(root, str(getattr(tokens, kind))), tokens.session)
        assert text == (
            f"The {kind} token of generation 0 belongs to this session. "
            "Its current generation is 2."
        )

    @pytest.mark.parametrize("kind", ["refresh", "access"])
    @pytest.mark.parametrize("days", [0, 20, 200])
    def test_of_an_ended_session(
        self, clock: Clock, tokens: Tokens, root: Client, kind: str, days: int
    ) -> None:
        """Revoked or expired, long ago: staff want to know whose it was."""
        sessions.revoke_session(row(tokens), reason="lost")
        clock.advance(days=days)
        says(find(root, str(getattr(tokens, kind))), tokens.session)

    @pytest.mark.parametrize("kind", ["refresh", "access"])
    def test_of_a_deleted_user(self, tokens: Tokens, root: Client, user: User, kind: str) -> None:
        """The session stays when the account goes."""
        user.delete()
        says(find(root, str(getattr(tokens, kind))), tokens.session)

    @pytest.mark.parametrize(
        "form",
        ["Bearer {}", '{{"refresh": "{}"}}', "Cookie: a=b; x={}; c=d", "\n {} \n", "See {}."],
    )
    @pytest.mark.parametrize("kind", ["refresh", "access"])
    def test_within_a_line(self, tokens: Tokens, root: Client, form: str, kind: str) -> None:
        """What stands around the token does no harm."""
        says(find(root, form.format(getattr(tokens, kind))), tokens.session)

    def test_the_only_one_of_ours(self, tokens: Tokens, root: Client) -> None:
        """Of several, the first that is ours."""
        says(find(root, f"{'A' * 64} {tokens.refresh}"), tokens.session)

    def test_without_alarm(self, tokens: Tokens, root: Client) -> None:
        """An old token that staff look up ends nothing and records nothing."""
        before = AuthSession.objects.values().get(), AuthEvent.objects.count()
        find(root, str(tokens.refresh))
        assert (AuthSession.objects.values().get(), AuthEvent.objects.count()) == before


class TestFindsNothing:
    @pytest.mark.parametrize("text", ["", " ", "x", "A" * 64, "e30." * 30, "\x00" * 70, "x" * 9000])
    def test_of_what_is_no_token(self, tokens: Tokens, root: Client, text: str) -> None:
        """The form is shown again, with what is wrong, without a redirect."""
        response = find(root, text)
        assert response.status_code == 200
        assert response.context["form"].errors["token"]

    @pytest.mark.parametrize("kind", ["refresh", "access"])
    def test_of_a_forged_one(self, tokens: Tokens, root: Client, kind: str) -> None:
        """A token that names a session and proves nothing is none of ours."""
        real = str(getattr(tokens, kind))
        forged = real[:-2] + ("AA" if real[-2:] != "AA" else "BB")
        response = find(root, forged)
        assert UNKNOWN in response.content.decode()
        assert forged not in response.content.decode()

    def test_of_another_sites(self, tokens: Tokens, root: Client, settings: Any) -> None:
        """Made by other keys, it is not ours."""
        settings.TOKENAUTH_REFRESH_KEYS = [b"another site's key, as long as one must be"]
        assert UNKNOWN in find(root, str(tokens.refresh)).content.decode()

    def test_of_a_session_that_is_no_longer_kept(self, tokens: Tokens, root: Client) -> None:
        """Clean-up has removed it."""
        AuthSession.objects.all().delete()
        for token in (tokens.refresh, tokens.access):
            assert UNKNOWN in find(root, str(token)).content.decode()

    def test_one_statement_at_most(self, tokens: Tokens, root: Client) -> None:
        """Garbage costs no query but those of the admin itself, however much of it there is."""
        with CaptureQueriesContext(connection) as nothing:
            find(root, " ".join(["A" * 70] * 50))
        assert not [one for one in nothing.captured_queries if "tokenauth_" in one["sql"]]
        with CaptureQueriesContext(connection) as found:
            find(root, str(tokens.refresh))
        assert sum("tokenauth_authsession" in one["sql"] for one in found.captured_queries) == 1


class Records(logging.Handler):
    """Keeps the records of every logger."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the text."""
        self.texts.append(record.getMessage())


@pytest.mark.req("REQ-118")
class TestLeavesNoTrace:
    @pytest.fixture
    def log(self) -> Iterator[Records]:
        """What is logged, at DEBUG."""
        handler, logger = Records(), logging.getLogger()
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        yield handler
        logger.removeHandler(handler)
        logger.setLevel(level)

    @pytest.mark.parametrize("kind", ["refresh", "access", "foreign"])
    def test_of_the_token(self, tokens: Tokens, root: Client, log: Records, kind: str) -> None:
        """Not in the answer, the page after it, the log, the history or a Django session."""
        secret = {"foreign": "Zm9yZWlnbg" * 9}.get(kind) or str(getattr(tokens, kind))
        response = find(root, secret)
        texts = [
            str(response.headers),
            response.content.decode(),
            *map(str, response.cookies.values()),
        ]
        texts += [root.get(page(tokens.session)).content.decode(), *log.texts]
        texts += [str(entry) for entry in LogEntry.objects.values()]
        texts += [str(one.get_decoded()) for one in Session.objects.all()]
        texts += [str(event) for event in AuthEvent.objects.values()]
        assert not [text for text in texts if secret[-24:] in text]
        logging.getLogger("tokenauth.admin").debug("the log is heard")
        assert "the log is heard" in log.texts

    def test_in_the_field(self, root: Client) -> None:
        """The browser hides what is pasted, and neither remembers it nor checks its spelling."""
        response = root.get(FIND)
        text = response.content.decode()
        field = text[text.index('<input type="password" name="token"') :].partition(">")[0]
        assert 'autocomplete="off"' in field
        assert 'spellcheck="false"' in field
        assert "no-store" in response["Cache-Control"]

    @pytest.mark.parametrize("debug", ["", "on"])
    @pytest.mark.parametrize("place", ["identify_token", "reverse"])
    def test_on_an_error_page(
        self,
        tokens: Tokens,
        staff: User,
        monkeypatch: pytest.MonkeyPatch,
        debug: str,
        place: str,
    ) -> None:
        """What fails inside shows the token neither to the reader nor to the admins."""

        def fail(*_args: Any, **_more: Any) -> Any:
            raise RuntimeError("what went wrong")

        monkeypatch.setattr(f"tokenauth.admin.finding.{place}", fail)
        client = Client(raise_request_exception=False)
        client.force_login(staff)
        with override_settings(DEBUG=bool(debug)):
            response = find(client, str(tokens.refresh))
        assert response.status_code == 500
        assert ("what went wrong" in response.content.decode()) is bool(debug)
        assert str(tokens.refresh)[-24:] not in response.content.decode()

    def test_by_the_address_it_is_refused(self, tokens: Tokens, root: Client) -> None:
        """Nothing is found by GET; the message names the page that takes it."""
        for address in (FIND, LIST):
            response: Any = root.get(address, {"token": str(tokens.refresh)})
            assert (response.status_code, response["Location"]) == (302, address)
            assert "Find by token" in messages_of(response)[0][1]


@pytest.mark.req("REQ-116")
class TestWhoMay:
    def test_staff_who_may_see_sessions(
        self, tokens: Tokens, staff_with: Callable[..., Client]
    ) -> None:
        """The permission is that of the list."""
        says(find(staff_with("view_authsession"), str(tokens.refresh)), tokens.session)
        assert FIND in staff_with("view_authsession").get(LIST).content.decode()

    def test_no_others(self, tokens: Tokens, staff_with: Callable[..., Client]) -> None:
        """Without it the page and the form are refused."""
        assert staff_with("view_authevent").get(FIND).status_code == 403
        assert find(staff_with("view_authevent"), str(tokens.refresh)).status_code == 403

    def test_not_anonymous(self, tokens: Tokens, client: Client) -> None:
        """Nobody finds anything without logging in to the admin."""
        response = find(client, str(tokens.refresh))
        assert response["Location"].startswith("/admin/login/")
        assert str(tokens.refresh) not in response["Location"]

    def test_with_the_token_of_the_form(self, tokens: Tokens, staff: User) -> None:
        """Another site cannot have a browser ask."""
        client = Client(enforce_csrf_checks=True)
        client.force_login(staff)
        assert find(client, str(tokens.refresh)).status_code == 403
