"""As same_site, with siblings that nobody trusts."""

from tests.deployments.projects.same_site import *

# docs/deployments.md
TOKENAUTH_REFRESH_COOKIE_PATH = "/"
