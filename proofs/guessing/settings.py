"""Settings of the server that is attacked: those of the tests' project, as it is deployed.

``GUESSING_REDIS``
    The port of the Redis that counts.
"""

import os

from proofs.log_settings import errors_to_stderr
from tests import settings

globals().update({name: getattr(settings, name) for name in dir(settings) if name.isupper()})

DATABASES = settings.DATABASES
DATABASES["default"]["CONN_MAX_AGE"] = None
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{os.environ.get('GUESSING_REDIS', '1')}/0",
    }
}
# Django's own with fewer rounds: by the fast clock, each guess would otherwise take minutes, which
# would slow the attacker down.
PASSWORD_HASHERS = ["proofs.guessing.hashers.Quick"]
# X-Forwarded-For then gives as many addresses as an attack needs.
TOKENAUTH_TRUSTED_PROXIES = ["127.0.0.1"]

LOGGING = errors_to_stderr()
