from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from django.urls import include, path

from tests.checks import messages, problems

ON: dict[str, Any] = {
    "TOKENAUTH_SECURITY_EMAILS": ("new_device", "reuse"),
    "TOKENAUTH_SITE_URL": "https://example.com",
}
SMTP = "django.core.mail.backends.smtp.EmailBackend"
has_tasks = django.VERSION >= (6, 0)


class TestEmails:
    @pytest.mark.parametrize("kinds", [(), [], ["reuse"], ("new_device", "reuse")])
    def test_may_be_on(self, kinds: Any) -> None:
        """Any of them, with a site to lead to."""
        assert problems(**ON | {"TOKENAUTH_SECURITY_EMAILS": kinds}) == []

    @pytest.mark.parametrize(
        "kinds", ["reuse", None, True, {"reuse"}, ["login"], ["reuse", None], [["reuse"]]]
    )
    def test_are_a_list_of_what_there_is(self, kinds: Any) -> None:
        """One name without its list is refused, and so is what nobody sends."""
        assert problems(**ON | {"TOKENAUTH_SECURITY_EMAILS": kinds}) == ["E110"]


class TestSite:
    def test_is_needed_with_emails(self) -> None:
        """The Host of a request is whoever's who sends it."""
        assert problems(TOKENAUTH_SECURITY_EMAILS=["reuse"]) == ["E111"]

    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com",
            "https://example.com:8443",
            "https://Example.com",
            "https://xn--bcher-kva.example",
            "https://[2001:db8::1]:8443",
            "http://localhost:8000",
            "http://127.0.0.1",
            "http://[::1]:8000",
        ],
    )
    def test_is_an_origin(self, url: str) -> None:
        """Scheme and host, and a port if need be; plain http on this machine only."""
        assert problems(**ON | {"TOKENAUTH_SITE_URL": url}) == []

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "example.com",
            "//example.com",
            "http://example.com",
            "https://",
            "https://example.com/",
            "https://example.com/app",
            "https://example.com?x",
            "https://example.com#x",
            "https://ada@example.com",
            "https://example.com:",
            "https://example.com:x",
            "https://example.com:99999",
            "https://example.com:0",
            "https://example.com\\@evil.example",
            "https://example.com%2f.evil.example",
            "https://-",
            "https://[::1",
            " https://example.com",
            "https://example.com\n",
            "https://exa mple.com",
            "https://bücher.example",
            "ftp://example.com",
            "javascript:alert(1)",
            "http://localhost.example.com",
            b"https://example.com",
            1,
            [],
        ],
        ids=ascii,
    )
    def test_is_nothing_else(self, url: Any) -> None:
        """What an address could be made of that leads elsewhere, or that is read differently."""
        assert problems(**ON | {"TOKENAUTH_SITE_URL": url}) == ["E112"]

    def test_may_be_plain_http_while_debugging(self) -> None:
        """A developer's phone reaches the developer's machine by its name."""
        assert problems(**ON | {"TOKENAUTH_SITE_URL": "http://laptop:8000", "DEBUG": True}) == []


class TestPage:
    def test_must_be_found_by_its_name(self) -> None:
        """Under a namespace of its own no link could be made, whatever path the cookie has."""
        nested = (path("api/", include(((path("auth/", include("tokenauth.urls")),), "api"))),)
        apart: dict[str, Any] = {
            "ROOT_URLCONF": nested,
            "TOKENAUTH_REFRESH_COOKIE_PATH": "/",
        }
        assert problems(**ON, **apart) == ["E113"]
        assert problems(**apart) == []

    def test_must_be_known_to_a_worker(self) -> None:
        """A worker makes links too, so its settings need the URLconf."""
        worker: dict[str, Any] = {
            "ROOT_URLCONF": None,
            "TOKENAUTH_REFRESH_COOKIE_PATH": "/auth/",
        }
        assert problems(**ON, **worker) == ["E113"]
        assert problems(**worker) == []


class TestTemplates:
    def test_must_be_there(self) -> None:
        """An API may have no templates at all, and then no e-mails."""
        found = messages(**ON, TEMPLATES=[])
        assert {str(message.id) for message in found} == {"tokenauth.E114"}
        assert len(found) == 2 * 3 + 4
        assert problems(TEMPLATES=[]) == []

    def test_do_not_hide_what_else_is_wrong(self) -> None:
        """An engine that cannot be loaded is no exception of this check."""
        found = messages(**ON, TEMPLATES=[{"BACKEND": "none.Engine"}])
        assert {str(message.id) for message in found} == {"tokenauth.E114"}

    def test_must_be_right(self, tmp_path: Path) -> None:
        """A project's own with an error in it is found when the server starts."""
        (tmp_path / "tokenauth" / "email").mkdir(parents=True)
        (tmp_path / "tokenauth" / "email" / "reuse_body.txt").write_text("{% nonsense %}")
        engine = {**settings.TEMPLATES[0], "DIRS": [tmp_path]}
        (found,) = messages(**ON, TEMPLATES=[engine])
        assert "tokenauth/email/reuse_body.txt" in found.msg


def mail_server(**options: Any) -> dict[str, Any]:
    """Return the settings of a project that sends by SMTP, by whichever names it has for that."""
    if django.VERSION >= (6, 1):
        options = {"host": "mail.example.com", **options}
        return {"MAILERS": {"default": {"BACKEND": SMTP, "OPTIONS": options}}}
    return {"EMAIL_BACKEND": SMTP, "EMAIL_TIMEOUT": options.get("timeout")}


class TestMailServer:
    def test_is_given_up_after_a_time(self) -> None:
        """Without one, a login would wait for it for ever."""
        assert problems(deploy=True, **ON, **mail_server()) == ["W110"]
        assert problems(deploy=True, **ON, **mail_server(timeout=5)) == []

    def test_does_not_matter_without_emails(self) -> None:
        """Nothing of this package waits for it."""
        assert problems(deploy=True, **mail_server()) == []

    def test_does_not_matter_to_tasks(self) -> None:
        """A worker may wait; before Django 6.0 the setting means nothing."""
        tasks = {"default": {"BACKEND": "django.tasks.backends.dummy.DummyBackend"}}
        found = problems(deploy=True, **ON, **mail_server(), TASKS=tasks)
        assert found == ([] if has_tasks else ["W110"])

    @pytest.mark.parametrize("mailers", [{}, {"default": None}, [], {"default": {"OPTIONS": 1}}])
    def test_may_be_anything(self, mailers: Any) -> None:
        """No check raises for what Django itself will refuse."""
        assert set(problems(deploy=True, **ON, MAILERS=mailers)) <= {"W110"}
