"""Write what is kept about one user as JSON, for the user."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router

from tokenauth.privacy import write_export

__all__ = ["Command"]


class Command(BaseCommand):
    """Export one user's data."""

    help = (
        "Write what is kept about a user to standard output, as JSON: sessions, refreshes and "
        "events. No secret is in it, and nothing about others."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add whose."""
        parser.add_argument("user", metavar="NAME", help="the name that the user logs in with")

    def handle(self, *, user: str, **_options: Any) -> None:
        """Write.

        Raises:
            CommandError: there is no such user.
        """
        model: Any = get_user_model()
        users = model._base_manager.using(router.db_for_read(model))
        found = users.filter(**{model.USERNAME_FIELD: user}).first()
        if found is None:
            raise CommandError("There is no such user. Write the name as it is used to log in.")
        write_export(found, lambda text: self.stdout.write(text, ending=""))
