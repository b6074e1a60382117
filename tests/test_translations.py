"""The translations: complete, faithful, and what staff and clients read."""

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import django
import polib
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

import tokenauth
from tests.conftest import Api, Clock
from tests.test_admin import EVENTS, LIST, page, root, start
from tests.test_admin_revoking import YES, messages_of
from tokenauth.admin.display import relative
from tokenauth.conf import config
from tokenauth.models import AuthEvent, AuthSession, AuthStatistic
from tokenauth.statistics import HOUR, Measure, floor_hour, gather

__all__ = ["root"]  # a fixture

pytestmark = pytest.mark.any_database

LOCALE = Path(tokenauth.__file__).parent / "locale"
CATALOGS = sorted(LOCALE.rglob("*.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%%")
SHOWN = {"alt", "aria-label", "placeholder", "title"}
MANY = f"{LIST}revoke/"
PAGES = [
    *("/admin/", "/admin/tokenauth/", LIST, f"{LIST}overview/", f"{LIST}overview/?period=30d"),
    *(EVENTS, MANY, f"{LIST}find-by-token/"),
]


def ids(path: Path) -> str:
    """Name a test after its language."""
    return path.parent.parent.name


@pytest.fixture(params=CATALOGS, ids=ids)
def catalog(request: pytest.FixtureRequest) -> polib.POFile:
    """Return each translation."""
    return polib.pofile(str(request.param))


def pairs(catalog: polib.POFile) -> Iterator[tuple[str, str]]:
    """Give each message with its translation; of plurals, each form with its own."""
    for entry in catalog:
        if not entry.msgid_plural:
            yield entry.msgid, entry.msgstr
        for number, text in entry.msgstr_plural.items():
            yield entry.msgid if number == 0 else entry.msgid_plural, text


class TestCatalog:
    def test_there_is_one(self) -> None:
        """German is complete; the other tests would pass without a language."""
        assert "de" in [ids(path) for path in CATALOGS]

    def test_every_message_is_translated(self, catalog: polib.POFile) -> None:
        """None is empty, doubtful or left over."""
        assert len(catalog) > 300
        assert [entry.msgid for entry in catalog if not entry.translated()] == []
        assert catalog.obsolete_entries() == []

    def test_placeholders_are_kept(self, catalog: polib.POFile) -> None:
        """A name that is missing or misspelt would fail the page that shows the message."""
        wrong = [
            (message, text)
            for message, text in pairs(catalog)
            if set(PLACEHOLDER.findall(message)) != set(PLACEHOLDER.findall(text))
        ]
        assert wrong == []

    def test_nothing_else_is_a_placeholder(self, catalog: polib.POFile) -> None:
        """A lone percent sign in a message that is filled in would be one."""
        texts = [text for message, text in pairs(catalog) if PLACEHOLDER.search(message)]
        assert [text for text in texts if "%" in PLACEHOLDER.sub("", text)] == []

    def test_ends_as_the_message_does(self, catalog: polib.POFile) -> None:
        """Sentences stay sentences, questions questions, and no space is lost."""
        ends = " .?:…"
        wrong = [
            (message, text)
            for message, text in pairs(catalog)
            if (message[-1] in ends or text[-1] in ends) and message[-1] != text[-1]
        ]
        assert wrong == []

    def test_is_what_is_compiled(self, catalog: polib.POFile) -> None:
        """The .mo, which is what Django reads, is that of the .po."""

        def texts(entries: Any) -> dict[Any, Any]:
            return {
                (entry.msgctxt or "", entry.msgid): entry.msgstr_plural or entry.msgstr
                for entry in entries
            }

        compiled = polib.mofile(str(Path(str(catalog.fpath)).with_suffix(".mo")))
        assert texts(compiled) == texts(catalog)

    def test_says_nothing_else_than_django_does(self, catalog: polib.POFile) -> None:
        """All apps share one catalogue: another word for Django's own message would replace it."""
        language = ids(Path(str(catalog.fpath)))
        mine = {(entry.msgctxt, entry.msgid): entry for entry in catalog}
        apps = [
            Path(str(django.__file__)).parent / part
            for part in ("conf", "contrib/admin", "contrib/auth")
        ]
        wrong = []
        for app in apps:
            for entry in polib.mofile(str(app / f"locale/{language}/LC_MESSAGES/django.mo")):
                same = mine.get((entry.msgctxt, entry.msgid)) if entry.msgid else None
                if same and (same.msgstr, same.msgstr_plural) != (
                    entry.msgstr,
                    entry.msgstr_plural,
                ):
                    wrong.append((entry.msgid, same.msgstr, entry.msgstr))
        assert wrong == []


class Reader(HTMLParser):
    """Collects what people read of a page: texts, and the attributes that are shown or spoken.

    Options are left out: the names of permissions are stored in English, as Django's own are.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        shown = SHOWN | {"value"} if ("type", "submit") in attrs else SHOWN
        self.texts += [text for name, text in attrs if name in shown and text]

    def handle_data(self, data: str) -> None:
        if self._inside not in {"script", "style", "option"} and data.strip():
            self.texts.append(" ".join(data.split()))


def english(html: str, *, of: polib.POFile) -> list[tuple[str, str]]:
    """Return what a page shows in the words of our sources, with the message that it is."""
    return [
        (shown, message)
        for shown in Reader(html).texts
        if shown not in config.clients  # names that the project gave, which may be words of ours
        for message in messages_in(shown, str(of.fpath))
    ]


@lru_cache(maxsize=100_000)  # most texts of a page are on the others too
def messages_in(shown: str, catalog: str) -> list[str]:
    """Return the messages of a catalog that a text is, or holds."""
    return [
        message
        for pattern, message in patterns_of(catalog)
        if pattern.fullmatch(shown) or (len(message) > 25 and pattern.search(shown))
    ]


@lru_cache
def patterns_of(catalog: str) -> list[tuple[re.Pattern[str], str]]:
    """Return what each message of a catalog looks like, with the message."""
    patterns = []
    for message, text in pairs(polib.pofile(catalog)):
        bare = PLACEHOLDER.sub("", message)
        if message != text and len(re.findall(r"[A-Za-z]{2,}", bare)) > 0:
            parts = [re.escape(part) for part in PLACEHOLDER.split(" ".join(message.split()))]
            patterns.append((re.compile(".{1,200}?".join(parts)), message))
    return patterns


@pytest.mark.usefixtures("clock")
class TestGerman:
    @pytest.fixture(autouse=True)
    def _german(self, settings: Any) -> None:
        settings.LANGUAGE_CODE = "de"

    @pytest.fixture
    def german(self) -> polib.POFile:
        """Return the German translation."""
        return polib.pofile(str(LOCALE / "de/LC_MESSAGES/django.po"))

    @pytest.fixture
    def stolen(self, clock: Clock, user: User) -> AuthSession:
        """A session with everything: a move, a step-up, rotations, and a reuse; and others."""
        other = start(user)
        ada, thief = Api(REMOTE_ADDR="192.0.2.1"), Api(REMOTE_ADDR="203.0.113.9")
        ada.login(client="app")
        session = AuthSession.objects.exclude(pk=other.pk).get()
        thief.refresh_token = ada.refresh_token
        for _ in range(3):
            clock.advance(minutes=10)
            thief.refresh(HTTP_USER_AGENT="curl/8.5.0")
            thief.whoami()
        assert ada.refresh().json()["reason"] == "reuse"
        session.refresh_from_db()
        return session

    @pytest.mark.parametrize("address", PAGES)
    def test_a_page_has_no_english_words(
        self, stolen: AuthSession, root: Client, german: polib.POFile, address: str
    ) -> None:
        """Nothing of what this package says is left untranslated."""
        assert english(root.get(address).content.decode(), of=german) == []

    def test_the_page_of_a_session_has_none(
        self, stolen: AuthSession, root: Client, german: polib.POFile
    ) -> None:
        """The fields, the signs, the timeline and the user's other sessions."""
        html = root.get(page(stolen)).content.decode()
        assert "Refresh-Token wiederverwendet" in html
        assert english(html, of=german) == []

    def test_the_pages_of_events_have_none(
        self, stolen: AuthSession, root: Client, german: polib.POFile
    ) -> None:
        """Each kind of event that there is."""
        events = list(AuthEvent.objects.all())
        assert len(events) > 3
        for event in events:
            html = root.get(f"{EVENTS}{event.pk}/change/").content.decode()
            assert english(html, of=german) == []

    def test_the_page_of_a_user_has_none(
        self, stolen: AuthSession, user: User, root: Client, german: polib.POFile
    ) -> None:
        """The sessions on the project's own page of a user."""
        html = root.get(f"/admin/auth/user/{user.pk}/change/").content.decode()
        assert "Überall abmelden" in html
        assert english(html, of=german) == []

    @pytest.mark.parametrize("about", ["one", "many"])
    def test_the_questions_have_none(
        self, user: User, root: Client, german: polib.POFile, about: str
    ) -> None:
        """What is asked before sessions end."""
        address = page(start(user), "revoke") if about == "one" else f"{MANY}?user={user.pk}"
        start(user)
        html = root.get(address).content.decode()
        assert "Ja, widerrufen" in html
        assert english(html, of=german) == []

    def test_english_would_be_seen(
        self, stolen: AuthSession, root: Client, german: polib.POFile, settings: Any
    ) -> None:
        """The same page in English is full of it: the search can fail."""
        settings.LANGUAGE_CODE = "en"
        assert len(english(root.get(page(stolen)).content.decode(), of=german)) > 30

    @pytest.mark.parametrize(
        ("count", "said"),
        [
            (0, "Es wurde keine Sitzung widerrufen: Sie waren schon vorher beendet."),
            (1, "1 Sitzung wurde widerrufen. Ihr Refresh-Token wird ab jetzt abgelehnt."),
            (
                2,
                "2 Sitzungen wurden widerrufen. Ihre Refresh-Tokens werden ab jetzt abgelehnt.",
            ),
        ],
    )
    def test_plurals(self, user: User, root: Client, count: int, said: str) -> None:
        """None, one and two read right."""
        for _ in range(count):
            start(user)
        response = root.post(MANY, YES | {"user": user.pk})
        assert [text for _, text in messages_of(response)] == [said]

    @pytest.mark.parametrize(
        ("age", "said"),
        [
            ({"days": 1}, "vor 1 Tag"),
            ({"days": 3, "hours": 1}, "vor 3 Tagen, 1 Stunde"),
            ({"days": 62}, "vor 2 Monaten"),
            ({"days": -3}, "in 3 Tagen"),
        ],
    )
    def test_spans_of_time_are_inflected(
        self, clock: Clock, age: dict[str, int], said: str
    ) -> None:
        """It is "vor 3 Tagen", where Django's own word for days alone is "Tage"."""
        ago = timedelta(**age)
        html = relative(clock() - ago, clock()).replace("\xa0", " ")
        assert f">{said}</time>" in html


class TestApi:
    MIDDLEWARE = "django.middleware.locale.LocaleMiddleware"

    @pytest.mark.parametrize(
        ("language", "detail"),
        [
            ("de", "Es wurde kein Refresh-Token gesendet."),
            ("de-AT,de;q=0.9,en;q=0.5", "Es wurde kein Refresh-Token gesendet."),
            ("en", "No refresh token was sent."),
            ("tlh", "No refresh token was sent."),
        ],
    )
    def test_detail_follows_the_client_and_code_does_not(
        self, db: None, client: Client, settings: Any, language: str, detail: str
    ) -> None:
        """With Django's LocaleMiddleware people read their language; programs read the code."""
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, self.MIDDLEWARE]
        headers = {"accept-language": language, "sec-fetch-site": "same-origin"}
        response = client.post("/auth/refresh/", {}, "application/json", headers=headers)
        assert response.json() == {"detail": detail, "code": "refresh_missing"}

    def test_the_reason_of_an_end_is_a_code(self, clock: Clock, app: Api, settings: Any) -> None:
        """What programs compare is the same in every language."""
        settings.LANGUAGE_CODE = "de"
        app.logout()
        body = app.refresh().json()
        assert (body["code"], body["reason"]) == ("session_ended", "logout")
        assert body["detail"] == "Die Sitzung ist beendet. Melden Sie sich neu an."


