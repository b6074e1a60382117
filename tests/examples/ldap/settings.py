"""A project whose users and passwords are in a directory."""

from tests.examples.settings import *  # noqa: F403 - what the examples have in common

ROOT_URLCONF = "tests.examples.ldap.urls"
AUTHENTICATION_BACKENDS = ["tests.examples.ldap.backend.DirectoryBackend"]
