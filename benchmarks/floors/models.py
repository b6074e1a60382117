"""The row that the floors read and write."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

__all__ = ["Row"]


class Row(models.Model):
    """The least that a session needs: whose it is, how far it is, and when it ends."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_constraint=False
    )
    user_id: int
    generation = models.PositiveIntegerField(default=0)
    rotated_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Row]] = models.Manager()

    class Meta:
        default_permissions: ClassVar[tuple[str, ...]] = ()

    def __str__(self) -> str:
        return str(self.pk)
