"""A project's own backend: it binds to the directory as whoever logs in."""

import re
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from tests.examples.ldap.directory import SUCCESS, bind

DEFAULT = ("127.0.0.1", 389)
# What must be escaped in a name (RFC 4514 section 2.4) is in nobody's.
_UID = re.compile(r"[a-z][a-z0-9-]{0,30}")


class DirectoryBackend(ModelBackend):
    """Knows users by the directory; the project's own table has no password of theirs."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Return the user who can bind by this password, made at the first login."""
        # A bind without a password succeeds, and proves nothing (RFC 4513 section 5.1.2).
        if not username or not password or not _UID.fullmatch(username):
            return None
        name = f"uid={username},ou=people,dc=example,dc=org"
        if bind(getattr(settings, "DIRECTORY", DEFAULT), name, password) != SUCCESS:
            return None
        user, made = get_user_model().objects.get_or_create(username=username)
        if made:
            user.set_unusable_password()
            user.save()
        return user if self.user_can_authenticate(user) else None
