"""The task that sends an e-mail, for projects with ``TASKS`` (Django 6.0 and newer).

What is queued names the session: the link is made by whoever runs the task, so that no queue
holds one.
"""

from __future__ import annotations

import django

from tokenauth.conf import Notice
from tokenauth.database import write_alias
from tokenauth.models import AuthSession
from tokenauth.notices.delivery import deliver_once

__all__ = ["HAS_TASKS"]

HAS_TASKS = django.VERSION >= (6, 0)
"""Whether this Django has tasks."""

if HAS_TASKS:
    from django.tasks import task

    __all__ += ["send_notice"]

    @task
    def send_notice(kind: Notice, session_id: str, language: str) -> None:
        """Send the e-mail about a session that is still kept; nothing for one that is not.

        Args:
            kind: what it is about.
            session_id: which session.
            language: to write it in.
        """
        sessions = AuthSession.objects.using(write_alias()).with_user()
        session = sessions.filter(pk=session_id).first()
        if session is not None:
            deliver_once(kind, session, language)