class TestNumbers:
    """Where numbers are written for programs, no language writes them."""

    @pytest.fixture(autouse=True)
    def _grouped(self, settings: Any) -> None:
        settings.LANGUAGE_CODE = "de"
        settings.USE_THOUSAND_SEPARATOR = True

    def test_keys_in_addresses_and_forms(self, root: Client, clock: Clock) -> None:
        """A user with the key 1234567 is 1234567 in every link and hidden field."""
        ada = User.objects.create_user("ada-of-many", pk=1234567)
        session, other = start(ada), start(ada)
        own = {"action": "revoke_all_sessions", "_selected_action": [str(ada.pk)]}
        pages = [
            root.get(LIST),
            root.get(page(session)),
            root.get(f"/admin/auth/user/{ada.pk}/change/"),
            root.get(f"{MANY}?user={ada.pk}&keep={other.pk}"),
            root.post("/admin/auth/user/", own),
        ]
        for response in pages:
            html = response.content.decode()
            assert "1234567" in html
            assert "1.234.567" not in re.sub(r">[^<]*<", "><", html)

    def test_what_is_drawn_and_exported(self, root: Client, clock: Clock) -> None:
        """A place in a drawing, and a cell of a table for programs, has no grouped number."""
        AuthStatistic.objects.create(
            hour=floor_hour(clock()) - HOUR, measure=Measure.SIGN_IN, key="app", count=1234567
        )
        gather(clock())
        text = root.get(f"{LIST}overview/").content.decode()
        html = "".join(re.findall("<figure.*?</figure>", text, re.DOTALL))
        assert "1.234.567" in html
        drawn = re.findall(r'(?:d|viewBox|width|height|[xy][12]?|c[xy])="([^"]*)"', html)
        assert len(drawn) > 50
        assert [text for text in drawn if re.search(r"\d,|\.\d\d", text)] == []
        AuthEvent.objects.create(
            created_at=clock(), type="revoked", user_key="1234567", detail={"count": 1234567}
        )
        export: Any = root.post(f"{EVENTS}export/")
        text = b"".join(export.streaming_content).decode()
        assert "1234567" in text
        assert "1.234.567" not in text

    def test_numbers_for_people_are_grouped(self, root: Client, user: User, clock: Clock) -> None:
        """A count of rotations reads as numbers do in the language of the page."""
        session = start(user)
        AuthSession.objects.update(generation=1234)
        with translation.override("de"):
            assert "1.234" in root.get(page(session)).content.decode()
