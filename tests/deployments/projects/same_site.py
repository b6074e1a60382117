"""Page and API on two hosts of one site."""

from tests.deployments.projects.base import *

# docs/deployments.md
INSTALLED_APPS += ["corsheaders"]
MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")

CORS_ALLOWED_ORIGINS = ["https://app.example.test"]
CORS_ALLOW_CREDENTIALS = True
CORS_EXPOSE_HEADERS = ["Retry-After", "WWW-Authenticate"]
CORS_URLS_REGEX = r"^/(auth|api)/"
CSRF_TRUSTED_ORIGINS = ["https://app.example.test"]
