"""Settings of the demo with e-mails to its users, which are written to files.

``NOTICES_FOLDER``
    Where the e-mails are put, and where a file ``now`` holds the time that the package sees.
"""

from datetime import datetime
from pathlib import Path

import django

from demo_project import settings as demo
from tokenauth import system

globals().update({name: getattr(demo, name) for name in dir(demo) if name.isupper()})

FOLDER = Path(demo.env.str("NOTICES_FOLDER"))

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MIDDLEWARE = [*demo.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
DEFAULT_FROM_EMAIL = "Example <accounts@example.com>"
TOKENAUTH_SECURITY_EMAILS = ("new_device", "reuse")
TOKENAUTH_SITE_URL = "https://example.com"

# More tokens are reused than a user would be told of in an hour, and nothing counts them.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

if django.VERSION >= (6, 1):
    MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "OPTIONS": {"file_path": FOLDER / "mails"},
        }
    }
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = FOLDER / "mails"


def now() -> datetime:
    """Return the time that the tests have set."""
    return datetime.fromisoformat((FOLDER / "now").read_text())


system.now = now
