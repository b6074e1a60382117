"""When an e-mail is due, and what its failures do: nothing."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
import pytest

from tests.conftest import Api, Clock
from tests.notices.agents import FIREFOX, SAFARI
from tests.notices.conftest import outbox
from tokenauth.counters import counters
from tokenauth.models import AuthSession
from tokenauth.notices.delivery import MOST_PER_HOUR, deliver, deliver_once

pytestmark = pytest.mark.any_database

SMTP = "django.core.mail.backends.smtp.EmailBackend"
SignIn = Callable[..., Api]


class MailServer:
    """A mail server on a port of its own: it speaks SMTP as far as it is told to, and stops.

    Attributes:
        heard: the lines that clients sent.
        port: where it listens.
    """

    def __init__(self, answers: dict[str, bytes]) -> None:
        self.answers = answers
        self.heard: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; closing twice is closing once."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client, client.makefile("rb") as lines:
                self._talk(client, lines)

    def _talk(self, client: socket.socket, lines: Any) -> None:
        client.sendall(self.answers.get("connect", b"220 mail.example.com ready\r\n"))
        in_data = False
        for raw in lines:
            line = raw.decode("ascii", "replace").rstrip("\r\n")
            self.heard.append(line)
            if in_data and line != ".":
                continue
            word = "sent" if in_data else line.split()[0].lower()
            in_data = word == "data"
            answer = self.answers.get(word, b"354 go on\r\n" if in_data else b"250 fine\r\n")
            if not answer:
                return
            client.sendall(answer)
            if word == "quit":
                return


def send_by_smtp(settings: Any, port: int, seconds: float) -> None:
    """Send e-mails to a server on this machine."""
    options = {"host": "127.0.0.1", "port": port, "timeout": seconds}
    settings.MAILERS = {"default": {"BACKEND": SMTP, "OPTIONS": options}}
    if django.VERSION < (6, 1):
        settings.EMAIL_BACKEND = SMTP
        settings.EMAIL_HOST, settings.EMAIL_PORT = options["host"], port
        settings.EMAIL_TIMEOUT = options["timeout"]


@pytest.fixture
def mail_server(settings: Any) -> Iterator[Callable[..., MailServer]]:
    """Return a function that starts a mail server and has the project use it."""
    servers: list[MailServer] = []

    def started(seconds: float = 20, **answers: bytes) -> MailServer:
        server = MailServer(answers)
        servers.append(server)
        send_by_smtp(settings, server.port, seconds)
        return server

    yield started
    for server in servers:
        server.close()


FAULTS: dict[str, dict[str, Any]] = {
    "says nothing": {"connect": b"", "seconds": 0.2},
    "hangs up": {"ehlo": b""},
    "is not ready": {"connect": b"421 not now\r\n"},
    "refuses the recipient": {"rcpt": b"550 no such user\r\n"},
    "hangs up in the middle": {"sent": b""},
    "refuses the text": {"sent": b"554 https://example.com/auth/end-session/... is spam\r\n"},
}


class TestFailure:
    @pytest.mark.parametrize("answers", FAULTS.values(), ids=FAULTS)
    def test_of_the_mail_server_fails_no_login(
        self,
        sign_in: SignIn,
        mail_server: Callable[..., MailServer],
        caplog: Any,
        answers: dict[str, Any],
    ) -> None:
        """The session lives, and the log says what kind of fault it was, without its words."""
        mail_server(**answers)
        api = sign_in()
        assert api.whoami().status_code == 200
        (said,) = [line for line in caplog.records if line.name == "tokenauth.notices"]
        assert said.levelno == logging.ERROR
        assert "was not sent: SMTP" in said.getMessage()
        assert "example.com" not in said.getMessage()
        assert said.exc_info is None

    def test_of_a_mail_server_that_is_down_fails_no_refresh(
        self, reuse: Callable[[], Api], settings: Any, mail_server: Callable[..., MailServer]
    ) -> None:
        """Nobody listens there: the session has ended all the same, and its 401 is the same."""
        mail_server().close()
        reuse()
        assert AuthSession.objects.filter(revoked_reason="reuse").count() == 1

    def test_is_none_of_a_server_that_works(
        self, sign_in: SignIn, mail_server: Callable[..., MailServer]
    ) -> None:
        """The same server without a fault gets the e-mail: the tests above can fail."""
        server = mail_server()
        sign_in()
        assert "Subject: New sign-in to your account at example.com" in server.heard
        assert server.heard[-1].lower() == "quit"

    @pytest.mark.parametrize("broken", ["{% url 'none' %}", "{% include 'none' %}"])
    def test_of_a_template_fails_no_login(
        self, sign_in: SignIn, settings: Any, tmp_path: Path, caplog: Any, broken: str
    ) -> None:
        """A project's template that fails when it is used is in the log, with its traceback."""
        folder = tmp_path / "tokenauth" / "email"
        folder.mkdir(parents=True)
        (folder / "new_device_body.html").write_text(broken)
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
        assert sign_in().whoami().status_code == 200
        assert outbox() == []
        (said,) = [line for line in caplog.records if line.name == "tokenauth.notices"]
        assert "was not written" in said.getMessage()
        assert said.exc_info is not None

    def test_of_an_address_sends_nothing(self, ada: Any, sign_in: SignIn) -> None:
        """An address with a line break would be a header of its own."""
        ada.email = "ada@example.org\nBcc: eve@example.net"
        ada.save()
        assert sign_in().whoami().status_code == 200
        assert outbox() == []


