"""Settings of the server: those of the tests' project, on PostgreSQL.

``CHAOS_GRACE``
    ``TOKENAUTH_GRACE_PERIOD`` in seconds; the default without it.
``CHAOS_PERSISTENT``
    ``1`` keeps the connections (``CONN_MAX_AGE = None``): a request then meets one that was cut
    before it came.
"""

import os
from datetime import timedelta

from proofs.chaos.cluster import APPLICATION
from proofs.log_settings import errors_to_stderr
from tests import settings

globals().update({name: getattr(settings, name) for name in dir(settings) if name.isupper()})

DATABASES = settings.DATABASES
DATABASES["default"]["OPTIONS"]["application_name"] = APPLICATION
DATABASES["default"]["OPTIONS"]["connect_timeout"] = 5
DATABASES["default"]["CONN_MAX_AGE"] = None if os.environ.get("CHAOS_PERSISTENT") == "1" else 0

# Counted as anywhere, and not reached: a few sessions do here in a minute what others do in a week.
TOKENAUTH_THROTTLE_RATES = dict.fromkeys(("refresh", "session", "refused"), "1000000/min")

if "CHAOS_GRACE" in os.environ:
    TOKENAUTH_GRACE_PERIOD = timedelta(seconds=float(os.environ["CHAOS_GRACE"]))

# Errors go to standard error with their traceback, which the report counts and shows.
LOGGING = errors_to_stderr(of_ours="CRITICAL")
