"""Django's password hasher, at a hundredth of its cost."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher

__all__ = ["Quick"]


class Quick(PBKDF2PasswordHasher):
    """PBKDF2 with 10,000 rounds."""

    iterations = 10_000
