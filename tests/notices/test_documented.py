"""What docs/notices.md says is sent is what is sent."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.utils import translation

from tests.conftest import Api, Clock
from tests.demo.server import ROOT
from tests.notices.conftest import LINK, outbox
from tokenauth.conf import NOTICES

pytestmark = pytest.mark.any_database

PAGE = (ROOT / "docs" / "notices.md").read_text()
SHOWN = re.compile(r"^<!-- (\w+) (\w+) -->\n```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
LANGUAGES = ("en", "de")
WRITTEN = {(kind, language): text for kind, language, text in SHOWN.findall(PAGE)}


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """The day of the examples."""
    clock.start = clock.time = datetime.fromisoformat("2026-03-12T13:30:00+00:00")
    return clock


class TestTexts:
    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("kind", NOTICES)
    def test_are_what_is_sent(
        self,
        sign_in: Callable[..., Api],
        reuse: Callable[[], Api],
        settings: Any,
        kind: str,
        language: str,
    ) -> None:
        """To the letter, but for the link's value, which is another one each time."""
        settings.TIME_ZONE, settings.LANGUAGE_CODE = "UTC", language
        with translation.override(language):
            (sign_in if kind == "new_device" else reuse)()
        (message,) = outbox()
        body = LINK.sub("https://example.com/auth/end-session/<value>/", str(message.body))
        assert f"Subject: {message.subject}\n\n{body}" == WRITTEN[kind, language]

    def test_are_all_that_there_are(self) -> None:
        """Each kind in each language, and no other."""
        assert WRITTEN.keys() == {(kind, language) for kind in NOTICES for language in LANGUAGES}


class TestTemplates:
    def test_get_what_the_page_says(
        self, sign_in: Callable[..., Api], settings: Any, tmp_path: Any
    ) -> None:
        """Each name of the page's table is there for a project's own template."""
        names = re.findall(r"^\| `(\w+)` \|", PAGE.partition("## Your own words")[2], re.MULTILINE)
        assert len(names) >= 8
        folder = tmp_path / "tokenauth" / "email"
        folder.mkdir(parents=True)
        lines = "".join(f"{name}={{% if {name} %}}there{{% endif %}}\n" for name in names)
        (folder / "new_device_body.txt").write_text(lines)
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
        sign_in()
        assert outbox()[0].body.split() == [f"{name}=there" for name in names]
