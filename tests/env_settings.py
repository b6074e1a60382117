"""Settings of a project in a process of its own: those of the tests, and what is sent with it.

``TOKENAUTH_TEST_SETTINGS`` is a JSON object of settings; they come last.
"""

import json
import os

from tests import settings

globals().update({name: getattr(settings, name) for name in dir(settings) if name.isupper()})
globals().update(json.loads(os.environ["TOKENAUTH_TEST_SETTINGS"]))
