"""No page of the admin shows a secret, and what clients sent is text on all of them."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import resolve

from tests.conftest import Api, Clock
from tests.leaks import Watch, contains, spellings
from tests.test_admin import EVENTS, LIST, page, root, start
from tests.test_admin_revoking import YES, messages_of, revoke, revoke_selected
from tests.test_admin_users import USERS, revoke_all
from tokenauth.audit import Origin, holds_token
from tokenauth.models import AuthEvent, AuthSession, EventType, RefreshToken

__all__ = ["root"]  # a fixture

pytestmark = pytest.mark.any_database

MARKUP = "<script>alert(1)</script>"
BIDI = "\u202egnp.exe\u2066"
LISTS = (LIST, EVENTS)
HOSTILE = f"{MARKUP}\"'{BIDI}\r\nSet-Cookie: a=b\u200f"


def crawl(client: Client) -> Iterator[tuple[str, str]]:
    """Follow the links of the admin from its index; give addresses and pages."""
    waiting, seen = ["/admin/"], set()
    while waiting:
        address = waiting.pop()
        if address in seen or "/logout/" in address or "/password" in address:
            continue
        seen.add(address)
        response = client.get(address)
        assert response.status_code in {200, 302, 403, 404}, address
        text = response.content.decode()
        yield address, text
        for link in re.findall(r'href="([^"#]+)"', text):
            target = urlsplit(link.replace("&amp;", "&"))
            if target.scheme or target.path.startswith(("/static/", "/page")):
                continue
            path = target.path if target.path.startswith("/") else urlsplit(address).path
            # One filter at a time and no order: the combinations show nothing else.
            endless = "&" in target.query or target.query.startswith(("o=", "_changelist"))
            if path.startswith("/admin/") and not endless:
                waiting.append(f"{path}?{target.query}" if target.query else path)


def actions(client: Client) -> Iterator[tuple[str, str]]:
    """Give the pages that only a POST shows: the questions of the actions."""
    session, user = AuthSession.objects.first(), User.objects.get(username="ada")
    assert session
    yield "selected", revoke_selected(client, session, confirmed=[]).content.decode()
    yield "users", revoke_all(client, user, confirmed=[]).content.decode()
    data = {"action": "delete_selected", "_selected_action": str(user.pk)}
    yield "deletion", client.post(USERS, data).content.decode()
    for about in ({"what": "everyone"}, {"what": "user", "name": "ada"}, {"user": str(user.pk)}):
        many = client.post("/admin/tokenauth/authsession/revoke/", about)
        assert "Yes, revoke" in many.content.decode()
        yield f"many {about}", many.content.decode()
    yield "one", client.get(f"{USERS}{user.pk}/delete/").content.decode()
    export = client.post(f"{EVENTS}export/")
    yield f"{EVENTS}export/", b"".join(export).decode()


def names_of(model: Any) -> set[str]:
    """Return the names of the addresses that the admin has for a model."""
    return {str(pattern.name) for pattern in admin.site.get_model_admin(model).urls if pattern.name}


class TestNoSecret:
    @pytest.fixture
    def tokens(self, clock: Clock, user: User, app: Api, browser: Api) -> list[str]:
        """Sessions in every state; all tokens that were issued for them."""
        issued = [app.access, app.refresh_token, browser.access]
        for _ in range(3):
            clock.advance(seconds=60)
            app.refresh()
            issued += [app.access, app.refresh_token]
        thief = Api()
        thief.login(client="app")
        stolen = thief.refresh_token
        for _ in range(2):
            clock.advance(seconds=60)
            thief.refresh()
            issued += [thief.access, thief.refresh_token]
        Api().refresh(stolen)
        return [token for token in [*issued, stolen] if token]

    @pytest.mark.req("REQ-118")
    def test_on_no_page(self, tokens: list[str], root: Client, watch: Watch, clock: Clock) -> None:
        """Every page that links lead to, and every question, is free of tokens, seeds and keys."""
        revoke(root, start(User.objects.get(username="ada")))
        secrets = {token[-32:] for token in tokens} | watch.keys
        for session in AuthSession.objects.all():
            secrets |= spellings(bytes(session.seed)) | {session.auth_hash}
        pages = dict([*crawl(root), *actions(root)])
        sessions = {page(session) for session in AuthSession.objects.all()}
        assert sessions <= {address.partition("?")[0] for address in pages}
        assert any(address.endswith("/revoke/") for address in pages)
        assert any(EVENTS in address and "/change/" in address for address in pages)
        paths = (address.partition("?")[0] for address in pages if address.startswith(LISTS))
        visited = {resolve(path).url_name for path in paths}
        there = names_of(AuthSession) | names_of(AuthEvent)
        assert {name for name in there - visited if not name.endswith(("_add", "_delete"))} == set()
        assert not [address for address, text in pages.items() if contains(text, secrets)]

    @pytest.mark.req("REQ-118")
    def test_the_crawl_would_see_one(self, tokens: list[str], root: Client) -> None:
        """A token that a user gives as the name of a device is found: the crawl can fail."""
        AuthSession.objects.update(device_name=tokens[0][:100])
        assert any(contains(text, [tokens[0][:40]]) for _, text in crawl(root))

    @pytest.mark.req("REQ-118")
    @pytest.mark.parametrize("address", [LIST, EVENTS])
    @pytest.mark.parametrize("kind", [0, 1])
    @pytest.mark.parametrize("form", ["{}", "Bearer {}", ' refresh="{}" '])
    def test_a_token_that_is_searched_for_leaves_the_address(
        self, tokens: list[str], root: Client, address: str, kind: int, form: str
    ) -> None:
        """?q= with a token is left at once for the address without it, with a message."""
        query = {"q": form.format(tokens[kind]), "p": "0"}
        response = root.get(address, query)
        assert (response.status_code, response["Location"]) == (302, f"{address}?p=0")
        assert [level for level, _ in messages_of(response)] == ["error"]
        assert tokens[kind] not in root.get(response["Location"]).content.decode()

    @pytest.mark.req("REQ-118")
    @pytest.mark.parametrize("name", ["client", "_changelist_filters", "user", "x"])
    def test_a_token_in_any_other_part_of_the_query(
        self, tokens: list[str], root: Client, name: str
    ) -> None:
        """Filters and the filters that a page remembers are no way in either."""
        for address in (LIST, page(AuthSession.objects.all()[0])):
            response = root.get(address, {name: f"q={tokens[0]}"})
            assert (response.status_code, response["Location"]) == (302, address)
            response = root.get(f"{address}?{tokens[0]}=1")
            assert (response.status_code, response["Location"]) == (302, address)

    @pytest.mark.req("REQ-118")
    @pytest.mark.parametrize("name", ["change", "history", "revoke", "delete"])
    def test_a_token_in_place_of_an_id(self, tokens: list[str], root: Client, name: str) -> None:
        """It leads to the list, which does not repeat it; a 404 would write it into the log."""
        response = root.get(f"{LIST}{quote(tokens[1])}/{name}/")
        assert (response.status_code, response["Location"]) == (302, LIST)
        assert tokens[1] not in root.get(LIST).content.decode()

    @pytest.mark.req("REQ-118")
    def test_the_login_page_does_not_carry_one_along(
        self, tokens: list[str], client: Client
    ) -> None:
        """Nobody is logged in: the token is gone before the redirect to the login names it."""
        response = client.get(LIST, {"q": tokens[0]}, follow=True)
        assert [address for address, _ in response.redirect_chain] == [
            LIST,
            f"/admin/login/?next={LIST}",
        ]
        assert tokens[0] not in response.content.decode()

    @pytest.mark.req("REQ-118")
    def test_a_token_in_a_note_is_refused(self, tokens: list[str], root: Client) -> None:
        """It would stay in the history for ever; nothing is revoked until it is gone."""
        session = AuthSession.objects.filter(revoked_at=None)[0]
        response = revoke(root, session, note=f"stolen: {tokens[1]}")
        assert response.status_code == 200
        session.refresh_from_db()
        assert session.revoked_at is None
        assert not LogEntry.objects.exists()

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "ada",
            "01a1fd59-fca4-70a9-99f6-db7d556ed3e3",
            "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
            f"{'a' * 59}@{'b' * 59}.example.org",
            "eyJ",
            "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
        ],
    )
    def test_what_staff_search_for_is_no_token(self, text: str) -> None:
        """Names, ids, addresses and user agents pass."""
        assert not holds_token(text)


class TestHostileText:
    @pytest.fixture
    def rows(self, user: User, staff: User) -> AuthSession:
        """Rows with hostile text in every column, put there past everything that cleans it."""
        session = start(user, origin=Origin("192.0.2.1"))
        user.username = HOSTILE[:150]
        user.save()
        AuthSession.objects.update(
            device_name=HOSTILE[:100],
            device=HOSTILE[:80],
            new_device=True,
            moved_at=session.created_at,
            client=MARKUP,
            first_user_agent=HOSTILE,
            last_user_agent=HOSTILE,
            revoked_reason="",
            revoked_note=HOSTILE,
            amr=[MARKUP, BIDI],
        )
        RefreshToken.objects.update(user_agent=HOSTILE)
        AuthEvent.objects.update(
            user_agent=HOSTILE, detail={MARKUP: HOSTILE}, actor_key=HOSTILE, user_key=HOSTILE
        )
        event = AuthEvent.objects.get(type=EventType.LOGIN)
        AuthEvent.objects.create(
            created_at=event.created_at, type=MARKUP, reason=MARKUP, session_id=session.pk
        )
        return session

    @pytest.mark.req("REQ-122")
    def test_markup_is_text_on_every_page(self, rows: AuthSession, root: Client) -> None:
        """List, page, history, questions, messages: escaped, wherever it is shown."""
        questions = [
            revoke_selected(root, rows, confirmed=[]),
            revoke_all(root, rows.user, confirmed=[]),
        ]
        revoke(root, rows, note=HOSTILE[:100])
        texts = [*dict(crawl(root)).values(), *(answer.content.decode() for answer in questions)]
        assert sum("&lt;script&gt;alert(1)" in text for text in texts) > 6
        assert not [text for text in texts if MARKUP in text]

    @pytest.mark.req("REQ-122", "REQ-128")
    def test_nothing_reorders_or_breaks_a_line(self, rows: AuthSession, root: Client) -> None:
        """On the pages of sessions and events no bidirectional control or line break is left."""
        revoke(root, rows, note="a\u202eb")
        addresses = [LIST, EVENTS, page(rows), page(rows, "history")]
        addresses += [f"{EVENTS}{event.pk}/change/" for event in AuthEvent.objects.all()]
        # Django prints str(user) itself in the line of the user: that name is the project's.
        AuthSession.objects.update(user=None)
        AuthEvent.objects.update(user=None)
        for address in addresses:
            text = root.get(address).content.decode()
            assert not re.findall("[\u202a-\u202e\u2066-\u2069\u200e\u200f]", text), address
            assert "\nSet-Cookie" not in text


def test_an_answer_with_hostile_reason_is_refused(user: User, root: Client) -> None:
    """The reason is one of the list; a made-up one is escaped in the error."""
    answer: Any = revoke(root, start(user), **(YES | {"reason": MARKUP}))
    assert answer.status_code == 200
    assert MARKUP not in answer.content.decode()