class TestDue:
    def test_nobody_without_an_address(self, ada: Any, sign_in: SignIn) -> None:
        """Nothing is sent and nothing is said."""
        ada.email = ""
        ada.save()
        sign_in()
        assert outbox() == []

    @pytest.mark.parametrize("gone", ["deleted", "inactive"])
    def test_nobody_who_is_gone(self, ada: Any, gone: str) -> None:
        """A task may run after the account has ended."""
        session = AuthSession.objects.get()
        if gone == "deleted":
            ada.delete()
        else:
            type(ada).objects.update(is_active=False)
        session = AuthSession.objects.with_user().get(pk=session.pk)
        assert not deliver("new_device", session, "en")
        assert outbox() == []

    def test_once_for_a_session_and_kind(self, ada: Any) -> None:
        """A queue that runs a task twice sends one e-mail."""
        session = AuthSession.objects.with_user().get()
        assert deliver_once("new_device", session, "en")
        assert not deliver_once("new_device", session, "en")
        assert deliver_once("reuse", session, "en")
        assert len(outbox()) == 2

    def test_five_in_an_hour_for_a_user(self, sign_in: SignIn, clock: Clock, caplog: Any) -> None:
        """Whoever signs in from device after device floods no mailbox; the log counts on."""
        for number in range(MOST_PER_HOUR + 2):
            sign_in(f"client{number}/1.0")
        assert len(outbox()) == MOST_PER_HOUR
        assert AuthSession.objects.filter(new_device=True).count() == MOST_PER_HOUR + 2
        said = [line for line in caplog.records if line.name == "tokenauth.notices"]
        assert [line.levelno for line in said] == [logging.WARNING] * 2

    def test_may_be_sent_again_after_an_hour(self, sign_in: SignIn, clock: Clock) -> None:
        """A place is free an hour after it was taken."""
        for number in range(MOST_PER_HOUR):
            sign_in(f"client{number}/1.0")
        began = clock()
        for seconds, sent in ((3590, 0), (3610, 1)):
            clock.time = began + timedelta(seconds=seconds)
            sign_in(f"after{seconds}/1.0")
            assert len(outbox()) == MOST_PER_HOUR + sent

    def test_about_a_login_ask_the_cache_nothing(
        self, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The look-up of new devices has told whether there is room."""
        asked: list[str] = []
        monkeypatch.setattr(counters, "add", lambda key, *_: asked.append(key))
        sign_in()
        assert len(outbox()) == 1
        assert asked == []

    def test_about_reuse_come_five_in_an_hour(self, reuse: Callable[[], Api], caplog: Any) -> None:
        """Whoever replays tokens without end floods no mailbox either."""
        for _ in range(MOST_PER_HOUR + 1):
            reuse()
        assert len([mail for mail in outbox() if "ended" in mail.subject]) == MOST_PER_HOUR

    def test_of_one_kind_leave_the_other_alone(
        self, sign_in: SignIn, reuse: Callable[[], Api]
    ) -> None:
        """Sign-ins without end do not keep the warning about a stolen token back."""
        for number in range(MOST_PER_HOUR + 1):
            sign_in(f"client{number}/1.0")
        reuse()
        assert len(outbox()) == MOST_PER_HOUR + 1
        assert outbox()[-1].subject.startswith("A session of your account")

    def test_of_one_user_leave_another_alone(self, sign_in: SignIn, staff: Any) -> None:
        """Each has a count of their own."""
        for number in range(MOST_PER_HOUR + 1):
            sign_in(f"client{number}/1.0")
        staff.email = "root@example.org"
        staff.save()
        for agent in (FIREFOX, SAFARI):
            assert Api(HTTP_USER_AGENT=agent).login("root").status_code == 200
        assert outbox()[-1].to == ["root@example.org"]
