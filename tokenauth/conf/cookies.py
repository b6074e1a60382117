"""Settings of the cookies."""

from __future__ import annotations

from tokenauth.conf.reader import Reader

__all__ = ["NAMES", "CookieSettings"]

NAMES = (
    "REFRESH_COOKIE_NAME",
    "REFRESH_COOKIE_PATH",
    "REFRESH_COOKIE_SAMESITE",
    "REFRESH_COOKIE_SECURE",
    "ACCESS_COOKIE",
)


class CookieSettings(Reader):
    """Names, paths and attributes."""

    @property
    def refresh_cookie_name(self) -> str | None:
        """``TOKENAUTH_REFRESH_COOKIE_NAME``: ``None`` for the name that fits the path."""
        return self._read("REFRESH_COOKIE_NAME", None)

    @property
    def refresh_cookie_path(self) -> str | None:
        """``TOKENAUTH_REFRESH_COOKIE_PATH``: ``None`` for where the endpoints are mounted."""
        return self._read("REFRESH_COOKIE_PATH", None)

    @property
    def refresh_cookie_samesite(self) -> str:
        """``TOKENAUTH_REFRESH_COOKIE_SAMESITE``: ``Strict``."""
        return self._read("REFRESH_COOKIE_SAMESITE", "Strict")

    @property
    def refresh_cookie_secure(self) -> bool | None:
        """``TOKENAUTH_REFRESH_COOKIE_SECURE``: ``None``, true but for plain http under DEBUG."""
        return self._read("REFRESH_COOKIE_SECURE", None)

    @property
    def access_cookie(self) -> bool:
        """``TOKENAUTH_ACCESS_COOKIE``: whether browsers also get the access token in a cookie."""
        return self._read("ACCESS_COOKIE", False)  # noqa: FBT003 - a setting's default
