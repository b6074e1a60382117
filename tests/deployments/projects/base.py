"""What the projects of docs/deployments.md have in common; each then has what that page prints."""

from tests.settings import *

ALLOWED_HOSTS = [".example.test"]
ROOT_URLCONF = "tests.deployments.urls"
