"""Where an address is, if the project has configured Django's GeoIP2."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from django.conf import settings

from tokenauth.admin.display import plain

__all__ = ["place_of"]

logger = logging.getLogger("tokenauth.admin")


def place_of(address: str | None) -> str:
    """Return city and country of an address, as far as they are known; it never raises.

    Args:
        address: an IP address, or ``None``.
    """
    path = getattr(settings, "GEOIP_PATH", None)
    return _look_up(address, str(path)) if path and address else ""


@lru_cache(maxsize=4096)
def _look_up(address: str, path: str) -> str:
    database = _database(path)
    if database is None:
        return ""
    try:
        found = database.city(address) if database.is_city else database.country(address)
    except Exception:
        # Private addresses are in no database.
        logger.debug("no place is known of an address", exc_info=True)
        return ""
    return plain(", ".join(filter(None, (found.get("city"), found.get("country_name")))))


@lru_cache(maxsize=4)
def _database(path: str) -> Any:
    """Open the database; ``None``, with a line in the log, if that is not possible."""
    try:
        # Here, because few projects have the package and it takes its time.
        from django.contrib.gis.geoip2 import GeoIP2  # noqa: PLC0415

        return GeoIP2(path)
    except Exception:
        logger.exception("GEOIP_PATH is set, but GeoIP2 cannot be used: no places are shown")
        return None
