"""Settings of the e-mails to users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from tokenauth.conf.reader import Reader

__all__ = ["NAMES", "NOTICES", "Notice", "NoticeSettings"]

NAMES = ("SECURITY_EMAILS", "SITE_URL")

Notice = Literal["new_device", "reuse"]

NOTICES: tuple[Notice, ...] = get_args(Notice)
"""What ``TOKENAUTH_SECURITY_EMAILS`` may hold."""


class NoticeSettings(Reader):
    """Which e-mails are sent, and where their links lead."""

    @property
    def security_emails(self) -> Sequence[Notice]:
        """``TOKENAUTH_SECURITY_EMAILS``: what a user is told by e-mail, ``()``.

        ``"new_device"``: a sign-in from a device not seen before. ``"reuse"``: a refresh token
        was reused, so a session was ended.
        """
        return self._read("SECURITY_EMAILS", ())

    @property
    def site_url(self) -> str | None:
        """``TOKENAUTH_SITE_URL``: the origin that links in e-mails begin with, ``None``.

        Never the ``Host`` of a request: whoever sends the request chooses that.
        """
        return self._read("SITE_URL", None)
