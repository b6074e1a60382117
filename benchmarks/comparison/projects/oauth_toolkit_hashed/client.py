"""How an app talks to django-oauth-toolkit with hashed tokens: as with any others."""

from __future__ import annotations

from benchmarks.comparison.projects.oauth_toolkit.client import OAuthToolkit

__all__ = ["OAuthToolkitHashed"]


class OAuthToolkitHashed(OAuthToolkit):
    """Tokens are stored as digests; a grace cannot be had with them."""

    title = "django-oauth-toolkit, hashed tokens"
    configuration = (
        "as above, with `COMPLIANT_BCP_RFC9700_TOKEN_STORAGE` and therefore a grace of 0 "
        "(its check `oauth2_provider.E001`)"
    )
    grace = 0
