"""A worker process: does what it reads, line by line, and says what came of it.

``fail ADDRESS`` and ``succeed ADDRESS`` ask for one guess at Ada's password. The answer is 0, or
the seconds to wait. Its clock stands still.
"""

import sys
from datetime import UTC, datetime

import django

django.setup()

from tokenauth import system  # noqa: E402 - the apps come first
from tokenauth.audit import Origin  # noqa: E402 - as above
from tokenauth.exceptions import TooManyGuesses  # noqa: E402 - as above
from tokenauth.guessing import admit  # noqa: E402 - as above

system.now = lambda: datetime(2030, 1, 1, tzinfo=UTC)


def guess(verb: str, ip: str) -> int:
    """Guess once; return the seconds to wait."""
    try:
        attempt = admit("ada", ip=ip, origin=Origin(ip=ip))
    except TooManyGuesses as refused:
        return refused.wait
    if verb == "fail":
        attempt.failed()
    else:
        attempt.succeeded()
    return 0


for line in sys.stdin:
    sys.stdout.write(f"{guess(*line.split())}\n")
    sys.stdout.flush()
