"""End many sessions: of a user, a group, an address or network, everyone, or before a time."""

from __future__ import annotations

import argparse
import re
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router

from tokenauth.audit import clean
from tokenauth.bulk import Matching
from tokenauth.exceptions import TryAgain
from tokenauth.management.arguments import note
from tokenauth.management.progress import Bar
from tokenauth.models import RevokedReason
from tokenauth.networks import Network, as_network
from tokenauth.sessions import Target, count_matching, revoke_matching

__all__ = ["Command"]

_REASON = re.compile(r"[a-z][a-z_-]{0,31}", re.ASCII)
_SOURCE = "manage.py tokenauth_revoke"
"""What the note of each session and event begins with: there is no actor to name."""


def _network(text: str) -> Network:
    network = as_network(text)
    if network is None:
        raise argparse.ArgumentTypeError("is neither an address nor a network")
    return network


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is not a time such as 2026-01-31T18:00+01:00") from None
    if time.tzinfo is None:
        raise argparse.ArgumentTypeError("has no time zone: write 2026-01-31T18:00+01:00, or Z")
    return time


def _reason(text: str) -> str:
    if not _REASON.fullmatch(text):
        raise argparse.ArgumentTypeError("is not a code of 1 to 32 small letters, - and _")
    return text


class Command(BaseCommand):
    """Revoke, and say in one line what ended; ``--verbosity 0`` says nothing but errors."""

    help = (
        "End sessions at once: their refresh tokens are refused from then on, and their access "
        "tokens as TOKENAUTH_ACCESS_TOKEN_CHECK says. Asks first. In batches beside live traffic; "
        "safe to stop and to repeat. Django's own sessions are not ended."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add whose sessions, why, and how."""
        whose = parser.add_mutually_exclusive_group()
        whose.add_argument("--user", metavar="NAME", help="of the user who logs in with this name")
        whose.add_argument("--group", metavar="NAME", help="of the members of this group")
        whose.add_argument(
            "--address",
            type=_network,
            metavar="NETWORK",
            help="that began in, or were last seen in, this address or network (10.1.0.0/16)",
        )
        whose.add_argument("--all", action="store_true", help="of everyone")
        parser.add_argument(
            "--before",
            type=_time,
            metavar="TIME",
            help="only those that began before this time, with its zone; alone: of everyone",
        )
        parser.add_argument(
            "--reason",
            type=_reason,
            default=RevokedReason.ADMIN,
            metavar="CODE",
            help="why, as a code (default: %(default)s)",
        )
        parser.add_argument(
            "--note", type=note, default="", help="why, in words: kept with each session"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="count what would end, and change nothing"
        )
        parser.add_argument(
            "--yes", "--no-input", action="store_true", help="do not ask, as for cron"
        )

    def handle(self, *, dry_run: bool, yes: bool, verbosity: int, **options: Any) -> None:
        """Count, ask and revoke."""
        target = self._target(options)
        counted = count_matching(target)
        if dry_run:
            self._say(verbosity, f"Would revoke {_describe(counted)}.")
            return
        if counted.sessions and not yes:
            self._ask(counted)
        watched = verbosity > 0 and self.stderr.isatty() and counted.sessions
        bar = Bar(self.stderr, counted.sessions, "sessions") if watched else None
        try:
            done = revoke_matching(
                target,
                reason=options["reason"],
                note=": ".join(filter(None, (_SOURCE, options["note"]))),
                progress=(lambda so_far: bar.show(so_far.sessions)) if bar else None,
            )
        except TryAgain as error:
            raise CommandError(
                "The database refused a batch three times. What was revoked before stays "
                "revoked; run the command again."
            ) from error
        finally:
            if bar:
                bar.close()
        said = f"Revoked {_describe(counted)}."
        if done.sessions != counted.sessions:
            said = f"Revoked {done.sessions:,} of {_describe(counted)}: the others had ended."
        self._say(verbosity, said)

    def _target(self, options: dict[str, Any]) -> Target:
        """Return what is meant.

        Raises:
            CommandError: nothing is, or there is no such user or group.
        """
        user, group, network = options["user"], options["group"], options["address"]
        everyone, before = options["all"], options["before"]
        if user is None and group is None and network is None and not everyone:
            if before is None:
                raise CommandError(
                    "Say whose sessions: --user, --group, --address, --all, or --before."
                )
            everyone = True
        model: Any = get_user_model()
        key = None if group is None else _key_of(Group, "name", group)
        return Target(
            users=None if user is None else (_key_of(model, model.USERNAME_FIELD, user),),
            group=key,
            network=network,
            everyone=everyone,
            created_before=before,
        )

    def _ask(self, counted: Matching) -> None:
        """Go on only if somebody says yes.

        Raises:
            CommandError: nobody does.
        """
        try:
            said = input(f"This revokes {_describe(counted)}. Go on? [y/N] ")
        except EOFError:
            raise CommandError("Nobody answers. Run it with --yes if that is meant.") from None
        if said.strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was revoked.")

    def _say(self, verbosity: int, text: str) -> None:
        if verbosity > 0:
            self.stdout.write(text)


def _key_of(model: Any, field: str, name: str) -> Any:
    rows = model._base_manager.using(router.db_for_write(model)).filter(**{field: name})
    key = rows.values_list("pk", flat=True).first()
    if key is None:
        raise CommandError(f"There is no {model._meta.verbose_name} {clean(name, 100)}.")
    return key


def _describe(counted: Matching) -> str:
    sessions = "session" if counted.sessions == 1 else "sessions"
    users = "user" if counted.users == 1 else "users"
    return f"{counted.sessions:,} {sessions} of {counted.users:,} {users}"
