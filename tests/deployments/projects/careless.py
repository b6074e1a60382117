"""As same_site, with a sibling that CORS lets in by mistake."""

from tests.deployments.projects.same_site import *

CORS_ALLOWED_ORIGINS = [*CORS_ALLOWED_ORIGINS, "https://blog.example.test"]
