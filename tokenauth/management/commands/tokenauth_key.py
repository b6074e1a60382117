"""Make a key for ``TOKENAUTH_SIGNING_KEYS``."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tokenauth.tokens.keys import generate_jwk

ALGORITHMS = ("ES256", "RS256", "EdDSA")
PUBLIC_MEMBERS = ("kty", "crv", "x", "y", "n", "e", "alg", "use", "kid")

NEXT_STEPS = """\
This is a private key (kid {kid}): keep it outside of the code, where SECRET_KEY is kept.
1. Put it at the end of TOKENAUTH_SIGNING_KEYS on every host. It verifies, and signs nothing yet.
2. Give its public half to the services that verify access tokens themselves (--public prints it).
3. When that is everywhere, move it to the head of the list. From then on it signs.
4. Remove the key that it replaces when the last access token of that one has expired.
If the list was empty, the key signs at once, and access tokens signed by the key derived from
SECRET_KEY are refused: clients refresh, and nobody is logged out.
"""


class Command(BaseCommand):
    """Print a new private key to standard output, and what to do with it to standard error."""

    help = (
        "Print a new private key for TOKENAUTH_SIGNING_KEYS as a JWK (RFC 7517), one line of "
        "JSON. Nothing is written to disk."
    )
    # A project whose keys are missing or wrong needs this command to put that right.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the algorithm, and whether the public half is printed too."""
        parser.add_argument(
            "--algorithm",
            choices=ALGORITHMS,
            default=ALGORITHMS[0],
            help="what the key signs with (default: %(default)s)",
        )
        parser.add_argument(
            "--public",
            action="store_true",
            help="print the public half as a second line, for services that only verify",
        )

    def handle(self, *, algorithm: str, public: bool, **_options: Any) -> None:
        """Print the key."""
        key = generate_jwk(algorithm)
        self.stdout.write(json.dumps(key))
        if public:
            half = {name: key[name] for name in PUBLIC_MEMBERS if name in key}
            self.stdout.write(json.dumps(half))
        self.stderr.write(NEXT_STEPS.format(kid=key["kid"]))
