"""Page and API on two sites, the refresh token in the page's memory."""

from tests.deployments.projects.base import *

# docs/deployments.md
from datetime import timedelta

INSTALLED_APPS += ["corsheaders"]
MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")

CORS_ALLOWED_ORIGINS = ["https://www.shop.test"]
CORS_EXPOSE_HEADERS = ["Retry-After", "WWW-Authenticate"]
CORS_URLS_REGEX = r"^/(auth|api)/"
TOKENAUTH_CLIENTS = {
    "page": {
        "transport": "body",
        "idle_lifetime": timedelta(hours=1),
        "absolute_lifetime": timedelta(hours=12),
    },
}
