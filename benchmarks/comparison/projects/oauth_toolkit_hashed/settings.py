"""As the other one, with hashed tokens and therefore without a grace (its check E001)."""

from benchmarks.comparison.projects.oauth_toolkit import settings as oauth_toolkit
from benchmarks.comparison.projects.oauth_toolkit.settings import *  # noqa: F403 - settings are inherited by name

OAUTH2_PROVIDER = {
    **oauth_toolkit.OAUTH2_PROVIDER,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}
