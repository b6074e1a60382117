"""A development server for the page and one for the API, both on localhost."""

from tests.deployments.projects.base import *

ALLOWED_HOSTS = []

# docs/deployments.md
DEBUG = True

INSTALLED_APPS += ["corsheaders"]
MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")

CORS_ALLOWED_ORIGINS = ["http://localhost:5173"]
CORS_ALLOW_CREDENTIALS = True
CORS_EXPOSE_HEADERS = ["Retry-After", "WWW-Authenticate"]
CORS_URLS_REGEX = r"^/(auth|api)/"
CSRF_TRUSTED_ORIGINS = ["http://localhost:5173"]
