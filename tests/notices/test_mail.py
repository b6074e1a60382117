"""What the e-mails say, to whom, and in which language."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polib
import pytest
from django.utils import translation

from tests.conftest import Api, Clock
from tests.notices.conftest import html_of, outbox, path_in
from tests.test_translations import LOCALE, english
from tokenauth.conf import NOTICES, Notice
from tokenauth.models import AuthSession
from tokenauth.notices.mail import address_of, facts_about, language_of, write

pytestmark = pytest.mark.any_database

GERMAN = LOCALE / "de" / "LC_MESSAGES" / "django.po"

SignIn = Callable[..., Api]


@pytest.fixture
def session(ada: Any) -> AuthSession:
    """Ada's session."""
    return AuthSession.objects.with_user().get()


class Person:
    """A user whose model names another field, as Django's AbstractBaseUser lets it."""

    mail = " ada@example.org "

    @classmethod
    def get_email_field_name(cls) -> str:
        """Return the name of the field."""
        return "mail"


class TestWrite:
    def test_has_text_and_html(self, session: AuthSession, clock: Clock) -> None:
        """Both name the device and the address, and have the one link."""
        message = write("new_device", session, session.user, clock(), "en")
        assert message.message().get_content_type() == "multipart/alternative"
        path = path_in(message)
        for part in (message.body, html_of(message)):
            assert "Firefox on Windows" in part
            assert "192.0.2.1" in part
            assert part.count(path) == 1

    def test_is_sent_by_a_program(self, session: AuthSession, clock: Clock) -> None:
        """Nobody's absence is answered to it (RFC 3834)."""
        message = write("new_device", session, session.user, clock(), "en").message()
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["To"] == "ada@example.org"

    def test_has_no_token_and_no_seed(self, sign_in: SignIn) -> None:
        """Nothing of the session but what is in its row for people."""
        api = sign_in()
        session = AuthSession.objects.get(new_device=True)
        said = outbox()[0].message().as_string()
        secrets = [api.access, api.refresh_token, bytes(session.seed).hex(), session.auth_hash]
        assert [secret for secret in secrets if str(secret) in said] == []

    @pytest.mark.parametrize("kind", NOTICES)
    def test_is_in_the_language(self, session: AuthSession, clock: Clock, kind: Notice) -> None:
        """All of it: the German one has none of our English messages, and says so in its HTML."""
        message = write(kind, session, session.user, clock(), "de")
        assert "Konto" in message.subject
        assert english(html_of(message), of=polib.pofile(str(GERMAN))) == []
        assert "Firefox auf Windows" in message.body
        assert '<html lang="de" dir="ltr">' in html_of(message)

    def test_leaves_the_language_of_the_request_alone(
        self, session: AuthSession, clock: Clock
    ) -> None:
        """What is active afterwards is what was before."""
        with translation.override("fr"):
            write("reuse", session, session.user, clock(), "de")
            assert translation.get_language() == "fr"

    def test_escapes_markup(self, session: AuthSession, clock: Clock) -> None:
        """A name with markup is text in the HTML, and itself in the text."""
        session.user.username = "<b>&ada"
        message = write("new_device", session, session.user, clock(), "en")
        assert "Hello &lt;b&gt;&amp;ada," in html_of(message)
        assert "Hello <b>&ada," in message.body

    def test_has_a_subject_of_one_line(
        self, session: AuthSession, clock: Clock, settings: Any, tmp_path: Path
    ) -> None:
        """A project's template with line breaks and a user's name makes no other header."""
        folder = tmp_path / "tokenauth" / "email"
        folder.mkdir(parents=True)
        (folder / "new_device_subject.txt").write_text("A sign-in\n of\r\n{{ user.first_name }}\n")
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
        session.user.first_name = "Ada\r\nBcc: eve@example.net\x00\u202e"
        message = write("new_device", session, session.user, clock(), "en")
        assert message.subject == "A sign-in of Ada Bcc: eve@example.net??"
        assert message.message()["Bcc"] is None

    def test_holds_no_remote_content(self, session: AuthSession, clock: Clock) -> None:
        """No image, script or style from elsewhere: opening the e-mail tells nobody."""
        html = html_of(write("new_device", session, session.user, clock(), "en"))
        assert [
            word for word in ("<img", "<script", "<link", "url(", " src=") if word in html
        ] == []


class TestFacts:
    def test_are_those_of_the_session(self, session: AuthSession, settings: Any) -> None:
        """The time in the project's zone, with its name."""
        settings.TIME_ZONE = "Europe/Berlin"
        session.created_at = session.created_at.replace(
            year=2026, month=7, day=1, hour=10, minute=5
        )
        with translation.override("de"):
            assert facts_about(session) == [
                ("Gerät", "Firefox auf Windows"),
                ("Angemeldet", "1. Juli 2026 12:05 CEST"),
                ("Adresse", "192.0.2.1"),
            ]

    def test_leave_out_what_is_not_known(self, session: AuthSession) -> None:
        """A session of no known device and address has its time."""
        session.device, session.last_ip = "", None
        assert [name for name, _ in facts_about(session)] == ["Device", "Signed in"]
        assert facts_about(session)[0] == ("Device", "unknown device")

    def test_make_no_link_of_what_a_client_calls_itself(self, sign_in: SignIn) -> None:
        """A client's name is its own word: no mail program may turn it into an address."""
        sign_in("evil.example.net/1.0")
        (message,) = outbox()
        assert "evil example net" in message.body
        assert "evil.example.net" not in message.message().as_string()


class TestAddress:
    def test_is_the_field_that_the_model_names(self) -> None:
        """By Django's own method for it."""
        assert address_of(Person()) == "ada@example.org"

    @pytest.mark.parametrize("user", [object(), None])
    def test_is_empty_without_one(self, user: object) -> None:
        """A user model may have no address at all."""
        assert address_of(user) == ""


class TestLanguage:
    @pytest.mark.parametrize(
        ("own", "requested", "language"),
        [
            (None, None, "en"),
            (None, "de", "de"),
            ("fr", "de", "fr"),
            ("de-at", None, "de"),
            ("", "de", "de"),
            ("tlh", "de", "de"),
            ("German, please\n", "de", "de"),
            (7, "tlh", "en"),
        ],
    )
    def test_is_the_users_own_then_the_requests(
        self, own: Any, requested: str | None, language: str
    ) -> None:
        """Then the project's; and only one that the project has."""
        user = Person()
        user.language = own  # type: ignore[attr-defined]  # what a project adds
        assert language_of(user, requested) == language

    def test_of_a_request_is_that_of_its_middleware(self, ada: Any, settings: Any) -> None:
        """The language in which the browser asked."""
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
        headers = {"accept-language": "de"}
        api = Api(headers=headers)
        assert api.login(client="app").status_code == 200
        assert outbox()[0].subject == "Neue Anmeldung bei Ihrem Konto auf example.com"

    def test_of_a_thief_is_not_that_of_the_warning(
        self, reuse: Callable[..., Api], settings: Any
    ) -> None:
        """About reuse the language of the request says nothing: it may be the thief's."""
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
        reuse(headers={"accept-language": "de"})
        assert outbox()[-1].subject.startswith("A session of your account")
