"""Page and API on two sites, for browsers that still keep cookies of third parties."""

from tests.deployments.projects.base import *

# docs/deployments.md
INSTALLED_APPS += ["corsheaders"]
MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")

CORS_ALLOWED_ORIGINS = ["https://www.shop.test"]
CORS_ALLOW_CREDENTIALS = True
CORS_EXPOSE_HEADERS = ["Retry-After", "WWW-Authenticate"]
CORS_URLS_REGEX = r"^/(auth|api)/"
CSRF_TRUSTED_ORIGINS = ["https://www.shop.test"]
TOKENAUTH_REFRESH_COOKIE_SAMESITE = "None"
SILENCED_SYSTEM_CHECKS = ["tokenauth.E041"]  # deploy: SameSite None
