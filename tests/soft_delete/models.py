"""A user model that hides the deleted, and a proxy of it."""

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models


class PresentUsers(UserManager["Member"]):
    """The users that are not deleted."""

    def get_queryset(self) -> models.QuerySet["Member"]:
        """Hide the deleted."""
        return super().get_queryset().filter(deleted=False)


class Member(AbstractUser):
    """A user whom deletion hides; everybody is in ``everyone``."""

    deleted = models.BooleanField(default=False)

    objects = PresentUsers()
    everyone = UserManager()


class Customer(Member):
    """The same user on another page of the admin."""

    objects = PresentUsers()

    class Meta:
        proxy = True
