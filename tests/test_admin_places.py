"""Places beside addresses, by a real database of Django's GeoIP2."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from tests.conftest import Clock
from tests.test_admin import page, root
from tests.test_admin_page import line
from tests.test_admin_timeline import home, text_of
from tests.test_moves import HOME
from tokenauth import sessions
from tokenauth.admin import places
from tokenauth.issuing import Tokens

__all__ = ["home", "line", "root"]  # fixtures

pytestmark = pytest.mark.any_database


class TestPlaces:
    @pytest.fixture(autouse=True)
    def fresh(self) -> Iterator[None]:
        """Nothing is remembered from another test."""
        places._look_up.cache_clear()
        places._database.cache_clear()
        yield
        places._look_up.cache_clear()
        places._database.cache_clear()

    @staticmethod
    def write(path: Path, kind: str, facts: dict[str, Any]) -> str:
        """Write a database that knows one network."""
        writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind)
        writer.insert_network(IPSet(["192.0.2.0/24"]), facts)
        writer.to_db_file(str(path))
        return str(path)

    @pytest.fixture
    def city(self, tmp_path: Path) -> str:
        """A database of cities."""
        facts = {
            "city": {"names": {"en": "Vaduz"}},
            "country": {"iso_code": "LI", "names": {"en": "Liechtenstein"}},
            "continent": {"code": "EU", "names": {"en": "Europe"}},
        }
        return self.write(tmp_path / "GeoLite2-City.mmdb", "GeoLite2-City", facts)

    def test_none_by_default(self) -> None:
        """A project that configures nothing is asked for nothing."""
        assert places.place_of("192.0.2.1") == ""

    def test_city_and_country(self, city: str, settings: Any) -> None:
        """By Django's GeoIP2; of an address that is in no database, nothing."""
        settings.GEOIP_PATH = city
        assert places.place_of("192.0.2.1") == "Vaduz, Liechtenstein"
        assert places.place_of("10.0.0.1") == places.place_of(None) == places.place_of("x") == ""

    def test_country_alone(self, tmp_path: Path, settings: Any) -> None:
        """A database of countries will do."""
        facts = {"country": {"iso_code": "LI", "names": {"en": "Liechten\u202estein"}}}
        path = tmp_path / "GeoLite2-Country.mmdb"
        settings.GEOIP_PATH = self.write(path, "GeoLite2-Country", facts)
        assert places.place_of("192.0.2.1") == "Liechten?stein"

    def test_on_the_page(
        self, home: Tokens, clock: Clock, city: str, settings: Any, root: Client, line: Any
    ) -> None:
        """Beside the address, in the summary, the timeline and the other sessions."""
        settings.GEOIP_PATH = city
        sessions.start_session(home.session.user, client="app", origin=HOME)
        assert line(home, "where_line") == "192.0.2.1, Vaduz, Liechtenstein"
        text = text_of(root.get(page(home.session)))
        assert text.count("192.0.2.1, Vaduz, Liechtenstein") == 3

    def test_a_broken_database_fails_no_page(
        self, home: Tokens, tmp_path: Path, settings: Any, root: Client, caplog: Any
    ) -> None:
        """The page is shown without places; the log says it once."""
        broken = tmp_path / "broken.mmdb"
        broken.write_bytes(b"nothing")
        settings.GEOIP_PATH = str(broken)
        assert root.get(page(home.session)).status_code == 200
        assert places.place_of("192.0.2.2") == ""
        assert caplog.text.count("no places are shown") == 1
